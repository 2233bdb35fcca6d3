"""Yuan as text outside, fen as integers inside; the edge between the two is here alone.

An amount is text with at most two decimals. A JSON number is refused: between two programs it may
have passed through binary fractions, and nobody would see.
"""

import re
from typing import Final

from gateway.emulators.core.fields import Fields, InvalidField

FEN_MAX: Final = 10_000_000_000  # 100 million yuan

_YUAN: Final = re.compile(r"(0|[1-9][0-9]{0,8})(?:\.([0-9]{1,2}))?")


def yuan(fields: Fields, name: str) -> int:
    """The fen that a member of text means."""
    value, path = fields.take(name), fields.path(name)
    found = _YUAN.fullmatch(value) if type(value) is str else None
    if found is None:
        raise InvalidField(path, "must be text: yuan with at most two decimals")
    fen = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    if not 1 <= fen <= FEN_MAX:
        raise InvalidField(path, "must be from 0.01 to 100000000")
    return fen


def to_yuan(fen: int) -> str:
    """Fen as yuan with two decimals; less than nothing has its sign in front."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"
