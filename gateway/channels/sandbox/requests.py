"""What is sent to the sandbox: a path, and a body made of nothing but the request.

The sandbox refuses a known number with other parameters, so a re-send repeats the body byte for
byte: neither the time nor the try may leave a trace in it.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from gateway.channels.connector import Action, Call, HttpRequest
from gateway.channels.sandbox.signing import EPOCH
from gateway.domain.channel import AttemptKind, ChannelRequest

Fields = dict[str, Any]

JSON = "application/json"
FENCEABLE = frozenset({AttemptKind.CHARGE, AttemptKind.CANCEL, AttemptKind.PAYOUT})
"""Kinds whose subject has a number that can be closed."""

PATHS = {
    AttemptKind.CHARGE: "/v1/charges",
    AttemptKind.CAPTURE: "/v1/captures",
    AttemptKind.REFUND: "/v1/refunds",
    AttemptKind.PAYOUT: "/v1/payouts",
}
SCRIPTED = {
    AttemptKind.CHARGE: "charge",
    AttemptKind.CAPTURE: "capture",
    AttemptKind.REFUND: "refund",
    AttemptKind.PAYOUT: "charge",
}
"""Which script of the payment method belongs to which kind."""

ENUM_FIELDS = {
    "outcome": ("outcome", "SANDBOX_OUTCOME_"),
    "action_type": ("action", "SANDBOX_ACTION_"),
    "fault": ("fault", "SANDBOX_FAULT_"),
    "notify": ("notify", "SANDBOX_NOTIFY_"),
}
"""Field of the script: field of the contract, and what its values begin with."""

PLAIN_FIELDS = (
    "decline_code",
    "fault_count",
    "reply_delay_ms",
    "forget_count",
    "notify_count",
    "settle_delay_ms",
)
"""Fields of the same name and meaning on both sides; 0 and empty mean the sandbox's default."""


def subject(request: ChannelRequest) -> tuple[AttemptKind, str]:
    """Name what the request is about at the sandbox: a cancel has nothing there but its charge."""
    if request.kind is AttemptKind.CANCEL:
        return AttemptKind.CHARGE, request.charge_number
    return request.kind, request.number


def closes(call: Call) -> bool:
    """Whether the call closes a number. Asking about a cancel is closing again: nothing changes.

    Raises:
        ValueError: a fence was asked for a capture or a refund, which have no close.
    """
    if call.action is Action.FENCE and call.request.kind not in FENCEABLE:
        raise ValueError(f"a {call.request.kind} has no number that can be closed")
    return call.action is Action.FENCE or call.request.kind is AttemptKind.CANCEL


def queries(call: Call) -> bool:
    """Whether the call only reads."""
    return call.action is Action.ASK and not closes(call)


def request_of(call: Call, notify_url: str) -> HttpRequest:
    """Build the request of a call, not yet signed."""
    request = call.request
    kind, number = subject(request)
    if closes(call):
        return _post(f"{PATHS[kind]}/{number}/close", {})
    if queries(call):
        return HttpRequest("GET", f"{PATHS[kind]}/{number}", {}, b"")
    path, fields = _effect(request)
    fields |= {"notify_url": notify_url}
    if script := _script(request):
        fields["script"] = script
    return _post(path, fields)


def _post(path: str, fields: Fields) -> HttpRequest:
    body = json.dumps(fields, separators=(",", ":")).encode()
    return HttpRequest("POST", path, {"Content-Type": JSON}, body)


def _effect(request: ChannelRequest) -> tuple[str, Fields]:
    fields: Fields = {
        "number": request.number,
        "amount": request.money.minor_units,
        "currency": request.money.currency,
    }
    match request.kind:
        case AttemptKind.CAPTURE:
            path = f"{PATHS[AttemptKind.CHARGE]}/{request.charge_number}/captures"
            return path, fields | {"final": request.final}
        case AttemptKind.REFUND:
            fields |= {"charge_number": request.charge_number}
            fields |= _present(reason=request.description)
        case AttemptKind.PAYOUT:
            fields |= {"payee": request.payer_pseudonym}
            fields |= _present(description=request.description)
        case _:
            fields |= _charge(request)
    return PATHS[request.kind], fields


def _charge(request: ChannelRequest) -> Fields:
    return {
        "capture": request.capture_mode.value,
        "scene": request.scene.value,
        "expire_time": (request.expire_time - EPOCH) // timedelta(milliseconds=1),
    } | _present(description=request.description, payer=request.payer_pseudonym)


def _script(request: ChannelRequest) -> Fields:
    """Translate the contract's script for this kind of request into the sandbox's own words."""
    ours: Mapping[str, Any] = request.details.get(SCRIPTED[request.kind]) or {}
    script = {
        name: ours[field].removeprefix(prefix)
        for name, (field, prefix) in ENUM_FIELDS.items()
        if not ours.get(field, "_UNSPECIFIED").endswith("_UNSPECIFIED")
    }
    script |= _present(**{name: ours.get(name) for name in PLAIN_FIELDS})
    if "fault" not in script:
        script.pop("fault_count", None)
    elif ours.get("fault_always"):
        script["fault_count"] = 0
    if ours.get("settle_declined"):
        script["settle_outcome"] = "DECLINE"
    if ours.get("pay_after_close") and request.kind in FENCEABLE:
        script["pay_after_close"] = True
    return script


def _present(**fields: Any) -> Fields:
    """Keep the fields that say something."""
    return {name: value for name, value in fields.items() if value}
