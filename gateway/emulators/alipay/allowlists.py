"""What may arrive, as allow-lists: the form of each field, and the members of each `biz_content`.

A field that stands in none of these tables is refused by name; what would tell of the payer (names,
phones, papers, addresses, devices) stands in none. Lengths are counted in characters.
"""

import re
from datetime import date, datetime
from typing import Final
from urllib.parse import urlsplit

from gateway.emulators.alipay.funding import pay_channels
from gateway.emulators.alipay.money import yuan
from gateway.emulators.alipay.play import read_buyer
from gateway.emulators.core import beijing
from gateway.emulators.core.fields import Fields, InvalidField
from gateway.emulators.core.shapes import (
    Shape,
    choice,
    group,
    integer,
    matching,
    may,
    must,
    text,
    words,
)

URL_LENGTH_MAX: Final = 256
SPAN_MINUTES_MAX: Final = 15 * 24 * 60

_URL_CHARACTERS: Final = re.compile("[!-~]+")
_SPAN: Final = re.compile("(?:([1-9][0-9]{0,4})([mhd])|1c)")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MINUTES: Final = {"m": 1, "h": 60, "d": 24 * 60}


def is_url(value: str) -> bool:
    """Whether it is an absolute URL that can be sent as it is written."""
    if len(value) > URL_LENGTH_MAX or not _URL_CHARACTERS.fullmatch(value):
        return False
    try:
        parts = urlsplit(value)
        port_is_sound = parts.port != 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port_is_sound


def time(fields: Fields, name: str) -> int:
    """A time in Beijing as milliseconds since the epoch."""
    rule = "a time like 2026-01-31 10:34:56"
    return read_time(fields.matching(name, _TIME, rule), fields.path(name))


def read_time(value: str, path: str) -> int:
    """The same of plain text. Raises InvalidField."""
    try:
        moment = datetime.strptime(value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=beijing.ZONE)
    except ValueError:
        raise InvalidField(path, "is no time like 2026-01-31 10:34:56") from None
    return round(moment.timestamp() * 1000)


def span(fields: Fields, name: str) -> str:
    """A span like 90m, 2h, 15d, or 1c: until midnight."""
    value = fields.matching(name, _SPAN, "a span like 90m, 2h, 15d or 1c")
    if value != "1c" and int(value[:-1]) * _MINUTES[value[-1]] > SPAN_MINUTES_MAX:
        raise InvalidField(fields.path(name), "must be at most 15d")
    return value


def end_of(value: str, begin: int) -> int:
    """When a span that begins at a time ends."""
    if value == "1c":
        return beijing.midnight(beijing.at(begin).date()) + beijing.DAY_MS
    return begin + int(value[:-1]) * _MINUTES[value[-1]] * 60_000


def day(fields: Fields, name: str) -> str:
    """A day like 2026-01-31."""
    value = fields.matching(name, _DAY, "a day like 2026-01-31")
    try:
        date.fromisoformat(value)
    except ValueError:
        raise InvalidField(fields.path(name), "is no day") from None
    return value


NUMBER: Final = matching("[0-9A-Za-z_]{1,64}", "1 to 64 letters, digits and underscores")
CHANNEL_NUMBER: Final = matching("[0-9]{16,64}", "digits")
AGREEMENT_NUMBER: Final = matching("[0-9A-Za-z]{1,32}", "1 to 32 letters and digits")
AUTH_CODE: Final = matching("(2[5-9]|30)[0-9]{14,22}", "16 to 24 digits that begin with 25 to 30")
OPEN_ID: Final = matching("[0-9A-Za-z_-]{1,128}", "1 to 128 letters, digits, - and _")
SELLER: Final = matching("2088[0-9]{12}", "16 digits that begin with 2088")
CODE: Final = matching("[0-9A-Z_]{1,64}", "upper-case letters, digits and underscores")

_INSTALMENTS: Final = {
    "hb_fq_num": must(choice("3", "6", "12")),
    "hb_fq_seller_percent": must(choice("0", "100")),
}
_ORDER: Final[Shape] = {
    "out_trade_no": must(NUMBER),
    "total_amount": must(yuan),
    "subject": must(text(256)),
    "body": may(text(400, 0)),
    "seller_id": may(SELLER),
    "timeout_express": may(span),
    "time_expire": may(time),
    "enable_pay_channels": may(pay_channels),
    "disable_pay_channels": may(pay_channels),
    "extend_params": may(group(_INSTALMENTS)),
    "passback_params": may(text(512, 0)),
    "store_id": may(text(32)),
    "operator_id": may(text(28)),
    "terminal_id": may(text(32)),
}
_PAYMENT: Final[Shape] = {
    **_ORDER,
    "query_options": may(words(8, "fund_bill_list", "voucher_detail_list")),
}
PRECREATE: Final[Shape] = {
    **_ORDER,
    "product_code": may(choice("FACE_TO_FACE_PAYMENT", "QR_CODE_OFFLINE")),
    "qr_code_timeout_express": may(span),
}
PAY_BY_CODE: Final[Shape] = {
    **_PAYMENT,
    "product_code": may(choice("FACE_TO_FACE_PAYMENT")),
    "scene": must(choice("bar_code")),
    "auth_code": must(AUTH_CODE),
}
PAY_BY_AGREEMENT: Final[Shape] = {
    **_PAYMENT,
    "product_code": must(choice("GENERAL_WITHHOLDING", "CYCLE_PAY_AUTH")),
    "agreement_params": must(group({"agreement_no": must(CHANNEL_NUMBER)})),
}
PAY_FROZEN: Final[Shape] = {
    **_PAYMENT,
    "product_code": must(choice("PRE_AUTH", "PRE_AUTH_ONLINE")),
    "auth_no": must(CHANNEL_NUMBER),
    "auth_confirm_mode": may(choice("COMPLETE", "NOT_COMPLETE"), "NOT_COMPLETE"),
    "buyer_id": may(read_buyer),
    "buyer_open_id": may(OPEN_ID),
}
_NUMBERS: Final[Shape] = {"out_trade_no": may(NUMBER), "trade_no": may(CHANNEL_NUMBER)}
QUERY: Final[Shape] = {
    **_NUMBERS,
    "query_options": may(words(8, "trade_settle_info", "fund_bill_list", "voucher_detail_list")),
}
CLOSE: Final[Shape] = {**_NUMBERS, "operator_id": may(text(28))}
CANCEL: Final[Shape] = _NUMBERS
REFUND: Final[Shape] = {
    **_NUMBERS,
    "refund_amount": must(yuan),
    "refund_reason": may(text(256)),
    "out_request_no": may(NUMBER),
    "operator_id": may(text(28)),
    "store_id": may(text(32)),
    "terminal_id": may(text(32)),
    "query_options": may(words(8, "refund_detail_item_list", "deposit_back_info")),
}
QUERY_REFUND: Final[Shape] = {
    **_NUMBERS,
    "out_request_no": must(NUMBER),
    "query_options": may(
        words(8, "refund_detail_item_list", "gmt_refund_pay", "deposit_back_info")
    ),
}
FREEZE: Final[Shape] = {
    "auth_code": must(AUTH_CODE),
    "auth_code_type": must(choice("bar_code")),
    "out_order_no": must(NUMBER),
    "out_request_no": must(NUMBER),
    "order_title": must(text(100)),
    "amount": must(yuan),
    "product_code": must(choice("PRE_AUTH")),
    "payee_user_id": may(SELLER),
    "pay_timeout": may(span),
    "timeout_express": may(span),
}
UNFREEZE: Final[Shape] = {
    "auth_no": must(CHANNEL_NUMBER),
    "out_request_no": must(NUMBER),
    "amount": must(yuan),
    "remark": must(text(100)),
}
_OPERATION: Final[Shape] = {
    "auth_no": may(CHANNEL_NUMBER),
    "out_order_no": may(NUMBER),
    "operation_id": may(CHANNEL_NUMBER),
    "out_request_no": may(NUMBER),
}
QUERY_AUTHORIZATION: Final[Shape] = {
    **_OPERATION,
    "operation_type": may(choice("FREEZE", "UNFREEZE", "PAY")),
}
CANCEL_AUTHORIZATION: Final[Shape] = {**_OPERATION, "remark": must(text(100))}

_PERIOD: Final = {
    "period_type": must(choice("DAY", "MONTH")),
    "period": must(matching("[1-9][0-9]{0,3}", "digits")),
    "execute_time": must(day),
    "single_amount": must(yuan),
    "total_amount": may(yuan),
    "total_payments": may(integer(1, 10_000)),
}
SIGN_AGREEMENT: Final[Shape] = {
    "product_code": may(choice("GENERAL_WITHHOLDING", "CYCLE_PAY_AUTH")),
    "personal_product_code": must(CODE),
    "sign_scene": must(matching("[0-9A-Z_|]{1,64}", "a scene such as INDUSTRY|MOBILE")),
    "external_agreement_no": must(AGREEMENT_NUMBER),
    "access_params": must(group({"channel": must(choice("ALIPAYAPP", "QRCODE", "QRCODEORSMS"))})),
    "period_rule_params": may(group(_PERIOD)),
}
_AGREEMENT: Final[Shape] = {
    "agreement_no": may(CHANNEL_NUMBER),
    "external_agreement_no": may(AGREEMENT_NUMBER),
    "personal_product_code": may(CODE),
    "sign_scene": may(matching("[0-9A-Z_|]{1,64}", "a scene such as INDUSTRY|MOBILE")),
}
QUERY_AGREEMENT: Final[Shape] = _AGREEMENT
END_AGREEMENT: Final[Shape] = _AGREEMENT
BILL: Final[Shape] = {
    "bill_type": must(choice("trade", "signcustomer", "merchant_act")),
    "bill_date": must(day),
}
CERTIFICATE: Final[Shape] = {"alipay_cert_sn": must(matching("[0-9a-f]{32}", "an SN"))}
