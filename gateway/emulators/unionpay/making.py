"""Orders made, repeated, asked after. Each function is one request in a unit.

An order is known by merchant, orderId and txnTime. Whoever sends the three again does nothing a
second time: it hears 12, or the same tn while that waits for its buyer and nothing else was asked.
"""

from collections.abc import Callable
from typing import Final

from gateway.emulators.core import outbox
from gateway.emulators.core.book import Transaction
from gateway.emulators.unionpay import clearing, codes, following, orders, rows, settlement, views
from gateway.emulators.unionpay.answers import Answer
from gateway.emulators.unionpay.channel import Channel
from gateway.emulators.unionpay.codes import INTERMEDIATE, SUCCESS, Refusal
from gateway.emulators.unionpay.orders import Order, State
from gateway.emulators.unionpay.play import Play
from gateway.emulators.unionpay.requests import NewOrder, QueryOrder

TXN_TIME_SKEW_MS: Final = 3_600_000

TakePlay = Callable[[], Play]


def make(
    txn: Transaction, channel: Channel, asked: NewOrder, take_play: TakePlay, now: int
) -> Answer:
    """A new order, or what there is to say to the same one again. Raises Refusal."""
    kept = rows.read(txn, asked.mer_id, asked.order_id, asked.txn_time)
    if kept is not None:
        return _repeat(kept, asked)
    _check_times(channel, asked, now)
    orig = _origin(txn, asked, now)
    play = take_play()
    state, code = _begin(asked, play)
    order = _new(channel, asked, orig, play=play, state=state, code=code, now=now)
    made = settlement.keep(txn, order, now)
    first: tuple[int, ...] = ()
    if play.notify == "BEFORE_REPLY":
        first = outbox.untried(txn, made.kind_name, made.order_id)
    said = SUCCESS if state == "WAITING" else play.answer
    return Answer(fields=views.accepted(made, asked.body, said), notify_first=first)


def query(txn: Transaction, asked: QueryOrder) -> Answer:
    """How an order stands; what no buyer has tried to pay yet is not known. Raises Refusal."""
    order = rows.read(txn, asked.mer_id, asked.order_id, asked.txn_time)
    if order is None or order.code == codes.UNKNOWN_ORDER:
        raise Refusal(codes.UNKNOWN_ORDER, "no order with this orderId and txnTime")
    return Answer(fields=views.found(order, asked.body))


def _repeat(kept: Order, asked: NewOrder) -> Answer:
    if kept.state == "WAITING" and kept.way == asked.way and kept.request == asked.text:
        return Answer(fields=views.accepted(kept, asked.body, SUCCESS))
    raise Refusal("12", "this orderId and txnTime were used")


def _check_times(channel: Channel, asked: NewOrder, now: int) -> None:
    """What callers write is real time, as they know nothing of a shift. Raises Refusal."""
    real = now - channel.clock.shift_ms
    if abs(clearing.from_text(asked.txn_time) - real) > TXN_TIME_SKEW_MS:
        raise Refusal("39", "txnTime must be the present time in Beijing")
    if asked.pay_timeout is not None and asked.pay_timeout <= real:
        raise Refusal("10", "payTimeout must lie in the future")


def _origin(txn: Transaction, asked: NewOrder, now: int) -> Order | None:
    """The order that this one follows, if it follows one. Raises Refusal."""
    if asked.orig_query_id is None:
        return None
    orig = rows.read_by_query_id(txn, asked.mer_id, asked.orig_query_id)
    live = [] if orig is None else rows.live_followers(txn, orig.seq)
    following.check(asked.txn_type, orig, live, asked.amount, clearing.day(now))
    return orig


def _begin(asked: NewOrder, play: Play) -> tuple[State, str]:
    """The state of a new order, and what queries say of it."""
    if asked.way == "APP":
        return "WAITING", play.pending_code(waits_for_buyer=True)
    if play.answer == SUCCESS:
        return "ACCEPTED", play.pending_code(waits_for_buyer=False)
    if play.answer in INTERMEDIATE:
        return "ACCEPTED", play.pending or play.answer
    return "FAILED", play.answer


def _new(
    channel: Channel,
    asked: NewOrder,
    orig: Order | None,
    *,
    play: Play,
    state: State,
    code: str,
    now: int,
) -> Order:
    trace_no = orders.new_trace_no()
    expire_time = now + orders.LIFE_MS
    if asked.pay_timeout is not None:
        expire_time = asked.pay_timeout + channel.clock.shift_ms
    return Order(
        mer_id=asked.mer_id,
        order_id=asked.order_id,
        txn_time=asked.txn_time,
        txn_type=asked.txn_type,
        txn_sub_type=asked.txn_sub_type,
        way=asked.way,
        state=state,
        amount=asked.amount,
        back_url=asked.back_url,
        code=code,
        account=orders.new_account() if orig is None else orig.account,
        trace_no=trace_no,
        expire_time=expire_time,
        create_time=now,
        update_time=now,
        request=asked.text,
        play=play.to_text(),
        orig_seq=None if orig is None else orig.seq,
        tn=orders.new_tn() if asked.way == "APP" else None,
        query_id=None if asked.way == "APP" else orders.new_query_id(now, trace_no),
    )
