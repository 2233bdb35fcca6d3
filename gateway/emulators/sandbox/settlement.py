"""What a change to a record brings with it: the record itself, money moved, timers, notifications.

Every way to an end (the first answer, a timer, the payer's own act, a close) comes through here, so
what an end means is written once. Each function is one step inside a unit of the book.
"""

from gateway.emulators.core import outbox
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.faults import SettleOutcome
from gateway.emulators.core.timers import Timer, clear_timers, set_timer
from gateway.emulators.sandbox import captures, charges, notices, rows
from gateway.emulators.sandbox.captures import Capture
from gateway.emulators.sandbox.charges import Charge
from gateway.emulators.sandbox.payouts import Payout
from gateway.emulators.sandbox.records import Closable, Record
from gateway.emulators.sandbox.refunds import Refund
from gateway.emulators.sandbox.requests import KINDS, POSTS, Post

BEFORE_REPLY_HOLD_MS = (
    10_000  # how long the reply has the notification to itself before the notifier takes over
)
SETTLE, EXPIRE = "SETTLE", "EXPIRE"


def keep_new(
    txn: Transaction, history: tuple[Record, ...], request: Post, now: int
) -> tuple[int, ...]:
    """Keep a new record with its first states; the notifications to send before the reply."""
    first, last = history[0], history[-1]
    rows.insert(txn, last)
    if last.state in ("PROCESSING", "ACTION_REQUIRED"):
        _wait(txn, last, request, now)
        return ()
    _move_money(txn, last, now)
    ids = _notify(txn, request, last, first, now, in_reply=True)
    return ids if request.script.notify == "BEFORE_REPLY" else ()


def settle(txn: Transaction, record: Record, outcome: SettleOutcome, now: int) -> Record:
    """End what was waiting: the bank, or the payer, has decided."""
    request = _request_of(record)
    newer = record.settle(outcome, request.script, now)
    rows.replace(txn, record, newer)
    clear_timers(txn, newer.kind, newer.number)
    _move_money(txn, newer, now)
    _notify(txn, request, newer, record, now, in_reply=False)
    return newer


def close(txn: Transaction, record: Closable, now: int) -> Closable:
    """The caller's fence: whatever was on its way for this number can never succeed."""
    if isinstance(record, Charge):
        _stop_captures(txn, record, now)
    return _close(txn, record, now)


def fire(txn: Transaction, timer: Timer, now: int) -> None:
    """A timer is due: settle or expire what it is about."""
    kind = next(kind for kind in KINDS if kind == timer.kind)
    record = rows.read_record(txn, kind, timer.number)
    assert record is not None, "a timer outlived its record"
    request = _request_of(record)
    if timer.purpose == SETTLE:
        late = record.state == "CLOSED"
        settle(txn, record, "SUCCEED" if late else request.script.settle_outcome, now)
    elif isinstance(record, Charge):
        closed = _close(txn, record, now)
        _notify(txn, request, closed, record, now, in_reply=False)


def _request_of(record: Record) -> Post:
    """The request that made a record, which must be more than a tombstone."""
    assert record.request is not None, "a tombstone waits for nothing"
    return POSTS[record.kind].from_text(record.request)


def _wait(txn: Transaction, record: Record, request: Post, now: int) -> None:
    """Set the timers of a record that is not at its end."""
    kind, script = record.kind, request.script
    by_itself = not script.pay_after_close  # else its settlement begins to run at the close
    if isinstance(record, Charge) and record.action_expire_time is not None:
        set_timer(txn, Timer(kind, record.number, EXPIRE), record.action_expire_time)
        by_itself = by_itself and bool(script.settle_delay_ms)  # 0: the payer must be played
    if by_itself:
        set_timer(txn, Timer(kind, record.number, SETTLE), now + script.settle_delay())


def _stop_captures(txn: Transaction, charge: Charge, now: int) -> None:
    for capture in rows.read_open_captures(txn, charge.number):
        declined = capture.decline(captures.CLOSED_CODE, now)
        rows.replace(txn, capture, declined)
        clear_timers(txn, capture.kind, capture.number)
        _notify(txn, _request_of(capture), declined, capture, now, in_reply=False)


def _close(txn: Transaction, record: Closable, now: int) -> Closable:
    closed = record.close(now)
    if closed == record:
        return record
    rows.replace(txn, record, closed)
    clear_timers(txn, record.kind, record.number)
    script = _request_of(record).script
    if closed.state == "CLOSED" and script.pay_after_close:
        set_timer(txn, Timer(record.kind, record.number, SETTLE), now + script.settle_delay())
    return closed


def _move_money(txn: Transaction, record: Record, now: int) -> None:
    """Take or give back what a record that has just reached its end stands for."""
    match record:
        case Charge(state="SUCCEEDED", amount=int(amount), currency=str(currency)):
            rows.insert_effect(txn, record, record.number, amount, currency)
        case Capture():
            _move_captured(txn, record, now)
        case Refund(state="SUCCEEDED"):
            rows.insert_effect(txn, record, record.charge_number, record.amount, record.currency)
            charge = rows.read_charge(txn, record.charge_number)
            assert charge is not None
            rows.replace(txn, charge, charges.add_refunded(charge, record.amount, now))
        case Payout(state="SUCCEEDED"):
            rows.insert_payout_effect(txn, record)


def _move_captured(txn: Transaction, capture: Capture, now: int) -> None:
    amount = capture.amount if capture.state == "SUCCEEDED" else 0
    if amount:
        rows.insert_effect(txn, capture, capture.charge_number, amount, capture.currency)
    charge = rows.read_charge(txn, capture.charge_number)
    assert charge is not None
    done = captures.completes(charge, rows.sum_captures(txn, charge.number))
    rows.replace(txn, charge, charges.add_captured(charge, amount, now, done=done))


def _notify(
    txn: Transaction, request: Post, newer: Record, older: Record, now: int, *, in_reply: bool
) -> tuple[int, ...]:
    if request.notify_url is None:
        return ()
    script, kind = request.script, newer.kind
    planned = notices.plan(kind, script, newer.view(), older.view(), in_reply=in_reply)
    held = in_reply and script.notify == "BEFORE_REPLY"
    due_time = now + BEFORE_REPLY_HOLD_MS if held else now
    return outbox.put(txn, kind, newer.number, request.notify_url, planned, due_time=due_time)
