"""Which step a call takes, and what is sent for it.

The step follows from the call alone, so an answer is read for the very step that asked for it.
Asking about a cancel is asking about its charge: closing leaves nothing else behind.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum

from gateway.channels.connector import Action, Call, HttpRequest
from gateway.channels.requests import bounded
from gateway.channels.v3style.account import Account
from gateway.channels.v3style.methods import Body, Fence, Method
from gateway.domain.channel import EPOCH, AttemptKind, ChannelRequest

REASON_BYTES_MAX = 80
"""Bytes in UTF-8 of the reason of a refund."""


class Step(Enum):
    """What is asked of the channel."""

    CREATE = "create"
    QUERY = "query"
    CLOSE = "close"
    REVERSE = "reverse"
    REFUND = "refund"
    REFUND_QUERY = "refund query"


def method_of(methods: Mapping[str, Method], request: ChannelRequest) -> Method:
    """Choose the way of paying that the details name.

    Raises:
        ValueError: they name none of this channel, or several.
    """
    named = [name for name in methods if request.details.get(name) is not None]
    if len(named) != 1:
        raise ValueError(f"name one of {', '.join(methods)} for this channel")
    return methods[named[0]]


def step_of(method: Method, call: Call) -> Step:
    """Say which step a call takes.

    Raises:
        ValueError: the channel has no such operation, or a refund was to be fenced.
    """
    match call.request.kind, call.action:
        case AttemptKind.CHARGE, Action.SEND:
            return Step.CREATE
        case AttemptKind.CHARGE | AttemptKind.CANCEL, Action.ASK:
            return Step.QUERY
        case AttemptKind.CHARGE | AttemptKind.CANCEL, _:
            return _fence(method, call)
        case AttemptKind.REFUND, Action.SEND:
            return Step.REFUND
        case AttemptKind.REFUND, Action.ASK:
            return Step.REFUND_QUERY
    raise ValueError(f"this channel has no {call.action} of a {call.request.kind}")


def request_of(account: Account, method: Method, call: Call) -> HttpRequest:
    """Build and sign the request of a call.

    Raises:
        ValueError: the channel has no such operation, or something that it needs is missing.
    """
    match step_of(method, call):
        case Step.CREATE:
            return _post(account, call, method.path, method.body(account, call.request))
        case Step.QUERY:
            mchid = account.settings.mchid
            return account.get(f"{_order(account, call)}?mchid={mchid}", call.moment, call.nonce)
        case Step.CLOSE:
            body = {"mchid": account.settings.mchid}
            return _post(account, call, f"{_order(account, call)}/close", body)
        case Step.REVERSE:
            body = {"appid": account.settings.appid, "mchid": account.settings.mchid}
            return _post(account, call, f"{_order(account, call)}/reverse", body)
        case Step.REFUND:
            return _post(account, call, account.names.refunds, _refund_body(account, call.request))
        case Step.REFUND_QUERY:
            path = f"{account.names.refunds}/{call.request.number}"
            return account.get(path, call.moment, call.nonce)


def age_of_charge(call: Call) -> timedelta:
    """Tell how long ago the charge was made, by our clock; 0 where the request does not say."""
    request = call.request
    own = request.create_time if request.kind is AttemptKind.CHARGE else EPOCH
    made = max(own, request.charge_create_time)
    return call.moment - made if made > EPOCH else timedelta(0)


def _fence(method: Method, call: Call) -> Step:
    if age_of_charge(call) < method.fence_age_min:
        return Step.QUERY
    return Step.REVERSE if method.fence is Fence.REVERSE else Step.CLOSE


def _order(account: Account, call: Call) -> str:
    return f"{account.names.transactions}/out-trade-no/{call.request.charge_number}"


def _refund_body(account: Account, request: ChannelRequest) -> Body:
    """Say what is refunded of which total: the channel holds both against the order."""
    if request.charge_money is None:
        raise ValueError("a refund needs the amount of its charge")
    body: Body = {
        "out_trade_no": request.charge_number,
        "out_refund_no": request.number,
        "notify_url": account.notify_url,
        "amount": {
            "refund": request.money.minor_units,
            "total": request.charge_money.minor_units,
            "currency": request.money.currency,
        },
    }
    reason = bounded(request.description, REASON_BYTES_MAX)
    return body | ({"reason": reason} if reason else {})


def _post(account: Account, call: Call, path: str, body: Body) -> HttpRequest:
    return account.post(path, body, call.moment, call.nonce)
