"""Raw request line and body in, one strictly checked command out.

Pure. Everything that the bytes alone decide is decided here, before the book is asked, and is a
Refusal with the code INVALID_REQUEST and the field. A path nobody serves is such a refusal too, not
a NOT_FOUND, so that a wrong URL is never mistaken for an unknown number.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from gateway.emulators.core.faults import Outcome, Script, parse_script
from gateway.emulators.core.fields import INTEGER_MAX, Fields, InvalidField, read_json
from gateway.emulators.sandbox.errors import Refusal
from gateway.emulators.sandbox.requests import (
    KINDS,
    CaptureMode,
    CaptureRequest,
    ChargeRequest,
    Close,
    Command,
    Kind,
    PayoutRequest,
    Post,
    Posted,
    Query,
    RefundRequest,
)

TEXT_LENGTH_MAX = 1_024
LABEL_LENGTH_MAX = 256
URL_LENGTH_MAX = 2_048

_NUMBER = re.compile("[0-9A-Za-z]{20,32}")
_NUMBER_RULE = "20 to 32 characters of 0-9, A-Z, a-z"
_CURRENCY = re.compile("[A-Z]{3}")
_URL_CHARACTERS = re.compile("[!-~]+")
_CONTENT_TYPE = re.compile(r'application/json(; ?charset="?utf-8"?)?', re.IGNORECASE)
_CAPTURE_MODES: tuple[CaptureMode, ...] = ("AUTOMATIC", "MANUAL")
_OUTCOMES: tuple[Outcome, ...] = ("SUCCEED", "DECLINE", "ANSWER_LATER")  # of every kind

_KIND_BY_NAME: dict[str, Kind] = {f"{kind}s": kind for kind in KINDS}

R = TypeVar("R", bound=Posted)


def parse_command(method: str, target: str, content_type: str | None, body: bytes) -> Command:
    """The command of a request; Refusal INVALID_REQUEST when it is not one."""
    try:
        return _parse(method, target, content_type, body)
    except InvalidField as error:
        message = f"{error.field} {error.message}."
        raise Refusal("INVALID_REQUEST", message, error.field) from error


def _parse(method: str, target: str, content_type: str | None, body: bytes) -> Command:
    if method == "GET" and body:
        raise InvalidField("body", "must be empty")
    match method, target.split("/"):
        case "GET", ["", "v1", name, number] if name in _KIND_BY_NAME:
            return Query(_KIND_BY_NAME[name], _path_number(number))
        case "POST", ["", "v1", name] if name in _READERS:
            return _READERS[name](_members(content_type, body))
        case "POST", ["", "v1", "charges", number, "captures"]:
            return _capture(_path_number(number), _members(content_type, body))
        case "POST", ["", "v1", ("charges" | "payouts") as name, number, "close"]:
            _members(content_type, body).finish()
            return Close(_KIND_BY_NAME[name], _path_number(number))
    raise InvalidField("path", "is not served with this method; queries take no parameters")


def _path_number(number: str) -> str:
    if not _NUMBER.fullmatch(number):
        raise InvalidField("number", f"must be {_NUMBER_RULE}")
    return number


def _members(content_type: str | None, body: bytes) -> Fields:
    if content_type is None or not _CONTENT_TYPE.fullmatch(content_type):
        raise InvalidField("Content-Type", "must be application/json")
    return Fields(read_json(body))


def _charge(fields: Fields) -> ChargeRequest:
    return _finished(
        fields,
        ChargeRequest(
            **_posted(fields, "REQUIRE_ACTION"),
            capture=fields.choice("capture", _CAPTURE_MODES),
            description=_optional_text(fields, "description", TEXT_LENGTH_MAX),
            payer=_optional_text(fields, "payer", LABEL_LENGTH_MAX),
            scene=_optional_text(fields, "scene", LABEL_LENGTH_MAX),
            expire_time=(
                fields.integer("expire_time", 1, INTEGER_MAX) if fields.has("expire_time") else None
            ),
        ),
    )


def _capture(charge_number: str, fields: Fields) -> CaptureRequest:
    return _finished(
        fields,
        CaptureRequest(**_posted(fields), charge_number=charge_number, final=fields.flag("final")),
    )


def _refund(fields: Fields) -> RefundRequest:
    return _finished(
        fields,
        RefundRequest(
            **_posted(fields, "ABNORMAL"),
            charge_number=_number(fields, "charge_number"),
            reason=_optional_text(fields, "reason", TEXT_LENGTH_MAX),
        ),
    )


def _payout(fields: Fields) -> PayoutRequest:
    return _finished(
        fields,
        PayoutRequest(
            **_posted(fields),
            payee=fields.text("payee", LABEL_LENGTH_MAX, length_min=1),
            description=_optional_text(fields, "description", TEXT_LENGTH_MAX),
        ),
    )


_READERS: dict[str, Callable[[Fields], Post]] = {
    "charges": _charge,
    "refunds": _refund,
    "payouts": _payout,
}


def _posted(fields: Fields, *more_outcomes: Outcome) -> dict[str, Any]:
    """What every request that makes something carries."""
    return {
        "number": _number(fields, "number"),
        "amount": fields.integer("amount", 1, INTEGER_MAX),
        "currency": _currency(fields),
        "notify_url": _notify_url(fields),
        "script": _script(fields, _OUTCOMES + more_outcomes),
    }


def _finished(fields: Fields, request: R) -> R:
    fields.finish()
    return request


def _number(fields: Fields, name: str) -> str:
    return fields.matching(name, _NUMBER, _NUMBER_RULE)


def _currency(fields: Fields) -> str:
    return fields.matching("currency", _CURRENCY, "three letters A-Z")


def _optional_text(fields: Fields, name: str, length_max: int) -> str | None:
    return fields.text(name, length_max) if fields.has(name) else None


def _script(fields: Fields, outcomes: tuple[Outcome, ...]) -> Script:
    if not fields.has("script"):
        return Script()
    return parse_script(Fields(fields.take("script"), "script"), outcomes)


def _notify_url(fields: Fields) -> str | None:
    """An absolute URL that can be sent exactly as written: it is part of what is signed."""
    if not fields.has("notify_url"):
        return None
    url = fields.text("notify_url", URL_LENGTH_MAX)
    if not _URL_CHARACTERS.fullmatch(url) or not _is_sendable(url):
        raise InvalidField("notify_url", "must be an absolute http or https URL, percent-encoded")
    return url


def _is_sendable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port_is_sound = parts.port != 0
    except ValueError:
        return False
    is_plain = "#" not in url and "@" not in parts.netloc
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port_is_sound and is_plain
