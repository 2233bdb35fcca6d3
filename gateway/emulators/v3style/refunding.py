"""Refunds: made, repeated, asked after, redirected. Each function is one request in a unit."""

from gateway.emulators.core import outbox
from gateway.emulators.core.book import Transaction
from gateway.emulators.v3style import refunds, rows, settlement
from gateway.emulators.v3style.answers import Answer
from gateway.emulators.v3style.commands import NewRefund, QueryRefund, RedirectRefund
from gateway.emulators.v3style.errors import Refusal
from gateway.emulators.v3style.names import Channel
from gateway.emulators.v3style.orders import Order
from gateway.emulators.v3style.play import Play
from gateway.emulators.v3style.records import new_number
from gateway.emulators.v3style.refunds import Refund


def make(txn: Transaction, channel: Channel, asked: NewRefund, play: Play, now: int) -> Answer:
    """A new refund, or the same one again."""
    kept = rows.read_refund(txn, asked.mchid, asked.number)
    if kept is not None:
        if kept.request != asked.text:
            raise Refusal("INVALID_REQUEST", "The number was used with other parameters.")
        return Answer(view=kept.view())
    order = _order_of(txn, asked)
    refunds.check(order, rows.read_refunds(txn, order), asked.amount, asked.total, now)
    refund = settlement.keep_refund(txn, channel, order, _new(asked, order, play, now))
    first: tuple[int, ...] = ()
    if play.notify == "BEFORE_REPLY":
        first = outbox.untried(txn, "refund", refund.number)
    return Answer(view=refund.view(), notify_first=first)


def query(txn: Transaction, asked: QueryRefund) -> Answer:
    """How a refund stands."""
    refund = rows.read_refund(txn, asked.mchid, asked.number)
    if refund is None:
        raise Refusal("RESOURCE_NOT_EXISTS", "There is no refund with this number.")
    return Answer(view=refund.view())


def redirect(txn: Transaction, asked: RedirectRefund, now: int) -> Answer:
    """An abnormal refund shall go another way."""
    refund = rows.read_refund_by_id(txn, asked.mchid, asked.refund_id)
    if refund is None or refund.number != asked.number:
        raise Refusal("RESOURCE_NOT_EXISTS", "There is no refund with these numbers.")
    if refund.state == "ABNORMAL":
        refund = settlement.redirect_refund(txn, refund, now)
    elif refund.state != "PROCESSING":
        raise Refusal("INVALID_REQUEST", "The refund is not abnormal.")
    return Answer(view=refund.view())


def _order_of(txn: Transaction, asked: NewRefund) -> Order:
    if asked.order_number is not None:
        order = rows.read_order(txn, asked.mchid, asked.order_number)
    else:
        assert asked.transaction_id is not None
        order = rows.read_order_by_transaction(txn, asked.mchid, asked.transaction_id)
    if order is None:
        raise Refusal("RESOURCE_NOT_EXISTS", "There is no such order.")
    if asked.transaction_id is not None and asked.transaction_id != order.transaction_id:
        raise Refusal("PARAM_ERROR", "The two numbers name two orders.", field="transaction_id")
    return order


def _new(asked: NewRefund, order: Order, play: Play, now: int) -> Refund:
    assert order.transaction_id is not None
    return Refund(
        mchid=asked.mchid,
        number=asked.number,
        refund_id=new_number("5030", now, 17),
        order_seq=order.seq,
        order_number=order.number,
        transaction_id=order.transaction_id,
        state="PROCESSING",
        amount=asked.amount,
        total=asked.total,
        notify_url=asked.notify_url,
        create_time=now,
        update_time=now,
        request=asked.text,
        play=play.to_text(),
    )
