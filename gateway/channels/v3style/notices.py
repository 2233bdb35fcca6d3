"""Notifications: verify the bytes, open the seal, and find a transaction or a refund of ours.

The event only says what lies in the envelope. What it proves is read from the state inside, and an
event that contradicts that state is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.channels.fields import Malformed, read_object
from gateway.channels.keys import SignatureRefused
from gateway.channels.v3style.account import JSON, Account
from gateway.channels.v3style.outcomes import refund_outcome, transaction_outcome
from gateway.channels.v3style.resources import PAID_STATES, read_refund, read_transaction
from gateway.channels.v3style.sealing import SealBroken
from gateway.domain.channel import Acknowledgement, AttemptKind, Notice, NotificationRefused

ACCEPTED = Acknowledgement(200, JSON, b'{"code":"SUCCESS","message":"OK"}')
REFUSED = Acknowledgement(401, JSON, b'{"code":"FAIL","message":"not accepted"}')

EVENT_LENGTH_MAX = 64


@dataclass(frozen=True, slots=True)
class Envelope:
    """A verified notification, opened: the kind of event, and the JSON that was sealed in it."""

    event: str
    resource: bytes


def open_notification(
    account: Account, headers: Mapping[str, str], body: bytes, now: datetime
) -> Envelope:
    """Verify a notification of whatever event, and open it.

    Raises:
        NotificationRefused: it is forged, stale, malformed or sealed for another.
    """
    try:
        account.verify(headers, body, now)
        notification = read_object(body)
        event = notification.text("event_type", most=EVENT_LENGTH_MAX)
        return Envelope(event, account.open(notification.inner("resource")))
    except (SignatureRefused, Malformed, SealBroken) as error:
        raise NotificationRefused(str(error)) from error


def read_notice(account: Account, envelope: Envelope) -> Notice:
    """Tell what an opened notification says of which attempt.

    Raises:
        NotificationRefused: it is not about a transaction or refund of ours.
    """
    try:
        if envelope.event.startswith("TRANSACTION."):
            return _transaction(account, envelope)
        if envelope.event.startswith("REFUND."):
            return _refund(account, envelope)
    except Malformed as error:
        raise NotificationRefused(str(error)) from error
    raise NotificationRefused("an event of another kind")


def _transaction(account: Account, envelope: Envelope) -> Notice:
    transaction = read_transaction(account, read_object(envelope.resource))
    told = "SUCCESS" if transaction.state in PAID_STATES else "FAIL"
    if envelope.event != f"TRANSACTION.{told}":
        raise Malformed("the event contradicts the state")
    outcome = transaction_outcome(account, transaction)
    return Notice(AttemptKind.CHARGE, transaction.number, outcome)


def _refund(account: Account, envelope: Envelope) -> Notice:
    refund = read_refund(account, read_object(envelope.resource))
    if envelope.event != f"REFUND.{refund.state}":
        raise Malformed("the event contradicts the state")
    return Notice(AttemptKind.REFUND, refund.number, refund_outcome(account, refund))
