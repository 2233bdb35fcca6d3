"""What may arrive, as allow-lists: the form of each field, and the fields of each request.

A field that stands in none of these tables is refused by name. Lengths are counted in characters.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from gateway.emulators.core.fields import Fields, InvalidField
from gateway.emulators.core.shapes import choice, matching, may, must, text
from gateway.emulators.unionpay import clearing

URL_LENGTH_MAX: Final = 256
CURRENCY: Final = "156"
PAYMENT_BUSINESS: Final = ("000201", "000301", "000902")
PLAIN_BUSINESS: Final = "000000"

_URL_CHARACTERS: Final = re.compile("[!-~]+")
_TIME: Final = re.compile(r"\d{14}")
_CARD_NUMBER: Final = re.compile(r"\d{13,19}")
_ACCOUNT: Final = re.compile(r"[0-9A-Za-z+/=_.\-]{1,512}")
_BOUND_ACCOUNT: Final = r"\{token=[0-9A-Za-z_.\-]{1,128}(&trId=[0-9A-Za-z]{1,32})?\}"
_KEPT: Final = "[^&={}\x00-\x1f\x7f]{1,1024}"


def url(fields: Fields, name: str) -> str:
    """An absolute URL that can be sent as it is written."""
    found = fields.text(name, URL_LENGTH_MAX, length_min=1)
    if not _URL_CHARACTERS.fullmatch(found) or not _is_absolute(found):
        raise InvalidField(name, "must be an absolute http or https URL")
    return found


def time(fields: Fields, name: str) -> str:
    """A time as YYYYMMDDhhmmss, Beijing."""
    found = fields.matching(name, _TIME, "a time as YYYYMMDDhhmmss")
    try:
        clearing.from_text(found)
    except ValueError:
        raise InvalidField(name, "is no time") from None
    return found


def account(fields: Fields, name: str) -> str:
    """An account that is encrypted, or a name for one; a card's number in clear is refused."""
    found = fields.matching(name, _ACCOUNT, "an account encrypted, or what stands for it")
    if _CARD_NUMBER.fullmatch(found):
        raise InvalidField(name, "must not be a card number in clear")
    return found


HEAD: Final = {
    "version": must(choice("5.1.0")),
    "encoding": must(choice("UTF-8", "utf-8")),
    "signMethod": must(choice("01")),
    "certId": must(matching("[0-9]{1,40}", "a serial in decimal")),
    "signature": must(text(1024)),
    "merId": must(matching("[0-9A-Za-z]{15}", "15 characters")),
    "accessType": must(choice("0")),
    "txnType": must(matching("[0-9]{2}", "two digits")),
    "txnSubType": must(matching("[0-9]{2}", "two digits")),
    "txnTime": must(time),
}
NUMBERED: Final = {
    **HEAD,
    "orderId": must(matching("[0-9A-Za-z]{8,32}", "8 to 32 letters and digits")),
}
MONEY: Final = {
    **NUMBERED,
    "txnAmt": must(matching("[1-9][0-9]{0,11}", "fen in digits, more than none")),
    "backUrl": must(url),
    "channelType": must(choice("07", "08")),
    "reqReserved": may(matching(_KEPT, "text without ampersands, equals signs and braces")),
}
PAYMENT: Final = {
    **MONEY,
    "bizType": must(choice(*PAYMENT_BUSINESS)),
    "currencyCode": must(choice(CURRENCY)),
    "frontUrl": may(url),
    "payTimeout": may(time),
    "orderDesc": may(text(32)),
    "customerIp": may(text(40)),
}
TOKEN_PAYMENT: Final = {
    **PAYMENT,
    "tokenPayData": may(matching(_BOUND_ACCOUNT, "token and perhaps trId in braces")),
    "accNo": may(account),
    "accType": may(choice("01", "02", "03")),
}
FOLLOW_UP: Final = {
    **MONEY,
    "bizType": must(choice(PLAIN_BUSINESS, *PAYMENT_BUSINESS)),
    "currencyCode": may(choice(CURRENCY)),
    "origQryId": must(matching("[0-9]{21}", "21 digits")),
}
QUERY: Final = {
    **NUMBERED,
    "bizType": must(choice(PLAIN_BUSINESS)),
    "channelType": may(choice("07", "08")),
}
FILE: Final = {
    **HEAD,
    "bizType": must(choice(PLAIN_BUSINESS)),
    "channelType": may(choice("07", "08")),
    "settleDate": must(matching("[0-9]{4}", "a day as MMDD")),
    "fileType": must(choice("00")),
}


def _is_absolute(found: str) -> bool:
    try:
        parts = urlsplit(found)
        port_is_sound = parts.port != 0
    except ValueError:
        return False
    is_bare = "#" not in found and "@" not in parts.netloc
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port_is_sound and is_bare
