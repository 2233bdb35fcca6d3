"""What a change to an order brings with it: the order itself, money moved, timers, notifications.

Every way to an end (a timer, the buyer, the bank, a control request) comes through here, so what an
end means is written once. Each function is one step inside a unit of the book.
"""

from typing import Final

from gateway.emulators.core import outbox
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.timers import Timer, clear_timers, set_timer
from gateway.emulators.unionpay import clearing, notices, rows
from gateway.emulators.unionpay.codes import INTERMEDIATE, LATE_MONEY, SUCCESS, SUCCESSES
from gateway.emulators.unionpay.orders import Order
from gateway.emulators.unionpay.play import NEVER, Play
from gateway.emulators.unionpay.requests import (
    COMPLETE,
    CONSUME,
    REFUND,
    VOID,
    VOID_COMPLETION,
)

BEFORE_REPLY_HOLD_MS: Final = 10_000  # the reply has the notification to itself for so long
SETTLE, EXPIRE, LATE = "SETTLE", "EXPIRE", "LATE"

EFFECTS: Final = {
    CONSUME: "charge",
    COMPLETE: "charge",
    REFUND: "refund",
    VOID: "return",
    VOID_COMPLETION: "return",
}


def keep(txn: Transaction, order: Order, now: int) -> Order:
    """Keep a new order and see to its end."""
    kept, play = rows.insert(txn, order), order.played
    if kept.state == "WAITING":
        set_timer(txn, _timer(kept, EXPIRE), kept.expire_time)
    acts = kept.state == "ACCEPTED" or (kept.state == "WAITING" and play.settle is not None)
    if not acts or play.settle == NEVER:
        return kept
    if kept.state == "ACCEPTED" and play.notify == "BEFORE_REPLY":
        decide(txn, kept, play.settle or SUCCESS, now)
    else:
        set_timer(txn, _timer(kept, SETTLE), now + play.settle_delay_ms)
    return kept


def decide(txn: Transaction, order: Order, code: str, now: int) -> Order:
    """The bank or the buyer comes to a code: a success, a failure, or still neither."""
    if code in SUCCESSES:
        return succeed(txn, order, now, code)
    if order.state == "WAITING" or code in INTERMEDIATE:
        return rows.update(txn, order, order.move(now, order.state, code=code))
    failed = _change(txn, order, order.move(now, "FAILED", code=code))
    if failed.played.tell_failure:
        _notify(txn, failed, failed.played, now)
    return failed


def succeed(txn: Transaction, order: Order, now: int, code: str = SUCCESS) -> Order:
    """It is done; money moves if it is about money."""
    done = _change(txn, order, order.succeed(now, code))
    kind = EFFECTS.get(done.txn_type)
    if kind is not None:
        charge_seq = done.seq if kind == "charge" else done.orig_seq
        assert charge_seq is not None
        rows.insert_effect(txn, kind, done, charge_seq, now)
    _notify(txn, done, done.played, now)
    return done


def pay_late(txn: Transaction, order: Order, now: int, *, returned: bool) -> Order:
    """Money comes for an order that is over: it stands, or goes back and nobody is told."""
    if not returned:
        return succeed(txn, order, now)
    settle_day = clearing.day(now).isoformat()
    over = order.move(now, "EXPIRED", code=LATE_MONEY, settle_day=settle_day)
    kept = _change(txn, order, over)
    if kept.txn_type == CONSUME:
        rows.insert_effect(txn, "charge", kept, kept.seq, now)
        rows.insert_effect(txn, "return", kept, kept.seq, now)
    return kept


def renotify(txn: Transaction, order: Order, play: Play, now: int) -> int:
    """Tell the merchant once more how an order stands; how many notifications that makes."""
    return len(_notify(txn, order, play, now))


def fire(txn: Transaction, timer: Timer, now: int) -> None:
    """A timer is due: whoever was waited for acts."""
    order = rows.read_by_seq(txn, int(timer.number))
    play = order.played
    if timer.purpose == SETTLE:
        decide(txn, order, play.settle or SUCCESS, now)
    elif timer.purpose == LATE:
        pay_late(txn, order, now, returned=play.late == "REFUNDED")
    else:
        expired = _change(txn, order, order.move(now, "EXPIRED"))
        if play.late != "NO":
            set_timer(txn, _timer(expired, LATE), now + play.settle_delay_ms)


def _change(txn: Transaction, older: Order, newer: Order) -> Order:
    clear_timers(txn, older.kind_name, str(older.seq))
    return rows.update(txn, older, newer)


def _timer(order: Order, purpose: str) -> Timer:
    return Timer(order.kind_name, str(order.seq), purpose)


def _notify(txn: Transaction, order: Order, play: Play, now: int) -> tuple[int, ...]:
    held = play.notify == "BEFORE_REPLY" and order.way == "BACK"
    due_time = now + (BEFORE_REPLY_HOLD_MS if held else play.notify_delay_ms)
    planned = notices.plan(order, play)
    return outbox.put(
        txn, order.kind_name, order.order_id, order.back_url, planned, due_time=due_time
    )
