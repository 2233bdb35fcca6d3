"""What a change to an authorisation brings with it: money frozen and freed, and who hears of it.

Each function is one step inside a unit of the book. Paying out of an authorisation moves the money
of a trade; what it leaves over is freed with it where the payment says so.
"""

from gateway.emulators.alipay import rows
from gateway.emulators.alipay.authorizations import Authorization, Operation, OperationKind
from gateway.emulators.alipay.channel import Channel
from gateway.emulators.alipay.errors import Refusal
from gateway.emulators.alipay.records import new_number
from gateway.emulators.alipay.telling import EXPIRE, SETTLE, stop_waiting, tell, wait
from gateway.emulators.alipay.trades import Trade
from gateway.emulators.core.book import Transaction

FREEZE, UNFREEZE = "fund_auth_freeze", "fund_auth_unfreeze"


def keep(
    txn: Transaction, channel: Channel, authorization: Authorization, now: int
) -> Authorization:
    """Keep a new authorisation; unless its play makes it wait, the buyer confirms at once."""
    kept = rows.insert(txn, authorization)
    number = kept.asked["out_request_no"]
    title = kept.asked["order_title"]
    _record(txn, kept, "FREEZE", number, amount=kept.amount, remark=title, now=None)
    play = kept.played
    if play.answer == "SUCCESS":
        return decide(txn, channel, kept, now, frozen=True)
    wait(txn, kept, EXPIRE, kept.expire_time)
    wait(txn, kept, SETTLE, play.acts_after(now))
    return kept


def decide(
    txn: Transaction, channel: Channel, authorization: Authorization, now: int, *, frozen: bool
) -> Authorization:
    """The buyer has confirmed a freezing, or has not; the merchant is told when he has."""
    stop_waiting(txn, authorization)
    state = "AUTHORIZED" if frozen else "CLOSED"
    decided = rows.update(txn, authorization, authorization.move(now, state))
    rows.end_freezing(txn, decided.seq, "SUCCESS" if frozen else "CLOSED", now)
    if frozen:
        rows.insert_effect(txn, "freeze", decided, decided.number, decided.amount, now=now)
        operation = rows.operations_of(txn, decided)[0]
        tell(txn, channel, decided, FREEZE, _told(channel, operation, decided), now=now)
    return decided


def unfreeze(
    txn: Transaction,
    channel: Channel,
    authorization: Authorization,
    *,
    number: str,
    amount: int,
    remark: str,
    now: int,
) -> tuple[Authorization, Operation]:
    """Some of the money is the buyer's to spend again."""
    left = rows.update(txn, authorization, authorization.take(now, unfrozen=amount))
    operation = _record(txn, left, "UNFREEZE", number, amount=amount, remark=remark, now=now)
    rows.insert_effect(txn, "unfreeze", left, number, amount, now=now)
    tell(txn, channel, left, UNFREEZE, _told(channel, operation, left), now=now)
    return left, operation


def check(authorization: Authorization | None, amount: int) -> Authorization:
    """The authorisation, if so much may be paid out of it. Raises Refusal."""
    if authorization is None or authorization.state != "AUTHORIZED":
        raise Refusal("ACQ.AUTH_NO_ERROR", "There is no authorisation in force with this number.")
    if amount > authorization.rest:
        raise Refusal("ACQ.AUTH_AMOUNT_NOT_ENOUGH", "Less than that is frozen.")
    return authorization


def pay(txn: Transaction, channel: Channel, trade: Trade, now: int) -> str:
    """Pay a trade out of its authorisation; whose money it is. Raises Refusal."""
    assert trade.auth_no is not None
    found = rows.by_channel_number(txn, Authorization, trade.app_id, trade.auth_no)
    older = check(found, trade.total)
    left = rows.update(txn, older, older.take(now, paid=trade.total))
    subject = trade.asked["subject"]
    _record(txn, left, "PAY", trade.number, amount=trade.total, remark=subject, now=now)
    if trade.asked["auth_confirm_mode"] == "COMPLETE" and left.rest:
        remark = "the rest, after payment"
        unfreeze(txn, channel, left, number=trade.number, amount=left.rest, remark=remark, now=now)
    return left.buyer_id


def _record(
    txn: Transaction,
    authorization: Authorization,
    kind: OperationKind,
    number: str,
    *,
    amount: int,
    remark: str,
    now: int | None,
) -> Operation:
    """Write down what was done; None: it waits for the buyer."""
    begun = authorization.create_time if now is None else now
    operation = Operation(
        app_id=authorization.app_id,
        number=number,
        kind=kind,
        auth_seq=authorization.seq,
        operation_id=new_number(begun, 20),
        status="INIT" if now is None else "SUCCESS",
        amount=amount,
        remark=remark,
        create_time=begun,
        trans_time=now,
    )
    return rows.insert_operation(txn, operation)


def _told(channel: Channel, operation: Operation, authorization: Authorization) -> dict[str, str]:
    payee = channel.keys.apps[authorization.app_id].seller_id
    return {**operation.told(authorization), "payee_user_id": payee}
