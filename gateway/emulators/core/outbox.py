"""The durable queue of notifications.

A row lives from the commit that causes it until it is acknowledged or given up. Delivery is at
least once: an attempt is recorded after it was made, so a crash between the two repeats it, exactly
as a real channel does. The queue is bounded; what would overfill it does not happen at all
(OutboxFull takes the whole unit back), because a notification that is silently dropped would be a
lie about the channel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.emulators.core import visits
from gateway.emulators.core.book import Row, Transaction
from gateway.emulators.core.statements import load_statements

PENDING_NOTIFICATIONS_MAX = 100_000
# After the first attempt; when the list is used up the notification is given up.
RETRY_DELAYS_MS = (200, 500, 1_000, 2_000, 5_000, 15_000, 60_000, 300_000, 1_800_000, 7_200_000)

TOPIC = "outbox"
_COUNTERS = "notifications"
_SQL = load_statements(__package__, "core.sql")

GOOD = "GOOD"


class OutboxFull(Exception):
    """Too many notifications wait; the unit was taken back."""


@dataclass(frozen=True)
class Notice:
    """A notification to be sent; `follows_previous`: after the one before it was tried once.

    `seal` is for the stand-in that dresses it to understand: how it is signed, or spoiled.
    """

    body: str
    seal: str = GOOD
    fault: str | None = None  # what its first attempt proves to have happened
    retried: bool = True
    follows_previous: bool = False


@dataclass(frozen=True)
class Notification:
    """A row of the outbox: a notice on its way."""

    id: int
    kind: str
    number: str
    url: str
    body: str
    seal: str
    fault: str | None
    retried: bool
    attempts: int


def put(
    txn: Transaction, kind: str, number: str, url: str, notices: Sequence[Notice], *, due_time: int
) -> tuple[int, ...]:
    """Queue notices about one object in order; their ids. OutboxFull when there is no room."""
    if not notices:
        return ()
    if read_fates(txn)["pending"] + len(notices) > PENDING_NOTIFICATIONS_MAX:
        raise OutboxFull("Too many notifications wait; try again later.")
    visits.count(txn, _COUNTERS, "pending", len(notices))
    txn.touch(TOPIC)
    ids: list[int] = []
    for notice in notices:
        values = {**vars(notice), "kind": kind, "number": number, "url": url, "due_time": due_time}
        values["follows"] = ids[-1] if notice.follows_previous and ids else None
        txn.write(_SQL["insert_notification"], values)
        row = txn.one(_SQL["last_notification"], {})
        assert row is not None
        ids.append(row["id"])
    return tuple(ids)


def read_fates(txn: Transaction) -> Mapping[str, int]:
    """How many notifications are pending, were sent (attempts), acknowledged, abandoned."""
    known = visits.read_counters(txn, _COUNTERS)
    return {name: known.get(name, 0) for name in ("sent", "acknowledged", "pending", "abandoned")}


def read(txn: Transaction, notification_id: int) -> Notification | None:
    """One notification, unless its fate is sealed."""
    row = txn.one(_SQL["read_notification"], {"id": notification_id})
    return None if row is None else _from_row(row)


def untried(txn: Transaction, kind: str, number: str) -> tuple[int, ...]:
    """The notifications about one object of which no attempt was recorded yet, in order."""
    rows = txn.all(_SQL["untried_notifications"], {"kind": kind, "number": number})
    return tuple(row["id"] for row in rows)


def due(txn: Transaction, now: int, count_max: int) -> tuple[list[Notification], int | None]:
    """What may be sent now, and when the next one will be due."""
    rows = txn.all(_SQL["due_notifications"], {"now": now, "count_max": count_max})
    later = txn.one(_SQL["next_notification"], {"now": now})
    return [_from_row(row) for row in rows], None if later is None else later["due_time"]


def record_attempt(
    txn: Transaction,
    notification: Notification,
    *,
    acknowledged: bool,
    now: int,
    delays_ms: Sequence[int] = RETRY_DELAYS_MS,
) -> None:
    """Write down one attempt and what follows from it: the end, or the next time.

    `delays_ms` is the channel's schedule: how long after each attempt that failed the next is due.
    """
    _count_attempt(txn, notification, now)
    exhausted = notification.attempts >= len(delays_ms) or not notification.retried
    if acknowledged or exhausted:
        _end(txn, notification, "acknowledged" if acknowledged else "abandoned")
        return
    due_time = now + delays_ms[notification.attempts]
    txn.write(_SQL["postpone_notification"], {"id": notification.id, "due_time": due_time})


def give_up(txn: Transaction, notification: Notification, *, now: int) -> None:
    """Write down an attempt whose receiver said that it will never want this notification."""
    _count_attempt(txn, notification, now)
    _end(txn, notification, "abandoned")


def _count_attempt(txn: Transaction, notification: Notification, now: int) -> None:
    if notification.attempts == 0 and notification.fault is not None:
        visits.record_hit(txn, notification.kind, notification.number, notification.fault, now)
    visits.count(txn, _COUNTERS, "sent")
    txn.touch(TOPIC)


def _end(txn: Transaction, notification: Notification, fate: str) -> None:
    txn.write(_SQL["delete_notification"], {"id": notification.id})
    visits.count(txn, _COUNTERS, "pending", -1)
    visits.count(txn, _COUNTERS, fate)


def _from_row(row: Row) -> Notification:
    return Notification(**{**dict(row), "retried": bool(row["retried"])})
