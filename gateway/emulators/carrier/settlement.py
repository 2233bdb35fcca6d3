"""What a change to a record brings with it: the record itself, money moved, timers, events.

Every way to a state (the first answer, a timer, the subscriber, the client) comes through here, so
what a state means is written once. Each function is one step inside a unit of the book.
"""

from typing import Final

from gateway.emulators.carrier import notices, rows
from gateway.emulators.carrier.payments import Payment
from gateway.emulators.carrier.play import Play
from gateway.emulators.carrier.records import Record
from gateway.emulators.carrier.refunds import Refund
from gateway.emulators.core import outbox, visits
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.clock import machine_time_ms
from gateway.emulators.core.timers import Timer, clear_timers, set_timer

BEFORE_REPLY_HOLD_MS: Final = (
    10_000  # how long the reply has the notification to itself before the notifier takes over
)
SETTLE, EXPIRE = "SETTLE", "EXPIRE"
EXPIRED: Final = "The reservation was not confirmed in time."


def reach_payment(
    txn: Transaction, payment: Payment, state: str, now: int, denial: str | None = None
) -> Payment:
    """A payment comes to a state, with all that this means."""
    clear_timers(txn, payment.kind_name, str(payment.seq))
    reached = rows.update(txn, payment, payment.move(now, state, denial=denial))
    if reached.is_waiting:
        set_timer(txn, _timer(reached, EXPIRE), reached.expire_time)
    if state == "succeeded":
        rows.insert_effect(txn, reached, now)
    tell(txn, reached, notices.PAYMENT_EVENTS[state], reached.played, now)
    return reached


def reach_refund(
    txn: Transaction, refund: Refund, state: str, now: int, denial: str | None = None
) -> Refund:
    """A refund comes to its end."""
    clear_timers(txn, refund.kind_name, str(refund.seq))
    reached = rows.update(txn, refund, refund.move(now, state, denial=denial))
    if state == "succeeded":
        rows.insert_effect(txn, reached, now)
    tell(txn, reached, notices.REFUND_EVENTS[state], reached.played, now)
    return reached


def await_settlement(txn: Transaction, record: Payment | Refund, now: int) -> None:
    """Let the operator's systems work, unless they never come to an end."""
    clear_timers(txn, record.kind_name, str(record.seq))
    play = record.played
    if play.settle != "NEVER":
        set_timer(txn, _timer(record, SETTLE), now + play.delay_ms)


def expire(txn: Transaction, payment: Payment, now: int) -> Payment:
    """Nobody decided about a reservation in time."""
    return reach_payment(txn, payment, "cancelled", now, EXPIRED)


def fire(txn: Transaction, timer: Timer, now: int) -> None:
    """A timer is due: whoever was waited for acts."""
    seq = int(timer.number)
    if timer.kind == "refund":
        refund = rows.read_refund_by_seq(txn, seq)
        settle(txn, refund, refund.played.settle or "SUCCEEDED", now)
        return
    payment = rows.read_payment_by_seq(txn, seq)
    if timer.purpose == EXPIRE:
        expire(txn, payment, now)
    else:
        usual = "RESERVED" if payment.is_preparing else "SUCCEEDED"
        settle(txn, payment, payment.played.settle or usual, now)


def settle(txn: Transaction, record: Payment | Refund, chosen: str, now: int) -> Payment | Refund:
    """The operator's systems have decided: SUCCEEDED, DENIED and the like."""
    denial = record.played.reason if chosen == "DENIED" else None
    if isinstance(record, Refund):
        return reach_refund(txn, record, chosen.lower(), now, denial)
    return reach_payment(txn, record, chosen.lower(), now, denial)


def tell(txn: Transaction, record: Payment | Refund, event: str, play: Play, now: int) -> int:
    """Tell the client of an event, where it wants that; how many notifications that makes.

    The client's token runs out in real time: whoever gave it knows nothing of virtual time.
    """
    if record.sink is None or record.sink_gone:
        return 0
    if record.sink_expire_s is not None and record.sink_expire_s * 1_000 <= machine_time_ms():
        visits.record_hit(txn, record.kind_name, record.name, "SINK_TOKEN_EXPIRED", now)
        return 0
    planned = notices.plan(record, event, play, now)
    held = play.notify == "BEFORE_REPLY"
    due_time = now + (BEFORE_REPLY_HOLD_MS if held else play.notify_delay_ms)
    ids = outbox.put(txn, record.kind_name, record.name, record.sink, planned, due_time=due_time)
    return len(ids)


def tell_again(txn: Transaction, record: Payment | Refund, play: Play, now: int) -> int:
    """Tell once more how a record stands; how many notifications that makes."""
    is_refund = isinstance(record, Refund)
    events = notices.REFUND_EVENTS if is_refund else notices.PAYMENT_EVENTS
    event = events.get(record.state)
    return 0 if event is None else tell(txn, record, event, play, now)


def _timer(record: Record, purpose: str) -> Timer:
    return Timer(record.kind_name, str(record.seq), purpose)
