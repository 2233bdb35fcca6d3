"""What may arrive, as allow-lists: the form of each field, and the members of each body.

A field that stands in none of these tables, nor in those of a channel of its own, is refused by
name. Lengths are counted in characters.
"""

import re
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from gateway.emulators.core import beijing
from gateway.emulators.core.fields import Fields, InvalidField
from gateway.emulators.core.shapes import (
    Member,
    Shape,
    array,
    choice,
    flag,
    group,
    integer,
    matching,
    may,
    must,
    text,
    words,
)
from gateway.emulators.v3style.orders import CURRENCY

URL_LENGTH_MAX: Final = 255
GOODS_MAX: Final = 6_000

_URL_CHARACTERS: Final = re.compile("[!-~]+")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00")


def notify_url(fields: Fields, name: str) -> str:
    """An absolute URL that can be sent as it is written, without a query."""
    url = fields.text(name, URL_LENGTH_MAX, length_min=1)
    if not _URL_CHARACTERS.fullmatch(url) or not _is_plain(url):
        rule = "must be an absolute http or https URL with a path and without query parameters"
        raise InvalidField(fields.path(name), rule)
    return url


def time(fields: Fields, name: str) -> str:
    """A time as of RFC 3339 in Beijing's zone."""
    value = fields.matching(name, _TIME, "a time like 2018-06-08T10:34:56+08:00")
    try:
        beijing.from_text(value)
    except ValueError:
        raise InvalidField(fields.path(name), "is no time") from None
    return value


def day(fields: Fields, name: str) -> str:
    """A day like 2026-01-31."""
    value = fields.matching(name, _DAY, "a day like 2026-01-31")
    try:
        date.fromisoformat(value)
    except ValueError:
        raise InvalidField(fields.path(name), "is no day") from None
    return value


NUMBER: Final = matching(r"[0-9A-Za-z_\-|*]{6,32}", "6 to 32 characters of 0-9A-Za-z_-|*")
REFUND_NUMBER: Final = matching(r"[0-9A-Za-z_\-|*@]{1,64}", "1 to 64 characters of 0-9A-Za-z_-|*@")
MCHID: Final = matching("[0-9]{1,32}", "a merchant's number")
APPID: Final = matching("[0-9A-Za-z]{1,32}", "an app's id")
OPENID: Final = text(128)
CONTRACT_ID: Final = matching("[0-9A-Za-z]{1,64}", "a contract's id")
CONTRACT_CODE: Final = matching(r"[0-9A-Za-z_\-|*]{1,64}", "1 to 64 characters of 0-9A-Za-z_-|*")
CHANNEL_NUMBER: Final = matching("[0-9]{1,32}", "digits")

AMOUNT: Final = group(
    {"total": must(integer()), "currency": may(choice(CURRENCY), CURRENCY)},
)
PAYER: Final = group({"openid": must(OPENID)})
STORE: Final = {
    "id": must(text(32)),
    "name": may(text(256)),
    "area_code": may(text(32)),
    "address": may(text(512)),
}
SCENE: Final = {
    "payer_client_ip": must(text(45)),
    "device_id": may(text(32)),
    "store_info": may(group(STORE)),
}
H5_INFO: Final = {
    "type": must(text(32)),
    "app_name": may(text(64)),
    "app_url": may(text(128)),
    "bundle_id": may(text(128)),
    "package_name": may(text(128)),
}
GOODS: Final = {
    "merchant_goods_id": must(text(32)),
    "wechatpay_goods_id": may(text(32)),
    "goods_name": may(text(256)),
    "quantity": must(integer()),
    "unit_price": must(integer(0)),
}
DETAIL: Final = {
    "cost_price": may(integer(0)),
    "invoice_id": may(text(32)),
    "goods_detail": may(array(GOODS, GOODS_MAX)),
}
REFUNDED_GOODS: Final = {
    "merchant_goods_id": must(text(32)),
    "wechatpay_goods_id": may(text(32)),
    "goods_name": may(text(256)),
    "unit_price": must(integer(0)),
    "refund_amount": must(integer()),
    "refund_quantity": must(integer()),
}
REFUND_AMOUNT: Final = {
    "refund": must(integer()),
    "total": must(integer()),
    "currency": must(choice(CURRENCY)),
    "from": may(array({"account": must(text(32)), "amount": must(integer())}, 16)),
}

PREPAY: Final[Shape] = {
    "appid": must(APPID),
    "mchid": must(MCHID),
    "description": must(text(127)),
    "out_trade_no": must(NUMBER),
    "notify_url": must(notify_url),
    "amount": must(AMOUNT),
    "time_expire": may(time),
    "attach": may(text(128, 0)),
    "goods_tag": may(text(32)),
    "support_fapiao": may(flag),
    "limit_pay": may(words(4, "no_balance", "no_credit", "no_debit", "balance_only")),
    "settle_info": may(group({"profit_sharing": may(flag)})),
    "detail": may(group(DETAIL)),
    "scene_info": may(group(SCENE)),
}
PREPAY_BY_TRADE_TYPE: Final[dict[str, dict[str, Member]]] = {
    "NATIVE": dict(PREPAY),
    "APP": dict(PREPAY),
    "JSAPI": {**PREPAY, "payer": must(PAYER)},
    "MWEB": {**PREPAY, "scene_info": must(group({**SCENE, "h5_info": must(group(H5_INFO))}))},
}
REFUND: Final[Shape] = {
    "transaction_id": may(CHANNEL_NUMBER),
    "out_trade_no": may(NUMBER),
    "out_refund_no": must(REFUND_NUMBER),
    "reason": may(text(80)),
    "notify_url": may(notify_url),
    "funds_account": may(choice("AVAILABLE", "UNSETTLED")),
    "amount": must(group(REFUND_AMOUNT)),
    "goods_detail": may(array(REFUNDED_GOODS, GOODS_MAX)),
}


def _is_plain(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port_is_sound = parts.port != 0
    except ValueError:
        return False
    is_bare = not any(mark in url for mark in "?#@")
    has_path = bool(parts.hostname) and len(parts.path) > 1
    return parts.scheme in ("http", "https") and has_path and port_is_sound and is_bare
