"""Orders: made, repeated, asked after, closed, reversed. Each function is one request in a unit.

Everything that can be refused is decided before anything is written.
"""

from gateway.emulators.core import outbox, visits
from gateway.emulators.core.book import Transaction
from gateway.emulators.v3style import contracts, rows, settlement
from gateway.emulators.v3style.answers import NO_CONTENT, Answer, refused
from gateway.emulators.v3style.commands import CloseOrder, NewOrder, QueryOrder, ReverseOrder
from gateway.emulators.v3style.contracts import Contract
from gateway.emulators.v3style.errors import KINDS, REVERSE_INSTEAD_OF_CLOSE, Refusal, error_view
from gateway.emulators.v3style.names import Channel, Credential
from gateway.emulators.v3style.orders import AUTO_CLOSE_MS, Order
from gateway.emulators.v3style.play import Play
from gateway.emulators.v3style.sealing import new_token

TOKEN_LENGTH = 32
REVERSE_AFTER_MS = 15_000  # advice only: an earlier one is done, and remarked
EARLY_REVERSE = "EARLY_REVERSE"


def make(txn: Transaction, channel: Channel, asked: NewOrder, play: Play, now: int) -> Answer:
    """A new order, or the same one again."""
    require_app(channel, asked.mchid, asked.appid)
    kept = rows.read_order(txn, asked.mchid, asked.number)
    if kept is not None:
        return _repeat(txn, channel, asked, kept, now)
    if asked.expire_time is not None and asked.expire_time <= now:
        raise Refusal("PARAM_ERROR", "time_expire must lie in the future.", field="time_expire")
    match asked.kind:
        case "PREPAY":
            return _make_prepay(txn, channel, asked, play, now)
        case "CODE":
            return _charge_code(txn, asked, play, now)
        case "DEDUCT":
            return _deduct(txn, channel, asked, play, now)


def query(txn: Transaction, asked: QueryOrder) -> Answer:
    """How an order stands."""
    if asked.transaction_id is None:
        order = rows.read_order(txn, asked.mchid, asked.number)
    else:
        order = rows.read_order_by_transaction(txn, asked.mchid, asked.transaction_id)
    return Answer(view=_found(order).view())


def close(txn: Transaction, asked: CloseOrder, now: int) -> Answer:
    """Nobody shall pay it any more."""
    order = _found(rows.read_order(txn, asked.mchid, asked.number))
    if order.kind == "CODE":
        message = "A payment by code is reversed, not closed."
        raise Refusal("INVALID_REQUEST", message, number=REVERSE_INSTEAD_OF_CLOSE)
    if order.is_paid:
        raise Refusal("ORDERPAID", "The order is paid.")
    if order.state == "CLOSED":
        raise Refusal("ORDER_CLOSED", "The order is closed already.")
    settlement.close(txn, order, now)
    return Answer(status=NO_CONTENT)


def reverse(txn: Transaction, channel: Channel, asked: ReverseOrder, now: int) -> Answer:
    """Undo a payment by code."""
    require_app(channel, asked.mchid, asked.appid)
    order = _found(rows.read_order(txn, asked.mchid, asked.number))
    if order.kind != "CODE":
        raise Refusal("INVALID_REQUEST", "Only a payment by code can be reversed.")
    if order.state == "REFUND":
        raise Refusal("INVALID_REQUEST", "The order is refunded, in part or in whole.")
    if order.state != "REVOKED":
        if now - order.create_time < REVERSE_AFTER_MS:
            visits.record_hit(txn, order.kind_name, order.number, EARLY_REVERSE, now)
        settlement.revoke(txn, order, now)
    view: dict[str, object] = {
        "appid": order.appid,
        "mchid": order.mchid,
        "out_trade_no": order.number,
    }
    return Answer(view=view)


def require_app(channel: Channel, mchid: str, appid: str) -> None:
    """Refuse an app that is not bound to the merchant. Raises Refusal."""
    if appid not in channel.keys.merchants[mchid].appids:
        message = "The app does not belong to the merchant."
        raise Refusal("APPID_MCHID_NOT_MATCH", message, field="appid")


def _found(order: Order | None) -> Order:
    if order is None:
        raise Refusal("ORDER_NOT_EXIST", "There is no order with this number.")
    return order


def _repeat(txn: Transaction, channel: Channel, asked: NewOrder, kept: Order, now: int) -> Answer:
    same = (kept.request, kept.kind, kept.trade_type)
    if same != (asked.text, asked.kind, asked.trade_type):
        raise Refusal("OUT_TRADE_NO_USED", "The number was used with other parameters.")
    if kept.is_paid:
        raise Refusal("ORDERPAID", "The order is paid.")
    if kept.state in ("CLOSED", "REVOKED"):
        raise Refusal("ORDER_CLOSED", "The order is closed.")
    if kept.state == "PAYERROR":
        raise Refusal("TRADE_ERROR", "The payment failed: use a new number.")
    if kept.kind == "DEDUCT":
        return Answer(view=channel.names.deducted_view(kept))
    if kept.kind == "CODE":
        raise Refusal("USERPAYING", "The buyer is asked for the password.")
    return _show_credential(channel, _renew(txn, channel, kept, now))


def _make_prepay(
    txn: Transaction, channel: Channel, asked: NewOrder, play: Play, now: int
) -> Answer:
    credential = channel.names.credentials[asked.trade_type]
    order = _new(asked, "NOTPAY", play, now, credential)
    acts = play.settle not in (None, "NEVER")
    kept = settlement.keep_order(txn, order, now + play.delay_ms if acts else None)
    return _show_credential(channel, kept)


def _charge_code(txn: Transaction, asked: NewOrder, play: Play, now: int) -> Answer:
    if play.answer == "USERPAYING":
        acts = play.settle not in (None, "NEVER")
        order = _new(asked, "USERPAYING", play, now)
        settlement.keep_order(txn, order, now + play.delay_ms if acts else None)
        return refused(Refusal("USERPAYING", "The buyer is asked for the password."))
    if play.answer == "REFUSED":
        settlement.keep_order(txn, _new(asked, "PAYERROR", play, now), None)
        status = KINDS[play.code].status if play.code in KINDS else KINDS["TRADE_ERROR"].status
        return Answer(status=status, view=error_view(play.code, "The bank refused."))
    paid = settlement.keep_order(txn, _new(asked, "NOTPAY", play, now).pay(now), None)
    return Answer(view=paid.view())


def _deduct(txn: Transaction, channel: Channel, asked: NewOrder, play: Play, now: int) -> Answer:
    assert asked.contract_id is not None
    contract = signed_contract(txn, asked.mchid, asked.contract_id)
    announced = rows.read_pre_notices(txn, contract.contract_id, now)
    deduct_time = contracts.deduction_time(contract, announced, now) + play.delay_ms
    if play.settle_delay_ms is not None:
        deduct_time = now + play.settle_delay_ms
    counted = contract.move(now, "SIGNED", deductions=contract.deductions + 1)
    rows.update(txn, contract, counted)
    order = _new(asked, "NOTPAY", play, now, channel.names.deduct_credential)
    kept = settlement.keep_order(txn, order, None if play.settle == "NEVER" else deduct_time)
    answer = Answer(view=channel.names.deducted_view(kept))
    if play.notify != "BEFORE_REPLY":
        return answer
    settlement.pay(txn, channel, kept, now, contract.openid)
    return Answer(view=answer.view, notify_first=outbox.untried(txn, "order", kept.number))


def signed_contract(txn: Transaction, mchid: str, contract_id: str) -> Contract:
    """The contract that is in force under an id. Raises Refusal."""
    contract = rows.read_contract_by_id(txn, mchid, contract_id)
    if contract is None or contract.state == "UNSIGNED":
        raise Refusal("RESOURCE_NOT_EXISTS", "There is no contract with this id.")
    if contract.state != "SIGNED":
        raise Refusal("INVALID_REQUEST", "The contract was terminated.")
    return contract


def _new(
    asked: NewOrder, state: str, play: Play, now: int, credential: Credential | None = None
) -> Order:
    auto_close = now + AUTO_CLOSE_MS
    return Order(
        mchid=asked.mchid,
        number=asked.number,
        kind=asked.kind,
        trade_type=asked.trade_type,
        state=state,
        total=asked.total,
        appid=asked.appid,
        openid=asked.openid,
        contract_id=asked.contract_id,
        notify_url=asked.notify_url,
        credential=_issue(credential),
        credential_expire_time=None if credential is None else now + credential.life_ms,
        expire_time=min(asked.expire_time or auto_close, auto_close),
        create_time=now,
        update_time=now,
        request=asked.text,
        play=play.to_text(),
    )


def _renew(txn: Transaction, channel: Channel, order: Order, now: int) -> Order:
    """The order with a credential that still works."""
    assert order.credential_expire_time is not None
    if now < order.credential_expire_time:
        return order
    credential = channel.names.credentials[order.trade_type]
    return rows.update(
        txn,
        order,
        order.renew(now, _issue(credential), now + credential.life_ms),
    )


def _issue(credential: Credential | None) -> str | None:
    return None if credential is None else credential.template.format(new_token(TOKEN_LENGTH))


def _show_credential(channel: Channel, order: Order) -> Answer:
    member = channel.names.credentials[order.trade_type].member
    return Answer(view={member: order.credential})
