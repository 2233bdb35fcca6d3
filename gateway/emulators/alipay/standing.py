"""How a trade stands, and its end: asked after, closed, canceled. One request, one unit.

Before a buyer scans its code there is no trade: asking and closing find nothing, and a cancel does
nothing, successfully. None of them keeps the code from being paid.
"""

from typing import Final

from gateway.emulators.alipay import rows, settlement
from gateway.emulators.alipay.answers import Answer, done
from gateway.emulators.alipay.channel import Asked, Channel
from gateway.emulators.alipay.errors import Refusal
from gateway.emulators.alipay.records import View
from gateway.emulators.alipay.trades import Trade
from gateway.emulators.core import beijing
from gateway.emulators.core.book import Transaction

CANCEL_WINDOW_MS: Final = beijing.DAY_MS


def query(txn: Transaction, _channel: Channel, asked: Asked, _now: int) -> Answer:
    """How a trade stands."""
    return done(require(txn, asked).view())


def close(txn: Transaction, channel: Channel, asked: Asked, now: int) -> Answer:
    """Nobody shall pay it any more; only one that waits can be closed."""
    trade = require(txn, asked)
    if not trade.is_waiting:
        raise Refusal("ACQ.TRADE_STATUS_ERROR", f"The trade is {trade.state}.")
    return done(settlement.close(txn, channel, trade, now).numbers())


def cancel(txn: Transaction, channel: Channel, asked: Asked, now: int) -> Answer:
    """Undo a payment whose outcome is not known: close it, or give all back."""
    trade = find(txn, asked)
    if trade is None:
        numbers: View = {name: asked.biz[name] for name in ("out_trade_no",) if name in asked.biz}
        return done({**numbers, "retry_flag": "N"})
    action = trade.canceled or _cancel(txn, channel, trade, now)
    return done({**trade.numbers(), "retry_flag": "N", "action": action})


def find(txn: Transaction, asked: Asked) -> Trade | None:
    """The trade that a request names; the channel's number wins. Raises Refusal."""
    biz, app_id = asked.biz, asked.app.app_id
    if "trade_no" in biz:
        return rows.by_channel_number(txn, Trade, app_id, biz["trade_no"])
    if "out_trade_no" in biz:
        return rows.by_number(txn, Trade, app_id, biz["out_trade_no"])
    raise Refusal("ACQ.INVALID_PARAMETER", "out_trade_no or trade_no is required.")


def require(txn: Transaction, asked: Asked) -> Trade:
    """The same, where there must be one. Raises Refusal."""
    trade = find(txn, asked)
    if trade is None:
        raise Refusal("ACQ.TRADE_NOT_EXIST", "There is no trade with this number.")
    return trade


def _cancel(txn: Transaction, channel: Channel, trade: Trade, now: int) -> str:
    if now - trade.create_time > CANCEL_WINDOW_MS:
        raise Refusal("ACQ.TRADE_CANCEL_TIME_OUT", "The trade is older than a day.")
    if trade.is_waiting:
        settlement.close(txn, channel, trade, now, "close")
        return "close"
    if trade.pay_time is None:
        return "close"  # it was closed otherwise, which is as good
    if any(refund.state != "FAILED" for refund in rows.refunds_of(txn, trade)):
        raise Refusal("ACQ.REASON_TRADE_REFUND_FEE_ERR", "The trade was refunded already.")
    if trade.state == "TRADE_FINISHED":
        raise Refusal("ACQ.TRADE_HAS_FINISHED", "The trade is finished.")
    settlement.undo(txn, channel, trade, now)
    return "refund"
