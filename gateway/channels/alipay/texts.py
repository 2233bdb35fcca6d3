"""Amounts, times and words, as Alipay writes them.

Amounts are yuan as decimal text, times are of Beijing. Lengths are bounded in the unit in which
Alipay counts them: a title in characters of Java, of which those outside the basic plane are two;
a remark in letters, of which a Chinese character is two.
"""

import re
from collections.abc import Callable
from datetime import datetime

from gateway.channels.bill import CHINA
from gateway.channels.fields import Fields, Malformed
from gateway.domain.money import Money

CURRENCY = "CNY"
SUBJECT_LENGTH_MAX = 256
TITLE_LENGTH_MAX = 100
REASON_LENGTH_MAX = 256
REMARK_LENGTH_MAX = 100

_YUAN = re.compile(r"(0|[1-9][0-9]{0,8})(?:\.([0-9]{1,2}))?")
_FORBIDDEN = str.maketrans(dict.fromkeys("/=&,", " "))
"""What a title may not hold; and commas, which bills do not quote."""


def yuan(money: Money) -> str:
    """Write an amount in yuan with two decimals.

    Raises:
        ValueError: it is in another currency.
    """
    if money.currency != CURRENCY:
        raise ValueError("Alipay takes CNY only")
    return f"{money.minor_units // 100}.{money.minor_units % 100:02d}"


def read_fen(fields: Fields, name: str) -> int:
    """Read an amount of yuan as fen, 0 or more. Raises Malformed."""
    found = _YUAN.fullmatch(fields.text(name))
    if found is None:
        raise Malformed(f"{name} is not an amount")
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def read_money(fields: Fields, name: str) -> Money:
    """Read an amount of yuan above 0. Raises Malformed."""
    fen = read_fen(fields, name)
    if fen == 0:
        raise Malformed(f"{name} is nothing")
    return Money(CURRENCY, fen)


def china_time(moment: datetime) -> str:
    """Write a time of Beijing in whole seconds."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def title(text: str, most: int) -> str:
    """Bound a title."""
    return bounded(text, most, java_length)


def bounded(text: str, most: int, length: Callable[[str], int]) -> str:
    """Take out what is forbidden, and cut a text to a length, never within a character."""
    text, total = text.translate(_FORBIDDEN), 0
    for place, character in enumerate(text):
        total += length(character)
        if total > most:
            return text[:place]
    return text


def java_length(character: str) -> int:
    """Tell how many characters of Java a character is."""
    return len(character.encode("utf-16-le")) // 2


def letters(character: str) -> int:
    """Tell how many letters a character counts for in a remark."""
    return 1 if character.isascii() else 2
