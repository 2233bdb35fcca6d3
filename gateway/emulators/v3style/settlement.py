"""What a change to a record brings with it: the record itself, money moved, timers, notifications.

Every way to an end (the first answer, a timer, the buyer, a close) comes through here, so what an
end means is written once. Each function is one step inside a unit of the book.
"""

from gateway.emulators.core import outbox
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.timers import Timer, clear_timers, set_timer
from gateway.emulators.v3style import notices, rows
from gateway.emulators.v3style.names import Channel
from gateway.emulators.v3style.orders import Order
from gateway.emulators.v3style.play import Play
from gateway.emulators.v3style.records import Record, View
from gateway.emulators.v3style.refunds import Refund

BEFORE_REPLY_HOLD_MS = (
    10_000  # how long the reply has the notification to itself before the notifier takes over
)
SETTLE, RESETTLE, EXPIRE, LATE = "SETTLE", "RESETTLE", "EXPIRE", "LATE"


def keep_order(txn: Transaction, order: Order, settle_time: int | None) -> Order:
    """Keep a new order; `settle_time` is when somebody acts by himself, if anybody does."""
    kept = rows.insert(txn, order)
    if kept.state in ("NOTPAY", "USERPAYING"):
        set_timer(txn, _timer(kept, EXPIRE), kept.expire_time)
        if settle_time is not None:
            set_timer(txn, _timer(kept, SETTLE), settle_time)
    if kept.is_paid:
        rows.insert_effect(txn, "charge", kept, kept.number, kept.total, now=kept.update_time)
    return kept


def pay(
    txn: Transaction, channel: Channel, order: Order, now: int, openid: str | None = None
) -> Order:
    """The buyer's money is taken."""
    paid = _change(txn, order, order.pay(now, openid))
    rows.insert_effect(txn, "charge", paid, paid.number, paid.total, now=now)
    _notify_order(txn, channel, paid, "TRANSACTION.SUCCESS", now)
    return paid


def fail(txn: Transaction, channel: Channel, order: Order, now: int) -> Order:
    """The bank will not pay; who deducts by a contract is told so."""
    failed = _change(txn, order, order.move(now, "PAYERROR"))
    if failed.kind == "DEDUCT":
        _notify_order(txn, channel, failed, "TRANSACTION.FAIL", now)
    return failed


def close(txn: Transaction, order: Order, now: int) -> Order:
    """Nobody can pay it any more, unless late money is played."""
    closed = _change(txn, order, order.move(now, "CLOSED"))
    play = closed.played
    if play.late != "NO":
        set_timer(txn, _timer(closed, LATE), now + play.delay_ms)
    return closed


def pay_late(
    txn: Transaction, channel: Channel, order: Order, now: int, *, returned: bool
) -> Order:
    """Money comes for a closed order: it stands, or the channel itself gives it back."""
    if not returned:
        return pay(txn, channel, order, now)
    rows.insert_effect(txn, "charge", order, order.number, order.total, now=now)
    rows.insert_effect(txn, "return", order, order.number, order.total, now=now)
    return order


def revoke(txn: Transaction, order: Order, now: int) -> Order:
    """Undo a payment by code: what was taken goes back at once."""
    revoked = _change(txn, order, order.move(now, "REVOKED"))
    if order.state == "SUCCESS":
        rows.insert_effect(txn, "return", order, order.number, order.total, now=now)
    return revoked


def keep_refund(txn: Transaction, channel: Channel, order: Order, refund: Refund) -> Refund:
    """Keep a new refund, mark its order, and see to its end."""
    now, play = refund.create_time, refund.played
    kept = rows.insert(txn, refund)
    rows.update(txn, order, order.move(now, "REFUND"))
    if play.answer == "SUCCESS":
        return settle_refund(txn, channel, kept, "SUCCESS", now)
    if play.notify == "BEFORE_REPLY":
        settle_refund(txn, channel, kept, "SUCCESS", now)
    elif play.settle != "NEVER":
        set_timer(txn, _timer(kept, SETTLE), now + play.delay_ms)
    return kept


def settle_refund(
    txn: Transaction, channel: Channel, refund: Refund, state: str, now: int
) -> Refund:
    """The bank has decided about a refund."""
    settled = rows.update(txn, refund, refund.settle(now, state))
    clear_timers(txn, settled.kind_name, str(settled.seq))
    if state == "SUCCESS":
        order = rows.read_order_by_seq(txn, settled.order_seq)
        rows.insert_effect(txn, "refund", order, settled.number, settled.amount, now=now)
    _notify(
        txn,
        channel,
        settled,
        f"REFUND.{state}",
        told=settled.notice(),
        play=settled.played,
        now=now,
    )
    return settled


def redirect_refund(txn: Transaction, refund: Refund, now: int) -> Refund:
    """An abnormal refund goes another way, and will arrive."""
    redirected = rows.update(txn, refund, refund.move(now, "PROCESSING"))
    set_timer(txn, _timer(redirected, RESETTLE), now + redirected.played.delay_ms)
    return redirected


def renotify(
    txn: Transaction, channel: Channel, record: Order | Refund, play: Play, now: int
) -> int:
    """Tell the merchant once more how a record stands; how many notifications that makes."""
    if isinstance(record, Refund):
        event, told = f"REFUND.{record.state}", record.notice()
    else:
        event = "TRANSACTION.FAIL" if record.state == "PAYERROR" else "TRANSACTION.SUCCESS"
        told = record.view()
    return len(_notify(txn, channel, record, event, told=told, play=play, now=now))


def fire(txn: Transaction, timer: Timer, now: int, channel: Channel) -> None:
    """A timer is due: whoever was waited for acts."""
    if timer.kind == "refund":
        refund = rows.read_refund_by_seq(txn, int(timer.number))
        chosen = {"ABNORMAL": "ABNORMAL", "CLOSED": "CLOSED"}.get(refund.played.settle or "")
        state = chosen if chosen and timer.purpose == SETTLE else "SUCCESS"
        settle_refund(txn, channel, refund, state, now)
        return
    order = rows.read_order_by_seq(txn, int(timer.number))
    if timer.purpose == LATE:
        pay_late(txn, channel, order, now, returned=order.played.late == "REFUNDED")
    elif timer.purpose == EXPIRE:
        close(txn, order, now)
    elif order.played.settle == "FAIL" or _contract_is_over(txn, order):
        fail(txn, channel, order, now)
    else:
        pay(txn, channel, order, now)


def _contract_is_over(txn: Transaction, order: Order) -> bool:
    if order.contract_id is None:
        return False
    contract = rows.read_contract_by_id(txn, order.mchid, order.contract_id)
    return contract is None or contract.state != "SIGNED"


def _change(txn: Transaction, older: Order, newer: Order) -> Order:
    clear_timers(txn, older.kind_name, str(older.seq))
    return rows.update(txn, older, newer)


def _timer(record: Record, purpose: str) -> Timer:
    return Timer(record.kind_name, str(record.seq), purpose)


def _notify_order(txn: Transaction, channel: Channel, order: Order, event: str, now: int) -> None:
    if order.kind != "CODE":  # who pays by code stands at the till, and is told there
        _notify(txn, channel, order, event, told=order.view(), play=order.played, now=now)


def _notify(
    txn: Transaction,
    channel: Channel,
    record: Order | Refund,
    event: str,
    *,
    told: View,
    play: Play,
    now: int,
) -> tuple[int, ...]:
    if record.notify_url is None:
        return ()
    planned = notices.plan(channel, record.mchid, event, told, play, now=now)
    held = play.notify == "BEFORE_REPLY"
    due_time = now + (BEFORE_REPLY_HOLD_MS if held else play.notify_delay_ms)
    kind, url = record.kind_name, record.notify_url
    return outbox.put(txn, kind, record.number, url, planned, due_time=due_time)
