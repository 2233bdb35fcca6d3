"""The sandbox's charges, captures, refunds and payouts, read into one shape."""

import re
from dataclasses import dataclass
from datetime import timedelta

from gateway.channels.connector import evidence
from gateway.channels.fields import Fields, Malformed, read_object
from gateway.channels.sandbox.signing import EPOCH
from gateway.domain.channel import AttemptKind
from gateway.domain.money import Money
from gateway.domain.payment import ActionKind, CaptureMode, NextAction

AMOUNT_MAX = 2**53 - 1
"""Largest amount of the protocol, in minor units."""

TIME_MAX_MS = 253_402_300_799_999
"""Last millisecond of the year 9999."""

NUMBER = re.compile(r"[0-9A-Za-z]{20,32}")
CHANNEL_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,64}")
CODE = re.compile(r"[A-Z][A-Z_]{0,39}")

STATES = {
    AttemptKind.CHARGE: (
        "PROCESSING",
        "ACTION_REQUIRED",
        "AUTHORIZED",
        "SUCCEEDED",
        "DECLINED",
        "CLOSED",
    ),
    AttemptKind.CAPTURE: ("PROCESSING", "SUCCEEDED", "DECLINED"),
    AttemptKind.REFUND: ("PROCESSING", "SUCCEEDED", "DECLINED", "ABNORMAL"),
    AttemptKind.PAYOUT: ("PROCESSING", "SUCCEEDED", "DECLINED", "CLOSED"),
}
NOTIFIED_KINDS = {
    "charge": AttemptKind.CHARGE,
    "capture": AttemptKind.CAPTURE,
    "refund": AttemptKind.REFUND,
    "payout": AttemptKind.PAYOUT,
}
"""What a notification calls the kinds, and the field in which it shows the resource."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A charge, capture, refund or payout as the sandbox shows it.

    `charge_number` is a charge's own, and empty for a payout, which is about no charge. `money` is
    None only for the tombstone of a number that was closed unseen, `capture_mode` for it and for
    all but charges. `captured`, in minor units, is told of a SUCCEEDED charge, `action` where the
    payer must act. `evidence` is the message, for people.
    """

    kind: AttemptKind
    number: str
    charge_number: str
    channel_number: str
    state: str
    money: Money | None
    capture_mode: CaptureMode | None
    captured: int
    action: NextAction | None
    decline_code: str
    decline_message: str
    evidence: str


def read_resource(kind: AttemptKind, body: bytes) -> Resource:
    """Read a charge, capture, refund or payout out of a reply.

    Raises:
        Malformed: the bytes are none of that kind.
    """
    return _resource(kind, read_object(body), body)


def read_notified(body: bytes) -> Resource:
    """Read what a notification is about, of whatever kind it says.

    Raises:
        Malformed: the bytes are no notification of the protocol.
    """
    notification = read_object(body)
    name = notification.one_of("kind", tuple(NOTIFIED_KINDS))
    return _resource(NOTIFIED_KINDS[name], notification.inner(name), body)


def _resource(kind: AttemptKind, fields: Fields, body: bytes) -> Resource:
    number = fields.text("number", NUMBER)
    state = fields.one_of("state", STATES[kind])
    version = fields.integer("version", 1, AMOUNT_MAX)
    charge = kind is AttemptKind.CHARGE
    if state == "AUTHORIZED" and fields.one_of("capture", tuple(CaptureMode)) != CaptureMode.MANUAL:
        raise Malformed("an authorisation that was not asked for")
    tombstone = state == "CLOSED" and not fields.has("amount")
    settled = charge and state == "SUCCEEDED"
    return Resource(
        kind=kind,
        number=number,
        charge_number=_charge_number(kind, number, fields),
        channel_number=_optional(fields, "channel_number", CHANNEL_NUMBER),
        state=state,
        money=None if tombstone else _money(fields),
        capture_mode=_capture_mode(fields) if charge and not tombstone else None,
        captured=fields.integer("captured", 0, AMOUNT_MAX) if settled else 0,
        action=_action(fields.inner("action")) if state == "ACTION_REQUIRED" else None,
        decline_code=_optional(fields, "decline_code", CODE),
        decline_message=fields.message("decline_message"),
        evidence=evidence(f"sandbox {kind} {number}: {state} v{version} {body.decode()}"),
    )


def _charge_number(kind: AttemptKind, number: str, fields: Fields) -> str:
    match kind:
        case AttemptKind.CHARGE:
            return number
        case AttemptKind.PAYOUT:
            return ""
        case _:
            return fields.text("charge_number", NUMBER)


def _optional(fields: Fields, name: str, pattern: re.Pattern[str]) -> str:
    return fields.text(name, pattern) if fields.has(name) else ""


def _money(fields: Fields) -> Money:
    amount = fields.integer("amount", 1, AMOUNT_MAX)
    try:
        return Money(fields.text("currency"), amount)
    except ValueError as error:
        raise Malformed("currency is not one of the contract") from error


def _capture_mode(fields: Fields) -> CaptureMode:
    return CaptureMode(fields.one_of("capture", tuple(CaptureMode)))


def _action(fields: Fields) -> NextAction:
    kind = ActionKind(fields.one_of("type", tuple(ActionKind)))
    content = fields.text("data")
    if not fields.has("expire_time"):
        return NextAction(kind, content)
    expire_ms = fields.integer("expire_time", 0, TIME_MAX_MS)
    return NextAction(kind, content, EPOCH + timedelta(milliseconds=expire_ms))
