"""What is written down about one attempt to deliver a notification.

The schedule is the family's own. And whoever acknowledges a message that was spoiled, or that lies,
has not checked it: that is written down too, so a test can ask whether it ever happened.
"""

from gateway.emulators.core import outbox, visits
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.outbox import Notification
from gateway.emulators.v3style.names import RETRY_DELAYS_MS
from gateway.emulators.v3style.play import SPOILS

_LIES = frozenset(
    f"NOTIFY_{lie}"
    for lie in ("WRONG_AMOUNT", "WRONG_NUMBER", "WRONG_MERCHANT", "WRONG_API_V3_KEY")
)


def record_delivery(
    txn: Transaction, notification: Notification, *, acknowledged: bool, now: int
) -> None:
    """Write down one attempt, and when the next one is due."""
    outbox.record_attempt(
        txn, notification, acknowledged=acknowledged, now=now, delays_ms=RETRY_DELAYS_MS
    )
    spoiled = notification.seal in SPOILS and notification.attempts == 0
    if acknowledged and (spoiled or notification.fault in _LIES):
        hit = f"{notification.fault}_ACKNOWLEDGED"
        visits.record_hit(txn, notification.kind, notification.number, hit, now)
