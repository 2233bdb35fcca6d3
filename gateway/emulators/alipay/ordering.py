"""New trades: a code for a buyer to scan, a buyer's own code, an agreement, frozen money.

Each function is one request in a unit; everything that can be refused is decided before anything is
written. A number stands for one trade: asking again with the same parameters tells how it stands,
other parameters are refused, whatever way they would have paid.
"""

from gateway.emulators.alipay import agreements, authorizing, funding, rows, settlement
from gateway.emulators.alipay.agreements import Agreement
from gateway.emulators.alipay.allowlists import end_of
from gateway.emulators.alipay.answers import Answer, done
from gateway.emulators.alipay.authorizations import Authorization
from gateway.emulators.alipay.channel import Asked, Channel
from gateway.emulators.alipay.codes import LIFE_MS, Code, new_qr_code
from gateway.emulators.alipay.errors import WAITING, Refusal
from gateway.emulators.alipay.records import View, new_buyer, new_number
from gateway.emulators.alipay.telling import first_notices
from gateway.emulators.alipay.trades import Trade, Way
from gateway.emulators.core.book import Transaction


def precreate(txn: Transaction, _channel: Channel, asked: Asked, now: int) -> Answer:
    """A code for a buyer to scan, or the same again. There is no trade yet."""
    number = asked.biz["out_trade_no"]
    kept = rows.by_number(txn, Code, asked.app.app_id, number)
    trade = rows.by_number(txn, Trade, asked.app.app_id, number)
    if trade is not None:
        _require_same(trade.request, asked)
        _require_open(trade)
    if kept is not None:
        _require_same(kept.request, asked)
        if trade is None:
            kept = _renew(txn, kept, asked, now)
        return _show(kept)
    _check(asked, now)
    total = asked.biz["total_amount"]
    code = Code.from_row(
        {
            **asked.making(number, "OPEN", now),
            "qr_code": new_qr_code(),
            "total": total,
            "expire_time": _code_expiry(asked, now),
        }
    )
    return _show(settlement.keep_code(txn, code, now))


def pay(txn: Transaction, channel: Channel, asked: Asked, now: int) -> Answer:
    """Take the money of a trade at once, or as soon as the buyer confirms."""
    number = asked.biz["out_trade_no"]
    if rows.by_number(txn, Code, asked.app.app_id, number) is not None:
        raise Refusal("ACQ.CONTEXT_INCONSISTENT", "The number was used for a code.")
    kept = rows.by_number(txn, Trade, asked.app.app_id, number)
    if kept is not None:
        _require_same(kept.request, asked)
        _require_open(kept)
        return done(kept.paid_view(), WAITING)
    _check(asked, now)
    source = _source(txn, asked)
    if asked.play.answer == "REFUSED":
        raise Refusal(asked.play.sub_code, "The buyer's bank refused.")
    trade = _new_trade(asked, source, now)
    if asked.play.answer == "WAITING":
        kept = settlement.keep_trade(txn, trade, asked.play.acts_after(now))
        return done(kept.paid_view(), WAITING)
    paid = settlement.pay(txn, channel, settlement.keep_trade(txn, trade, None), now)
    return done(paid.paid_view(), notify_first=first_notices(txn, paid))


def _check(asked: Asked, now: int) -> None:
    """What every new trade is checked for. Raises Refusal."""
    biz = asked.biz
    if biz.get("seller_id", asked.app.seller_id) != asked.app.seller_id:
        raise Refusal("ACQ.ACCESS_FORBIDDEN", "seller_id is not the seller of this app.")
    if biz.get("time_expire", now + 1) <= now:
        message = "time_expire lies in the past."
        raise Refusal("ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR", message)
    if "enable_pay_channels" in biz and "disable_pay_channels" in biz:
        raise Refusal("ACQ.INVALID_PARAMETER", "Pay channels are enabled or disabled, not both.")
    if "extend_params" in biz and funding.excludes(biz, "PCREDIT"):
        raise Refusal("ACQ.INVALID_PARAMETER", "The pay channels exclude these instalments.")


def _require_same(request: str, asked: Asked) -> None:
    if request != asked.text:
        message = "The number was used with other parameters."
        raise Refusal("ACQ.CONTEXT_INCONSISTENT", message)


def _require_open(trade: Trade) -> None:
    if trade.is_paid:
        raise Refusal("ACQ.TRADE_HAS_SUCCESS", "The trade is paid.")
    if not trade.is_waiting:
        raise Refusal("ACQ.TRADE_HAS_CLOSE", "The trade is closed.")


def _show(code: Code) -> Answer:
    return done({"out_trade_no": code.number, "qr_code": code.qr_code})


def _renew(txn: Transaction, code: Code, asked: Asked, now: int) -> Code:
    """The code itself while it works, else a new one."""
    if now < code.expire_time:
        return code
    _check(asked, now)
    return rows.update(txn, code, code.renew(now, _code_expiry(asked, now)))


def _code_expiry(asked: Asked, now: int) -> int:
    """How long a code can be scanned; for paying then there is time beside that."""
    ends = [now + LIFE_MS]
    if "qr_code_timeout_express" in asked.biz:
        ends.append(end_of(asked.biz["qr_code_timeout_express"], now))
    if "time_expire" in asked.biz:
        ends.append(asked.biz["time_expire"])
    return min(ends)


def _source(txn: Transaction, asked: Asked) -> View:
    """What the money shall come from, as members of a trade. Raises Refusal."""
    biz, app_id = asked.biz, asked.app.app_id
    way: Way = "CODE"
    if "agreement_params" in biz:
        way, number = "AGREEMENT", biz["agreement_params"]["agreement_no"]
        agreement = rows.by_channel_number(txn, Agreement, app_id, number)
        agreement = agreements.check(agreement, biz["total_amount"])
        return {"way": way, "agreement_no": number, "buyer_id": agreement.buyer_id}
    if "auth_no" in biz:
        way, number = "AUTH", biz["auth_no"]
        found = rows.by_channel_number(txn, Authorization, app_id, number)
        authorization = authorizing.check(found, biz["total_amount"])
        _match(authorization, asked)
        return {"way": way, "auth_no": number, "buyer_id": authorization.buyer_id}
    return {"way": way, "buyer_id": asked.play.buyer_id or new_buyer()}


def _match(authorization: Authorization, asked: Asked) -> None:
    """Refuse what does not go with the authorisation. Raises Refusal."""
    if asked.biz["product_code"] != authorization.product_code:
        raise Refusal("ACQ.AUTH_NO_ERROR", "product_code is not that of the authorisation.")
    if asked.biz.get("buyer_id", authorization.buyer_id) != authorization.buyer_id:
        raise Refusal("ACQ.TRADE_BUYER_NOT_MATCH", "buyer_id is not whose money is frozen.")
    open_id = authorization.payer_open_id
    if asked.biz.get("buyer_open_id", open_id) != open_id:
        raise Refusal("ACQ.TRADE_BUYER_NOT_MATCH", "buyer_open_id is not whose money is frozen.")


def _new_trade(asked: Asked, source: View, now: int) -> Trade:
    return Trade.from_row(
        {
            **asked.making(asked.biz["out_trade_no"], "WAIT_BUYER_PAY", now),
            **source,
            "trade_no": new_number(now, 20),
            "total": asked.biz["total_amount"],
            "expire_time": settlement.expiry(asked.biz, now),
        }
    )
