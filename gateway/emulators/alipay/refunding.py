"""Refunds: made, repeated, asked after. Each function is one request in a unit.

A success of the call is not yet money: only `fund_change` Y says that this very call moved some. A
repeat moves nothing and says N, and so does a refund that the bank has still to decide about; then
only the query tells. `refund_fee` is what was refunded of the trade in all.
"""

from gateway.emulators.alipay import refunds, rows, settlement
from gateway.emulators.alipay.answers import Answer, done
from gateway.emulators.alipay.channel import Asked, Channel
from gateway.emulators.alipay.errors import Refusal
from gateway.emulators.alipay.money import to_yuan
from gateway.emulators.alipay.records import View
from gateway.emulators.alipay.refunds import Refund
from gateway.emulators.alipay.standing import require
from gateway.emulators.alipay.telling import first_notices
from gateway.emulators.alipay.trades import Trade
from gateway.emulators.core import beijing
from gateway.emulators.core.book import Transaction


def make(txn: Transaction, channel: Channel, asked: Asked, now: int) -> Answer:
    """A new refund, or the same one again."""
    trade = require(txn, asked)
    earlier = rows.refunds_of(txn, trade)
    number, amount = _number(asked, trade), asked.biz["refund_amount"]
    kept = _named(earlier, number)
    if kept is not None and kept.amount != amount:
        message = "The number was used for another amount."
        raise Refusal("ACQ.DISCORDANT_REPEAT_REQUEST", message)
    if kept is not None and kept.state != "FAILED":
        return done(_view(trade, changed=False))
    refunds.check(trade, earlier, amount, now, channel.refund_window_ms)
    if asked.play.answer == "REFUSED":
        raise Refusal(asked.play.sub_code, "The refund is refused.")
    if kept is None:
        begun = rows.insert(txn, _new(asked, trade, number, now))
    else:  # it failed, and is tried again under its own number
        begun = rows.update(txn, kept, kept.move(now, "PROCESSING", play=asked.play.to_text()))
    refund = settlement.begin_refund(txn, channel, begun, now)
    changed = refund.state == "SUCCESS"
    told = first_notices(txn, refund)
    return done(_view(rows.by_seq(txn, Trade, trade.seq), changed=changed), notify_first=told)


def query(txn: Transaction, _channel: Channel, asked: Asked, _now: int) -> Answer:
    """How a refund stands; of one that is not done, or not there, nothing is said."""
    trade = require(txn, asked)
    refund = _named(rows.refunds_of(txn, trade), asked.biz["out_request_no"])
    if refund is None or refund.success_time is None:
        return done({})
    view: View = {
        **trade.numbers(),
        "out_request_no": refund.number,
        "refund_reason": refund.asked.get("refund_reason", ""),
        "total_amount": to_yuan(trade.total),
        "refund_amount": to_yuan(refund.amount),
        "refund_status": "REFUND_SUCCESS",
    }
    if "gmt_refund_pay" in asked.biz.get("query_options", ()):
        view["gmt_refund_pay"] = beijing.to_bill_text(refund.success_time)
    return done(view)


def _number(asked: Asked, trade: Trade) -> str:
    """The refund's own number; a whole refund may go without, and has that of its trade."""
    if "out_request_no" in asked.biz:
        return str(asked.biz["out_request_no"])
    if asked.biz["refund_amount"] != trade.total:
        message = "A part is refunded with an out_request_no only."
        raise Refusal("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", message)
    return trade.number


def _named(refunds_of_trade: list[Refund], number: str) -> Refund | None:
    return next((refund for refund in refunds_of_trade if refund.number == number), None)


def _new(asked: Asked, trade: Trade, number: str, now: int) -> Refund:
    members = asked.making(number, "PROCESSING", now)
    told = {"notify_url": trade.notify_url, "certified": trade.certified}
    more = {"trade_seq": trade.seq, "amount": asked.biz["refund_amount"]}
    return Refund.from_row({**members, **told, **more})


def _view(trade: Trade, *, changed: bool) -> View:
    """What a refund is answered with."""
    view: View = {
        **trade.numbers(),
        **trade.buyer(),
        "fund_change": "Y" if changed else "N",
        "refund_fee": to_yuan(trade.refunded),
    }
    if trade.refund_time is not None:
        view["gmt_refund_pay"] = beijing.to_bill_text(trade.refund_time)
        funds = {"amount": to_yuan(trade.refunded), "fund_channel": trade.fund_channel}
        view["refund_detail_item_list"] = [funds]
    return view
