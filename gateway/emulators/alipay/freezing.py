"""Authorisations: frozen, unfrozen, asked after, called off. One request, one unit."""

from gateway.emulators.alipay import authorizing, rows
from gateway.emulators.alipay.allowlists import end_of
from gateway.emulators.alipay.answers import Answer, done
from gateway.emulators.alipay.authorizations import LIFE_MS, Authorization, Operation
from gateway.emulators.alipay.channel import Asked, Channel
from gateway.emulators.alipay.errors import SUCCESS, WAITING, Refusal
from gateway.emulators.alipay.records import new_buyer, new_number
from gateway.emulators.alipay.telling import first_notices
from gateway.emulators.core.book import Transaction


def freeze(txn: Transaction, channel: Channel, asked: Asked, now: int) -> Answer:
    """Freeze a buyer's money at once, or as soon as he confirms; or the same again."""
    kept = rows.by_number(txn, Authorization, asked.app.app_id, asked.biz["out_order_no"])
    if kept is not None:
        if kept.request != asked.text:
            raise Refusal("ILLEGAL_ARGUMENT", "The number was used with other parameters.")
        return _answer(txn, kept)
    if rows.operation_by_number(txn, asked.app.app_id, asked.biz["out_request_no"]) is not None:
        raise Refusal("ILLEGAL_ARGUMENT", "out_request_no was used for something else.")
    if asked.biz.get("payee_user_id", asked.app.seller_id) != asked.app.seller_id:
        raise Refusal("ACCESS_FORBIDDEN", "payee_user_id is not the seller of this app.")
    if asked.play.answer == "REFUSED":
        raise Refusal(asked.play.sub_code, "The buyer's bank refused.")
    return _answer(txn, authorizing.keep(txn, channel, _new(asked, now), now))


def unfreeze(txn: Transaction, channel: Channel, asked: Asked, now: int) -> Answer:
    """Give some of the frozen money free, or the same again."""
    biz, app_id = asked.biz, asked.app.app_id
    authorization = rows.by_channel_number(txn, Authorization, app_id, biz["auth_no"])
    if authorization is None:
        raise Refusal("AUTH_ORDER_NOT_EXIST", "There is no authorisation with this number.")
    kept = rows.operation_by_number(txn, app_id, biz["out_request_no"])
    if kept is not None:
        same = (authorization.seq, "UNFREEZE", biz["amount"])
        if (kept.auth_seq, kept.kind, kept.amount) != same:
            raise Refusal("ILLEGAL_ARGUMENT", "The number was used with other parameters.")
        return done(kept.answered(authorization))
    if authorization.state != "AUTHORIZED":
        message = f"The authorisation is {authorization.state}."
        raise Refusal("ORDER_ALREADY_CLOSED", message)
    if biz["amount"] > authorization.rest:
        raise Refusal("REQUEST_AMOUNT_EXCEED", "Less than that is frozen.")
    if asked.play.answer == "REFUSED":
        raise Refusal(asked.play.sub_code, "The unfreezing is refused.")
    left, operation = authorizing.unfreeze(
        txn,
        channel,
        authorization,
        number=biz["out_request_no"],
        amount=biz["amount"],
        remark=biz["remark"],
        now=now,
    )
    return done(operation.answered(left), notify_first=first_notices(txn, left))


def query(txn: Transaction, _channel: Channel, asked: Asked, _now: int) -> Answer:
    """How an authorisation stands, and one operation on it."""
    authorization = _require(txn, asked)
    operation = _require_operation(txn, asked, authorization)
    return done(
        {
            **operation.told(authorization),
            "order_status": authorization.state,
            "order_title": authorization.asked["order_title"],
            "remark": operation.remark,
        }
    )


def cancel(txn: Transaction, channel: Channel, asked: Asked, now: int) -> Answer:
    """Call a whole authorisation off: close it, or give all of it free."""
    authorization = _require(txn, asked)
    operation = _require_operation(txn, asked, authorization)
    action = "close"
    if authorization.state == "INIT":
        authorizing.decide(txn, channel, authorization, now, frozen=False)
    elif authorization.state == "AUTHORIZED" and authorization.rest == authorization.amount:
        action = "unfreeze"
        authorizing.unfreeze(
            txn,
            channel,
            authorization,
            number=f"{operation.number}_cancel",
            amount=authorization.rest,
            remark=asked.biz["remark"],
            now=now,
        )
    elif authorization.state == "FINISH" and not authorization.paid:
        action = "unfreeze"
    elif authorization.state != "CLOSED":
        raise Refusal("ORDER_ALREADY_CLOSED", "Some of it was paid or unfrozen already.")
    told = operation.told(authorization)
    names = ("auth_no", "out_order_no", "operation_id", "out_request_no")
    return done({**{name: told[name] for name in names}, "action": action})


def _answer(txn: Transaction, authorization: Authorization) -> Answer:
    operation = rows.operations_of(txn, authorization)[0]
    code = WAITING if authorization.state == "INIT" else SUCCESS
    told = first_notices(txn, authorization)
    return done(operation.answered(authorization), code, notify_first=told)


def _require(txn: Transaction, asked: Asked) -> Authorization:
    """The authorisation that a request names; the channel's number wins. Raises Refusal."""
    biz, app_id = asked.biz, asked.app.app_id
    if "auth_no" in biz:
        found = rows.by_channel_number(txn, Authorization, app_id, biz["auth_no"])
    elif "out_order_no" in biz:
        found = rows.by_number(txn, Authorization, app_id, biz["out_order_no"])
    else:
        raise Refusal("ILLEGAL_ARGUMENT", "auth_no or out_order_no is required.")
    if found is None:
        raise Refusal("AUTH_ORDER_NOT_EXIST", "There is no authorisation with this number.")
    return found


def _require_operation(txn: Transaction, asked: Asked, authorization: Authorization) -> Operation:
    """The operation that a request names; the channel's number wins. Raises Refusal."""
    biz = asked.biz
    if "operation_id" not in biz and "out_request_no" not in biz:
        raise Refusal("ILLEGAL_ARGUMENT", "operation_id or out_request_no is required.")
    for operation in rows.operations_of(txn, authorization):
        named = biz.get("operation_id", operation.operation_id) == operation.operation_id
        numbered = biz.get("out_request_no", operation.number) == operation.number
        fits = biz.get("operation_type", operation.kind) == operation.kind
        if fits and named and ("operation_id" in biz or numbered):
            return operation
    raise Refusal("AUTH_OPERATION_NOT_EXIST", "There is no operation with this number.")


def _new(asked: Asked, now: int) -> Authorization:
    biz = asked.biz
    spans = [biz[name] for name in ("pay_timeout", "timeout_express") if name in biz]
    return Authorization.from_row(
        {
            **asked.making(biz["out_order_no"], "INIT", now),
            "auth_no": new_number(now, 20),
            "product_code": biz["product_code"],
            "amount": biz["amount"],
            "buyer_id": asked.play.buyer_id or new_buyer(),
            "expire_time": min([now + LIFE_MS, *(end_of(span, now) for span in spans)]),
        }
    )
