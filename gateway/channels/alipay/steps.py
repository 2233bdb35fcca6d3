"""Which method a call takes, and what is sent for it.

The method follows from the call alone, so an answer is read for the very method that was called. A
number is closed by `close`, never by Alipay's `cancel`: that one gives a paid trade back, and the
news that it was paid may be committed at the same moment. Asking about a cancel is asking about its
charge, since closing leaves nothing else behind.
"""

from gateway.channels.alipay.account import Account
from gateway.channels.alipay.holds import buyer, split_number
from gateway.channels.alipay.methods import Method
from gateway.channels.alipay.texts import (
    REASON_LENGTH_MAX,
    REMARK_LENGTH_MAX,
    bounded,
    java_length,
    letters,
    yuan,
)
from gateway.channels.alipay.ways import FUNDS_TOLD, HELD_PRODUCT, Body, order_body, way_of
from gateway.channels.connector import Action, Call, HttpRequest
from gateway.domain.channel import AttemptKind, ChannelRequest

TAKEN = {
    (AttemptKind.CHARGE, Action.ASK): Method.QUERY,
    (AttemptKind.CHARGE, Action.FENCE): Method.CLOSE,
    (AttemptKind.CANCEL, Action.SEND): Method.CLOSE,
    (AttemptKind.CANCEL, Action.ASK): Method.QUERY,
    (AttemptKind.REFUND, Action.SEND): Method.REFUND,
    (AttemptKind.REFUND, Action.ASK): Method.REFUND_QUERY,
}
"""Methods where the amount is taken at once; the way of paying says what begins it."""

HELD = TAKEN | {
    (AttemptKind.CHARGE, Action.ASK): Method.FREEZE_QUERY,
    (AttemptKind.CHARGE, Action.FENCE): Method.FREEZE_CANCEL,
    (AttemptKind.CAPTURE, Action.SEND): Method.PAY,
    (AttemptKind.CAPTURE, Action.ASK): Method.QUERY,
    (AttemptKind.CANCEL, Action.SEND): Method.UNFREEZE,
    (AttemptKind.CANCEL, Action.ASK): Method.FREEZE_QUERY,
}
"""Methods where it is held first. A hold that is not known to be there is canceled as a whole."""


def method_of(call: Call) -> Method:
    """Say which method a call takes.

    Raises:
        ValueError: Alipay has no such operation.
    """
    way, step = way_of(call.request), (call.request.kind, call.action)
    if step == (AttemptKind.CHARGE, Action.SEND):
        return way.method
    method = (HELD if way.holds else TAKEN).get(step)
    if method is None:
        raise ValueError(f"this channel has no {call.action} of a {call.request.kind}")
    if method is Method.UNFREEZE and not call.request.charge_channel_number:
        return Method.FREEZE_CANCEL
    return method


def request_of(account: Account, call: Call) -> HttpRequest:
    """Build and sign the request of a call. Only what begins a payment is notified of.

    Raises:
        ValueError: Alipay has no such operation, or something that it needs is missing.
    """
    method, request = method_of(call), call.request
    if (request.kind, call.action) == (AttemptKind.CHARGE, Action.SEND):
        body = way_of(request).body(account.settings, request)
        return account.request(method, body, call.moment, notify=True)
    return account.request(method, _BODIES[method](account, request), call.moment)


def queried_number(request: ChannelRequest) -> str:
    """Give the number under which a trade is asked about: a capture makes one of its own."""
    return request.number if request.kind is AttemptKind.CAPTURE else request.charge_number


def refunded_trade(request: ChannelRequest) -> tuple[str, str]:
    """Name the trade that a refund is about, and the field in which it is named.

    What was held is in the trade of its capture, of which only Alipay's own number is known.

    Raises:
        ValueError: nothing was captured of it.
    """
    if not way_of(request).holds:
        return "out_trade_no", request.charge_number
    if not request.capture_channel_number:
        raise ValueError("a refund of what was held needs the channel's number of its capture")
    return "trade_no", request.capture_channel_number


def _capture_body(account: Account, request: ChannelRequest) -> Body:
    """Say what is captured of which authorisation; a final capture releases the rest."""
    auth_no, payer = _held(request)
    return {
        **order_body(request),
        "product_code": HELD_PRODUCT,
        "auth_no": auth_no,
        "auth_confirm_mode": "COMPLETE" if request.final else "NOT_COMPLETE",
        "seller_id": account.settings.seller_id,
        **buyer(payer),
        **FUNDS_TOLD,
    }


def _query_body(_: Account, request: ChannelRequest) -> Body:
    return {"out_trade_no": queried_number(request)} | FUNDS_TOLD


def _close_body(_: Account, request: ChannelRequest) -> Body:
    return {"out_trade_no": request.charge_number}


def _freeze_query_body(_: Account, request: ChannelRequest) -> Body:
    return _frozen(request) | {"operation_type": "FREEZE"}


def _freeze_cancel_body(_: Account, request: ChannelRequest) -> Body:
    return _frozen(request) | {"remark": _remark(request)}


def _unfreeze_body(_: Account, request: ChannelRequest) -> Body:
    return {
        "auth_no": _held(request)[0],
        "out_request_no": request.number,
        "amount": yuan(request.money),
        "remark": _remark(request),
    }


def _refund_body(account: Account, request: ChannelRequest) -> Body:
    body = _refund_query_body(account, request) | {"refund_amount": yuan(request.money)}
    reason = bounded(request.description, REASON_LENGTH_MAX, java_length)
    return body | ({"refund_reason": reason} if reason else {})


def _refund_query_body(_: Account, request: ChannelRequest) -> Body:
    name, number = refunded_trade(request)
    return {name: number, "out_request_no": request.number}


def _frozen(request: ChannelRequest) -> Body:
    """Name the operation that froze: an authorisation's number is that of its only one."""
    return {"out_order_no": request.charge_number, "out_request_no": request.charge_number}


def _held(request: ChannelRequest) -> tuple[str, str]:
    if not request.charge_channel_number:
        raise ValueError("a capture needs the channel's number of what was held")
    return split_number(request.charge_channel_number)


def _remark(request: ChannelRequest) -> str:
    return bounded(request.description or request.number, REMARK_LENGTH_MAX, letters)


_BODIES = {
    Method.PAY: _capture_body,
    Method.QUERY: _query_body,
    Method.CLOSE: _close_body,
    Method.FREEZE_QUERY: _freeze_query_body,
    Method.FREEZE_CANCEL: _freeze_cancel_body,
    Method.UNFREEZE: _unfreeze_body,
    Method.REFUND: _refund_body,
    Method.REFUND_QUERY: _refund_query_body,
}
"""What is sent for each method, but for what begins a payment."""
