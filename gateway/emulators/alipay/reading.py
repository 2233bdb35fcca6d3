"""From a proven request to what is asked: its common parameters, its method, its `biz_content`.

What cannot be read is not an exception here: it is a refusal that is answered signed, and its names
are recorded like those of any other request.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.emulators.alipay.allowlists import is_url, read_time
from gateway.emulators.alipay.authentication import Caller
from gateway.emulators.alipay.channel import Asked
from gateway.emulators.alipay.errors import (
    INVALID,
    INVALID_PARAMETER,
    MISSING,
    NO_AUTHORITY,
    Refusal,
    writable,
)
from gateway.emulators.alipay.form import Form
from gateway.emulators.alipay.methods import METHODS, Method
from gateway.emulators.core import seen
from gateway.emulators.core.fields import Fields, InvalidField, read_json
from gateway.emulators.core.shapes import read_shape

SKEW_S_MAX: Final = 300
UNSERVED: Final = "unserved"  # the operation of requests for a method that is not served
ERROR_NODE: Final = "error_response"

COMMON: Final = frozenset(
    (
        *("app_id", "method", "format", "charset", "sign_type", "sign", "timestamp", "version"),
        *("notify_url", "return_url", "app_auth_token", "biz_content"),
        *("app_cert_sn", "alipay_root_cert_sn"),
    )
)
_REQUIRED: Final = ("method", "charset", "timestamp", "version", "biz_content")
_FIXED: Final = {"charset": ("utf-8",), "version": ("1.0",), "format": ("JSON", "json")}


@dataclass(frozen=True)
class Received:
    """A proven request, read or refused unread."""

    caller: Caller
    method: Method | None
    request: Asked | Refusal
    flat: Mapping[str, str] = field(default_factory=dict)  # values by path, for rules
    names: Mapping[seen.Place, frozenset[str]] = field(default_factory=dict)

    @property
    def operation(self) -> str:
        """What was asked, as rules name it."""
        return UNSERVED if self.method is None else self.method.operation

    @property
    def node(self) -> str:
        """The name of the answer's content."""
        return ERROR_NODE if self.method is None else self.method.node

    @property
    def number(self) -> str:
        """The number that hits are filed under."""
        named = "" if self.method is None else self.flat.get(self.method.number, "")
        return named or self.operation


def read(caller: Caller, form: Form, headers: Mapping[str, str], host: str, now_s: int) -> Received:
    """What a caller asks."""
    biz = _decode(form.get("biz_content"))
    flat = {**form.values, **{path: writable(text) for path, text in seen.flatten(biz)}}
    names = _names(form, biz, headers)
    method = METHODS.get(form.get("method"))
    request: Asked | Refusal
    try:
        _check_common(form, now_s)
        request = _ask(caller, method, form, host)
    except Refusal as refusal:
        request = refusal
    return Received(caller, method, request, flat, names)


def _check_common(form: Form, now_s: int) -> None:
    """The gateway's own checks. Raises Refusal."""
    for name in _REQUIRED:
        if not form.get(name):
            sub_code = f"isv.missing-{name.replace('_', '-')}"
            raise Refusal(sub_code, f"{name} is required.", code=MISSING)
    for name in form.values.keys() - COMMON:
        message = f"{name[:64]} is not a known parameter."
        raise Refusal(INVALID_PARAMETER, message, code=INVALID)
    for name, words in _FIXED.items():
        if form.get(name) not in (*words, "" if name == "format" else words[0]):
            message = f"{name} must be {words[0]}."
            raise Refusal(f"isv.invalid-{name}", message, code=INVALID)
    _check_time(form.get("timestamp"), now_s)
    if form.get("app_auth_token"):
        message = "Apps that act for other merchants are not played."
        raise Refusal("aop.invalid-app-auth-token", message, code=NO_AUTHORITY)
    for name in ("notify_url", "return_url"):
        if form.get(name) and not is_url(form.get(name)):
            raise Refusal(INVALID_PARAMETER, f"{name} must be an absolute URL.", code=INVALID)


def _check_time(timestamp: str, now_s: int) -> None:
    try:
        asked_s = read_time(timestamp, "timestamp") // 1000
    except InvalidField as error:
        message = f"timestamp {error.message}."
        raise Refusal("isv.invalid-timestamp", message, code=INVALID) from None
    if abs(now_s - asked_s) > SKEW_S_MAX:
        message = f"The timestamp is more than {SKEW_S_MAX} seconds away."
        raise Refusal("isv.invalid-timestamp", message, code=INVALID)


def _ask(caller: Caller, method: Method | None, form: Form, host: str) -> Asked:
    if method is None:
        raise Refusal("isv.invalid-method", "There is no such method here.", code=INVALID)
    try:
        biz = Fields(read_json(form.get("biz_content").encode()), "")
        shape = method.choose(dict.fromkeys(_members(form), True))
        value = read_shape(biz, shape)
    except InvalidField as error:
        raise Refusal(method.invalid, f"{error.field} {error.message}.") from None
    return Asked(
        app=caller.app,
        biz=value,
        method=method.name,
        notify_url=form.get("notify_url") or None,
        certified=caller.certified,
        host=host,
    )


def _members(form: Form) -> list[str]:
    biz = _decode(form.get("biz_content"))
    return list(biz) if isinstance(biz, dict) else []


def _decode(text: str) -> Any:
    """As much of a `biz_content` as can be read, and is not too deep to go through."""
    try:
        found = json.loads(text) if text else {}
        sum(1 for _ in seen.flatten(found))
        return found
    except (ValueError, RecursionError):
        return {}


def _names(form: Form, biz: Any, headers: Mapping[str, str]) -> dict[seen.Place, frozenset[str]]:
    """Every name that the request carries; members of `biz_content` by their path in it."""
    where = form.places.get("biz_content", "body")
    found: dict[seen.Place, set[str]] = {"header": set(headers), "query": set(), "body": set()}
    for name, place in form.places.items():
        found[place].add(name)
    found[where] |= {writable(f"biz_content.{path}") for path, _ in seen.flatten(biz)}
    return {place: frozenset(names) for place, names in found.items() if names}
