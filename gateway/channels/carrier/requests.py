"""Which step a call takes, and what is sent for it.

The step follows from the call alone, so an answer is read for the very step that asked for it.

The channel finds a payment by its own number only. Once an answer that names our number told it,
it is used. If that reply was lost, there is the list: it has no filter for our numbers, but one for
the time of creation, so the list of that time is asked for, and searched for our number. Sending
the payment again would find it too, but would make it where it was never made; a question moves no
money.

No list shows more than its first LIST_LENGTH_MAX. So questions of even minutes of age look at all
of the time, which grows with the age, so that clocks may differ: enough for an account of few
payments. Those of odd minutes look through it WINDOW by WINDOW, from SPAN_MIN before the attempt
on and round again. That finds a payment of an account with up to LIST_LENGTH_MAX per WINDOW, which
is 25 payments per second, if clocks differ by less than SPAN_MIN; beyond, it is for a person.

A payment in one step has no close: its cancel and its fence are questions, and what became of it
decides. So are those of a prepared payment whose number at the channel is not known yet.
"""

import re
from datetime import datetime, timedelta
from enum import Enum
from urllib.parse import quote, urlencode

from gateway.channels.carrier.encoding import Value, decimal_amount
from gateway.channels.carrier.limits import DESCRIPTION_BYTES_MAX, LIST_LENGTH_MAX
from gateway.channels.carrier.settings import PAYMENTS, REFUNDS, Account, rfc3339
from gateway.channels.connector import Action, Call, HttpRequest
from gateway.channels.requests import bounded
from gateway.domain.channel import EPOCH, AttemptKind, ChannelRequest
from gateway.domain.payment import CaptureMode

Body = dict[str, Value]

SPAN_MIN = timedelta(seconds=5)
SPAN_MAX = timedelta(minutes=10)
"""How far before its attempt a payment is looked for at least and at most; between them it is a
quarter of the question's age."""

SENDING_MAX = timedelta(minutes=2)
"""How long after the beginning of its attempt a payment can have been sent."""

WINDOW = timedelta(seconds=2)
"""How much of the time is looked at by one question of an odd minute."""

TURN = timedelta(minutes=1)
"""How long questions look at the same; recovery asks about so often once a while has passed."""

PHONE = re.compile(r"\+[1-9][0-9]{4,14}")


class Step(Enum):
    """What is asked of the channel."""

    CREATE = "create"
    PREPARE = "prepare"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    QUERY = "query"
    LIST = "list"
    REFUND = "refund"
    REFUND_QUERY = "refund query"
    REFUND_LIST = "refund list"


QUESTIONS = frozenset({Step.QUERY, Step.LIST, Step.REFUND_QUERY, Step.REFUND_LIST})
"""Steps that only read."""


def step_of(call: Call) -> Step:
    """Say which step a call takes.

    Raises:
        ValueError: the channel has no such operation, or a capture or refund was to be fenced.
    """
    request, asks = call.request, call.action is Action.ASK
    question = Step.QUERY if payment_id(request) else Step.LIST
    match request.kind:
        case AttemptKind.CHARGE if call.action is Action.SEND:
            return Step.PREPARE if _manual(request) else Step.CREATE
        case AttemptKind.CHARGE | AttemptKind.CANCEL:
            closes = not asks and _manual(request) and question is Step.QUERY
            return Step.CANCEL if closes else question
        case AttemptKind.CAPTURE if call.action is not Action.FENCE:
            return question if asks else Step.CONFIRM
        case AttemptKind.REFUND if call.action is not Action.FENCE:
            known = Step.REFUND_QUERY if request.channel_number else Step.REFUND_LIST
            return known if asks else Step.REFUND
    raise ValueError(f"this channel has no {call.action} of a {request.kind}")


def payment_id(request: ChannelRequest) -> str:
    """Give the channel's own number of the charge; empty where it was not told."""
    own = request.channel_number if request.kind is AttemptKind.CHARGE else ""
    return own or request.charge_channel_number


def request_of(account: Account, call: Call) -> HttpRequest:
    """Build the request of a call.

    Raises:
        ValueError: the channel has no such operation, or something that it needs is missing.
        TokenRefused: no token was fetched before.
    """
    step = step_of(call)
    if step in QUESTIONS:
        return account.get(_question(step, call), call.moment, call.nonce)
    path, fields = _order(account, step, call.request)
    return account.post(path, fields, call.moment, call.nonce)


def payments_between(start: datetime, end: datetime, **filters: str) -> str:
    """Write the query for the payments created from start to end, both included, oldest first."""
    return urlencode(
        {
            "perPage": LIST_LENGTH_MAX,
            "order": "asc",
            "paymentCreationDate.gte": rfc3339(start),
            "paymentCreationDate.lte": rfc3339(end),
            **filters,
        }
    )


def _question(step: Step, call: Call) -> str:
    request = call.request
    match step:
        case Step.QUERY:
            return _payment(request)
        case Step.LIST:
            return f"{PAYMENTS}?{_around(call)}"
        case Step.REFUND_QUERY:
            return f"{_refunds(request)}/{quote(request.channel_number, safe='')}"
        case _:
            return f"{_refunds(request)}?perPage={LIST_LENGTH_MAX}&order=asc"


def _order(account: Account, step: Step, request: ChannelRequest) -> tuple[str, Body]:
    match step:
        case Step.CREATE:
            return PAYMENTS, _charge(account, request)
        case Step.PREPARE:
            return f"{PAYMENTS}/prepare", _charge(account, request)
        case Step.CONFIRM:
            _whole(request)
            return f"{_payment(request)}/confirm", _phone(request)
        case Step.CANCEL:
            return f"{_payment(request)}/cancel", _phone(request)
        case _:
            return _refunds(request), _refund(account, request)


def _around(call: Call) -> str:
    """Write the query for the payments created when the charge was sent, or in a part of it."""
    request = call.request
    own = request.create_time if request.kind is AttemptKind.CHARGE else EPOCH
    made = max(own, request.charge_create_time)
    if made == EPOCH:
        raise ValueError("a payment without the channel's number is found by its time only")
    age = max(call.moment - made, timedelta(0))
    turn, narrow = divmod(age // TURN, 2)
    if narrow:
        start = made - SPAN_MIN + turn * WINDOW % (SPAN_MIN + SENDING_MAX + SPAN_MIN)
        return payments_between(start, start + WINDOW)
    span = min(max(age / 4, SPAN_MIN), SPAN_MAX)
    return payments_between(made - span, made + SENDING_MAX + span)


def _manual(request: ChannelRequest) -> bool:
    return request.capture_mode is CaptureMode.MANUAL


def _payment(request: ChannelRequest) -> str:
    return f"{PAYMENTS}/{_named(request)}"


def _refunds(request: ChannelRequest) -> str:
    return f"{REFUNDS}/{_named(request)}/refunds"


def _named(request: ChannelRequest) -> str:
    if not payment_id(request):
        raise ValueError("this channel knows its payments by its own number only")
    return quote(payment_id(request), safe="")


def _whole(request: ChannelRequest) -> None:
    """Refuse a capture that the channel cannot do: it confirms all of a payment."""
    if not _manual(request) or request.charge_money not in (None, request.money):
        raise ValueError("this channel confirms the whole of a prepared payment, never a part")


def _phone(request: ChannelRequest) -> Body:
    """Name the line: with a token of ours alone it is needed at each step."""
    phone = request.details.get("phone_number")
    if not isinstance(phone, str) or not PHONE.fullmatch(phone):
        raise ValueError("carrier billing needs a phone number of E.164")
    return {"phoneNumber": phone}


def _charge(account: Account, request: ChannelRequest) -> Body:
    transaction = _phone(request) | _numbered(request)
    transaction["paymentAmount"] = {"chargingInformation": _charging(request)}
    return {"amountTransaction": transaction} | account.sink(request)


def _refund(account: Account, request: ChannelRequest) -> Body:
    """Always name the amount: `total` names none, so nobody could see what it gave back."""
    transaction = _numbered(request)
    transaction["refundAmount"] = {"chargingInformation": _charging(request)}
    body: Body = {"type": "partial", "amountTransaction": transaction}
    reason = bounded(request.description, DESCRIPTION_BYTES_MAX)
    return body | ({"reason": reason} if reason else {}) | account.sink(request)


def _numbered(request: ChannelRequest) -> Body:
    return {"clientCorrelator": request.number, "referenceCode": request.number}


def _charging(request: ChannelRequest) -> Body:
    """Say how much. Taxes are in it: what the payer is asked for is all that is billed."""
    return {
        "amount": decimal_amount(request.money),
        "currency": request.money.currency,
        "description": bounded(request.description or request.number, DESCRIPTION_BYTES_MAX),
        "isTaxIncluded": True,
    }
