"""What is written down about one attempt to deliver an event.

The schedule is our own choice, the protocol names none. Whoever acknowledges an event that came
without its token, or that is no event, has not checked it: that is written down too. Whoever
answers 410 Gone is told nothing more about that object.
"""

from typing import Final

from gateway.emulators.carrier import rows
from gateway.emulators.carrier.notices import Seal
from gateway.emulators.core import outbox, visits
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.outbox import Notification

NO_CONTENT, GONE = 204, 410
# 8 attempts after the first, 22 h 21 min 15 s in all.
RETRY_DELAYS_MS: Final = (
    *(15_000, 60_000, 300_000, 900_000),
    *(3_600_000, 10_800_000, 21_600_000, 43_200_000),
)


def acknowledges(status: int, _body: bytes) -> bool:
    """Whether an answer means that the event has arrived."""
    return status == NO_CONTENT


def ends(status: int) -> bool:
    """Whether an answer means that no event is wanted any more."""
    return status == GONE


def record_delivery(
    txn: Transaction, notification: Notification, *, acknowledged: bool, now: int
) -> None:
    """Write down one attempt, and when the next one is due."""
    outbox.record_attempt(
        txn, notification, acknowledged=acknowledged, now=now, delays_ms=RETRY_DELAYS_MS
    )
    if acknowledged and Seal.of(notification).spoils(notification):
        hit = f"{notification.fault}_ACKNOWLEDGED"
        visits.record_hit(txn, notification.kind, notification.number, hit, now)


def give_up(txn: Transaction, notification: Notification, *, now: int) -> None:
    """Write down that the receiver is gone, and tell it no more."""
    outbox.give_up(txn, notification, now=now)
    number = Seal.of(notification).number
    read = rows.read_refund if notification.kind == "refund" else rows.read_payment
    record = read(txn, number)
    if record is not None and not record.sink_gone:
        rows.update(txn, record, record.change(now, sink_gone=1))
        visits.record_hit(txn, notification.kind, notification.number, "SINK_GONE", now)
