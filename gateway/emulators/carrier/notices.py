"""Which events a change causes, as CloudEvents, and how each attempt is dressed.

An event is made once, when the change happens, and keeps its id; every attempt carries the access
token that the client gave with its sink. Nothing is signed: an event says no more than "go and
ask", so there are well-formed ones that lie. A spoiled one is spoiled at its first attempt only.
"""

import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from yarl import URL

from gateway.emulators.carrier import times
from gateway.emulators.carrier.payments import Payment
from gateway.emulators.carrier.play import SPOILS, Play
from gateway.emulators.carrier.records import View, new_id
from gateway.emulators.carrier.refunds import Refund
from gateway.emulators.core.outbox import GOOD, Notice, Notification
from gateway.emulators.core.wire import json_bytes

SOURCE: Final = "https://notifications.operator.example"
CONTENT_TYPE: Final = "application/cloudevents+json"
STALE_MS: Final = 86_400_000
PAYMENT_EVENTS: Final = {
    "pending_validation": "payment-pending-validation",
    "reserved": "payment-reserved",
    "succeeded": "payment-completed",
    "cancelled": "payment-cancelled",
    "denied": "payment-denied",
}
REFUND_EVENTS: Final = {"succeeded": "refund-completed", "denied": "refund-denied"}
IN_BILL: Final = "refund-in-bill"
# What is told instead of the truth.
_OPPOSITES: Final = {
    "payment-completed": "payment-denied",
    "payment-denied": "payment-completed",
    "payment-reserved": "payment-cancelled",
    "payment-cancelled": "payment-completed",
    "payment-pending-validation": "payment-completed",
    "refund-completed": "refund-denied",
    "refund-denied": "refund-completed",
    IN_BILL: "refund-denied",
}


@dataclass(frozen=True)
class Seal:
    """How attempts are dressed: the token, how the first is spoiled, whose event it is."""

    number: str
    token: str | None
    spoil: str = GOOD

    @classmethod
    def of(cls, notification: Notification) -> "Seal":
        """The seal of a notification."""
        return cls(**json.loads(notification.seal))

    def spoils(self, notification: Notification) -> bool:
        """Whether this attempt of it is the spoiled one."""
        return self.spoil in SPOILS and notification.attempts == 0


def plan(record: Payment | Refund, event: str, play: Play, now: int) -> list[Notice]:
    """The notices of one change, in order."""
    mode = play.notify
    if mode == "NONE":
        return []
    seal = Seal(record.number, record.sink_token)
    event_time = now - STALE_MS if mode == "STALE" else now
    told = _OPPOSITES[event] if mode == "WRONG_STATUS" else event
    body = _envelope(record, told, event_time, lies=mode == "WRONG_NUMBER")
    good = Notice(body, seal=_to_text(seal))
    if mode == "ONCE":
        return [good]
    spoiled = replace(seal, spoil=mode) if mode in SPOILS else seal
    proof = replace(good, fault=f"NOTIFY_{mode}", seal=_to_text(spoiled))
    copies = {"TWICE": 1, "STORM": play.notify_count - 1}.get(mode, 0)
    return [good] * copies + [proof]


def dress(notification: Notification, _url: URL) -> Mapping[str, str]:
    """The headers of one attempt."""
    seal = Seal.of(notification)
    spoil = seal.spoil if seal.spoils(notification) else GOOD
    headers = {"Content-Type": "application/json" if spoil == "WRONG_TYPE" else CONTENT_TYPE}
    token = secrets.token_urlsafe() if spoil == "WRONG_TOKEN" else seal.token
    if token is not None and spoil != "NO_TOKEN":
        headers["Authorization"] = f"Bearer {token}"
    return headers


def compose(notification: Notification) -> bytes:
    """The body of one attempt."""
    body = notification.body.encode()
    seal = Seal.of(notification)
    if seal.spoil == "MALFORMED" and seal.spoils(notification):
        return body[: len(body) // 2]
    return body


def _envelope(record: Payment | Refund, event: str, event_time: int, *, lies: bool) -> str:
    api = "carrier-billing-refund" if isinstance(record, Refund) else "carrier-billing"
    envelope: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "source": SOURCE,
        "specversion": "1.0",
        "type": f"org.camaraproject.{api}.v0.{event}",
        "datacontenttype": "application/json",
        "time": times.to_text(event_time),
        "data": _data(record, event, event_time, lies=lies),
    }
    return json_bytes(envelope).decode()


def _data(record: Payment | Refund, event: str, event_time: int, *, lies: bool) -> View:
    number = new_id("XX") if lies else record.number
    is_refund = isinstance(record, Refund)
    data: View = {"paymentId": record.payment_id, "refundId": number}
    if not is_refund:
        data = {"paymentId": number}
    is_denied = event.endswith("denied")
    data["status"] = "failed" if is_denied else "succeeded"
    data["description"] = record.denial or f"This is {event}."
    if event.endswith("completed"):
        date = event_time if record.success_time is None else record.success_time
        data["refundDate" if is_refund else "paymentDate"] = times.to_text(date)
    if is_denied:
        data["denialReason"] = record.denial or "Played."
    return data


def _to_text(seal: Seal) -> str:
    return json.dumps(asdict(seal))
