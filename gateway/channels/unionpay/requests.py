"""Which step a call takes, and what is sent for it.

The step follows from the call alone, so an answer is read for the very step that asked for it. What
comes after a charge names it by the channel's number, and has a number and a time of its own. Where
nothing is held that could be voided, a cancel only asks about its charge: UnionPay closes no number
before its time, so the cancel waits for that.
"""

import re
from dataclasses import dataclass
from datetime import datetime, time

from gateway.channels.bill import CHINA
from gateway.channels.connector import Action, Call, HttpRequest
from gateway.channels.unionpay.account import Account
from gateway.channels.unionpay.limits import CURRENCY_CODE
from gateway.channels.unionpay.messages import Message
from gateway.channels.unionpay.transactions import (
    BACK_PATH,
    METHODS,
    QUERY_PATH,
    Method,
    Transaction,
    beijing_time,
)
from gateway.domain.channel import AttemptKind, ChannelRequest
from gateway.domain.payment import CaptureMode

_TOKEN = re.compile(r"[0-9A-Za-z]{6,40}")
_CHANNEL_NUMBER = re.compile(r"[0-9A-Za-z]{1,32}")
_NUMBER = re.compile(r"[0-9A-Za-z]{8,32}")


@dataclass(frozen=True, slots=True)
class Step:
    """What is sent, or asked about: a transaction under a number of ours and the time it had."""

    transaction: Transaction
    number: str
    time: datetime
    asks: bool


def method_of(request: ChannelRequest) -> Method:
    """Choose the way of paying that the details name.

    Raises:
        ValueError: they name none of this channel, or several.
    """
    named = [name for name in METHODS if request.details.get(name) is not None]
    if len(named) != 1:
        raise ValueError(f"name one of {', '.join(METHODS)} for this channel")
    return METHODS[named[0]]


def step_of(account: Account, call: Call) -> Step:
    """Say which step a call takes.

    Raises:
        ValueError: the channel has no such operation.
    """
    request, kind = call.request, call.request.kind
    if call.action is Action.FENCE or kind is AttemptKind.PAYOUT:
        raise ValueError(f"this channel has no {call.action} of a {kind}")
    if kind is AttemptKind.CANCEL and not holds(request):
        number, made = request.charge_number, request.charge_create_time
        return Step(_charge(request), number, made, asks=True)
    transaction = _transaction(account.settings.void_until, request)
    return Step(transaction, request.number, request.create_time, call.action is Action.ASK)


def request_of(account: Account, call: Call) -> HttpRequest:
    """Build and sign the request of a call.

    Raises:
        ValueError: the channel has no such operation, or something that it needs is missing.
    """
    step, method = step_of(account, call), method_of(call.request)
    order = {"orderId": _order_id(step.number), "txnTime": beijing_time(step.time)}
    if step.asks:
        asked = {**order, "bizType": "000000"}
        return account.post(QUERY_PATH, Transaction.QUERY, asked, call.moment)
    message = {
        **order,
        "bizType": method.business,
        "channelType": method.device,
        "txnAmt": str(call.request.money.minor_units),
        "currencyCode": CURRENCY_CODE,
        "backUrl": account.notify_url,
    }
    if call.request.kind is AttemptKind.CHARGE:
        message |= _order(account, method, call.request)
        return account.post(method.path, step.transaction, message, call.moment)
    message |= {"origQryId": _original(step.transaction, call.request)}
    return account.post(BACK_PATH, step.transaction, message, call.moment)


def holds(request: ChannelRequest) -> bool:
    """Whether money of the charge is known to be held, so that a void gives it free."""
    return request.capture_mode is CaptureMode.MANUAL and request.charge_channel_number != ""


def _charge(request: ChannelRequest) -> Transaction:
    manual = request.capture_mode is CaptureMode.MANUAL
    return Transaction.PREAUTHORISATION if manual else Transaction.CONSUMPTION


def _transaction(void_until: time | None, request: ChannelRequest) -> Transaction:
    match request.kind:
        case AttemptKind.CAPTURE:
            return Transaction.COMPLETION
        case AttemptKind.CANCEL:
            return Transaction.PREAUTHORISATION_VOID
        case AttemptKind.REFUND if not _same_day(void_until, request):
            return Transaction.REFUND
        case AttemptKind.REFUND:
            manual = request.capture_mode is CaptureMode.MANUAL
            return Transaction.COMPLETION_VOID if manual else Transaction.VOID
        case _:
            return _charge(request)


def _same_day(void_until: time | None, request: ChannelRequest) -> bool:
    """Whether all of a charge is given back on its day, which ends before the calendar's.

    Both times are those of our attempts, so every re-send decides the same.
    """
    if void_until is None or request.money != request.charge_money:
        return False
    given = request.create_time.astimezone(CHINA)
    made = request.charge_create_time.astimezone(CHINA)
    return made.date() == given.date() and given.time() < void_until


def _order(account: Account, method: Method, request: ChannelRequest) -> Message:
    """Say what only an order says. Of the payer nothing but a token, where one pays, is sent."""
    timeout = {"payTimeout": beijing_time(request.expire_time)}
    if method.front:
        return timeout
    requester = account.settings.token_requester_id
    if not requester:
        raise ValueError("a payment by token needs the token requester's number: configure it")
    token = request.details["back"].get("account_token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise ValueError("back needs account_token")
    return timeout | {"tokenPayData": f"{{token={token}&trId={requester}}}"}


def _original(transaction: Transaction, request: ChannelRequest) -> str:
    """Name what is completed, voided or refunded. Captured money was moved by the capture."""
    captured = transaction in (Transaction.REFUND, Transaction.COMPLETION_VOID)
    manual = request.capture_mode is CaptureMode.MANUAL
    number = request.charge_channel_number
    if captured and manual:
        number = request.capture_channel_number
    if not _CHANNEL_NUMBER.fullmatch(number):
        raise ValueError(f"a {request.kind} needs the channel's number of what it is about")
    return number


def _order_id(number: str) -> str:
    if not _NUMBER.fullmatch(number):
        raise ValueError("a number at this channel is 8 to 32 letters and digits")
    return number
