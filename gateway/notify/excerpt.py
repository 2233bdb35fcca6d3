"""What may be kept of a body that is not believed: what it is about, never who it is about.

A genuine notification is not believed either while the channel changes its certificate, and then
names a payer. So a body is taken apart, and of each field the name and the length of its value are
kept; the value itself only of fields that are listed here and only if it looks like a number or a
code. They come first, so that the rest cannot push them out.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final
from urllib.parse import parse_qsl

from gateway.telemetry.redaction import redact_text

FIELDS_MAX: Final = 100
"""Fields of one body that are looked at."""

DEPTH_MAX: Final = 3
"""Levels of JSON that are taken apart; what is deeper is known by its length."""

_OF_ALIPAY: Final = """
notify_id notify_type notify_time app_id seller_id sign_type alipay_cert_sn
out_trade_no trade_no trade_status out_biz_no
auth_no out_order_no out_request_no operation_id operation_type status
"""
_OF_UNIONPAY: Final = """
merId orderId queryId origQryId txnType txnSubType txnTime bizType respCode traceNo
"""
_OF_ENVELOPES: Final = """
id create_time event_type resource_type resource.algorithm resource.original_type
"""
_OF_CARRIERS: Final = "type time specversion data.status data.paymentId data.refundId"

SHOWN: Final = frozenset(f"{_OF_ALIPAY} {_OF_UNIONPAY} {_OF_ENVELOPES} {_OF_CARRIERS}".split())
"""Fields that say what a notification is about; none is about a person."""

_NAME = re.compile(r"[A-Za-z_][0-9A-Za-z_.-]{0,49}")
_CODE = re.compile(r"[0-9A-Za-z_.:+-]{1,64}(?: [0-9:]{8})?")
"""A number, a code, or a time, which one channel writes in two parts."""

_LONG_NUMBER = re.compile(r"\d{7,}")


def excerpt(body: bytes, length_max: int) -> str:
    """Give what may be kept of a body, in at most so many characters."""
    told, known_by_length = [], []
    for name, value in _fields(body):
        if name in SHOWN and _CODE.fullmatch(value):
            told.append(f"{name}={value}")
        else:
            known_by_length.append(f"{_shown_name(name)}({len(value)})")
    text = " ".join(told + known_by_length) or "neither a form nor JSON"
    return redact_text(text, length_max)[:length_max]


def _fields(body: bytes) -> list[tuple[str, str]]:
    """Take a body apart, as JSON or as a form; nothing is found in what is neither."""
    try:
        return list(islice(_members("", json.loads(body), DEPTH_MAX), FIELDS_MAX))
    except (ValueError, RecursionError):  # no JSON, or nested beyond all reason
        pass
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            max_num_fields=FIELDS_MAX,
        )
    except ValueError:
        return []


def _members(path: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Give what is in a value of JSON by its path; what is too deep, and lists, as text."""
    if isinstance(value, dict) and depth:
        for name, inner in value.items():
            yield from _members(f"{path}.{name}" if path else name, inner, depth - 1)
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)


def _shown_name(name: str) -> str:
    """Give a field's name, which may be anything as well."""
    return _LONG_NUMBER.sub("***", name) if _NAME.fullmatch(name) else "?"
