"""What a change to a trade or a refund brings with it: money moved, timers, notifications.

Every way to an end (the first answer, a timer, the buyer, a close) comes through here, so what an
end means is written once. Each function is one step inside a unit of the book.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Final

from gateway.emulators.alipay import agreements, authorizing, funding, rows
from gateway.emulators.alipay.agreements import Agreement
from gateway.emulators.alipay.allowlists import end_of
from gateway.emulators.alipay.authorizations import Authorization
from gateway.emulators.alipay.channel import Channel
from gateway.emulators.alipay.codes import Code
from gateway.emulators.alipay.errors import Refusal
from gateway.emulators.alipay.records import new_buyer, new_number
from gateway.emulators.alipay.refunds import Refund
from gateway.emulators.alipay.telling import EXPIRE, FINISH, LATE, SETTLE, stop_waiting, tell, wait
from gateway.emulators.alipay.trades import LIFE_MS, Trade
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.timers import Timer

TRADE: Final = "trade_status_sync"


def keep_trade(txn: Transaction, trade: Trade, settle_time: int | None) -> Trade:
    """Keep a new trade that waits; `settle_time` is when somebody acts by himself, if he does."""
    kept = rows.insert(txn, trade)
    wait(txn, kept, EXPIRE, kept.expire_time)
    wait(txn, kept, SETTLE, settle_time)
    return kept


def keep_code(txn: Transaction, code: Code, now: int) -> Code:
    """Keep a new code; who scans it by himself does so when his play says."""
    kept = rows.insert(txn, code)
    wait(txn, kept, SETTLE, kept.played.acts_after(now))
    return kept


def scan(txn: Transaction, code: Code, now: int, buyer_id: str | None = None) -> Trade:
    """A buyer scans: now there is a trade."""
    stop_waiting(txn, code)
    rows.update(txn, code, code.move(now, "SCANNED"))
    trade = Trade(
        app_id=code.app_id,
        number=code.number,
        state="WAIT_BUYER_PAY",
        create_time=now,
        update_time=now,
        request=code.request,
        play=code.play,
        notify_url=code.notify_url,
        certified=code.certified,
        trade_no=new_number(now, 20),
        way="QR",
        total=code.total,
        expire_time=expiry(code.asked, now),
        buyer_id=buyer_id or code.played.buyer_id or new_buyer(),
    )
    return keep_trade(txn, trade, None)


def expiry(asked: dict[str, object], now: int) -> int:
    """When a trade that comes to be now closes unless it is paid."""
    ends = [now + LIFE_MS]
    if "timeout_express" in asked:
        ends.append(end_of(str(asked["timeout_express"]), now))
    if isinstance(asked.get("time_expire"), int):
        ends.append(int(str(asked["time_expire"])))
    return min(ends)


def pay(
    txn: Transaction,
    channel: Channel,
    trade: Trade,
    now: int,
    *,
    buyer_id: str | None = None,
    fund_channel: str | None = None,
) -> Trade:
    """The buyer's money is taken. Raises Refusal, when what it shall come from does not give it."""
    buyer = _draw(txn, channel, trade, now) or trade.buyer_id or buyer_id or trade.played.buyer_id
    fund = fund_channel or trade.played.fund_channel or funding.choose(trade.asked)
    paid = _change(txn, trade, trade.pay(now, buyer or new_buyer(), fund))
    rows.insert_effect(txn, "charge", paid, paid.number, paid.total, now=now)
    wait(txn, paid, FINISH, now + channel.refund_window_ms)
    tell(txn, channel, paid, TRADE, paid.told(), now=now)
    return paid


def close(
    txn: Transaction, channel: Channel, trade: Trade, now: int, canceled: str | None = None
) -> Trade:
    """Nobody can pay it any more, unless late money is played."""
    closed = _change(txn, trade, trade.close(now, canceled))
    if closed.played.late != "NO":
        wait(txn, closed, LATE, now + closed.played.settle_delay_ms)
    tell(txn, channel, closed, TRADE, closed.told(), now=now)
    return closed


def undo(txn: Transaction, channel: Channel, trade: Trade, now: int) -> Trade:
    """A cancel found the trade paid: all goes back at once."""
    undone = _change(txn, trade, replace(trade.give_back(now, trade.total), canceled="refund"))
    rows.insert_effect(txn, "return", undone, undone.number, undone.total, now=now)
    tell(txn, channel, undone, TRADE, undone.told(), now=now)
    return undone


def pay_late(
    txn: Transaction, channel: Channel, trade: Trade, now: int, *, returned: bool
) -> Trade:
    """Money comes for a closed trade: it stands, or the channel itself gives it back."""
    if not returned:
        return pay(txn, channel, trade, now)
    for kind in ("charge", "return"):
        rows.insert_effect(txn, kind, trade, trade.number, trade.total, now=now)
    return trade


def begin_refund(txn: Transaction, channel: Channel, refund: Refund, now: int) -> Refund:
    """See to the end of a refund that runs; usually it comes at once."""
    play = refund.played
    if play.answer == "SUCCESS":
        return settle_refund(txn, channel, refund, "SUCCESS", now)
    if play.settle != "NEVER":
        wait(txn, refund, SETTLE, now + play.settle_delay_ms)
    return refund


def settle_refund(
    txn: Transaction, channel: Channel, refund: Refund, state: str, now: int
) -> Refund:
    """The bank has decided about a refund."""
    stop_waiting(txn, refund)
    settled = rows.update(txn, refund, refund.settle(now, state))
    if state != "SUCCESS":
        return settled
    trade = rows.by_seq(txn, Trade, settled.trade_seq)
    changed = rows.update(txn, trade, trade.give_back(now, settled.amount))
    if changed.state == "TRADE_CLOSED":
        stop_waiting(txn, changed)
    rows.insert_effect(txn, "refund", changed, settled.number, settled.amount, now=now)
    tell(txn, channel, settled, TRADE, told_of_refund(settled, changed), now=now)
    return settled


def told_of_refund(refund: Refund, trade: Trade) -> dict[str, str]:
    """A refund as notifications tell it: the trade, and which of its refunds it is about."""
    return {**trade.told(), "out_biz_no": refund.number}


def fire(txn: Transaction, timer: Timer, now: int, channel: Channel) -> None:
    """A timer is due: whoever was waited for acts."""
    seq = int(timer.number)
    match timer.kind:
        case "refund":
            refund = rows.by_seq(txn, Refund, seq)
            state = "FAILED" if refund.played.settle == "FAIL" else "SUCCESS"
            settle_refund(txn, channel, refund, state, now)
        case "authorization":
            authorization = rows.by_seq(txn, Authorization, seq)
            frozen = timer.purpose == SETTLE and authorization.played.settle == "SUCCESS"
            authorizing.decide(txn, channel, authorization, now, frozen=frozen)
        case "code":
            _act(txn, channel, scan(txn, rows.by_seq(txn, Code, seq), now), now)
        case _:
            _fire_trade(txn, channel, rows.by_seq(txn, Trade, seq), timer.purpose, now)


def _fire_trade(txn: Transaction, channel: Channel, trade: Trade, purpose: str, now: int) -> None:
    if purpose == FINISH:
        rows.update(txn, trade, trade.finish(now))
    elif purpose == EXPIRE:
        close(txn, channel, trade, now)
    elif purpose == LATE:
        with suppress(Refusal):  # what it was to come from gives nothing any more
            pay_late(txn, channel, trade, now, returned=trade.played.late == "REFUNDED")
    else:
        _act(txn, channel, trade, now)


def _act(txn: Transaction, channel: Channel, trade: Trade, now: int) -> None:
    """Somebody acts by himself on a trade that waits."""
    if trade.played.settle == "FAIL":
        close(txn, channel, trade, now)
    elif trade.played.settle == "SUCCESS":
        try:
            pay(txn, channel, trade, now)
        except Refusal:  # what it was to come from gives nothing any more
            close(txn, channel, trade, now)


def _draw(txn: Transaction, channel: Channel, trade: Trade, now: int) -> str | None:
    """Take the money out of what it was promised from; whose it is. Raises Refusal."""
    if trade.auth_no is not None:
        return authorizing.pay(txn, channel, trade, now)
    if trade.agreement_no is None:
        return None
    found = rows.by_channel_number(txn, Agreement, trade.app_id, trade.agreement_no)
    agreement = agreements.check(found, trade.total)
    return rows.update(txn, agreement, agreement.deduct(now, trade.total)).buyer_id


def _change(txn: Transaction, older: Trade, newer: Trade) -> Trade:
    stop_waiting(txn, older)
    return rows.update(txn, older, newer)
