"""One request in one unit of the book: who asks, what strikes it, what it does, what is answered.

The order is fixed: names of fields, counts, the token and its scope, a fault that strikes before
any effect, the effect, a fault that strikes after it. Everything up to the answer is one commit, so
a rule is used up exactly when what it asked for has happened, and a request that comes back after
kill -9 finds both or neither. Who is not known uses no rule up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gateway.emulators.carrier import (
    charging,
    house,
    listing,
    refunding,
    rows,
    tokens,
)
from gateway.emulators.carrier.amounts import UNIT, to_number, to_thousandths
from gateway.emulators.carrier.answers import Answer, coded, failed, refused
from gateway.emulators.carrier.commands import (
    AskToken,
    CancelPayment,
    Command,
    ConfirmPayment,
    ListPayments,
    ListRefunds,
    NewPayment,
    NewRefund,
    QueryPayment,
    QueryRefund,
    QueryRemaining,
    ValidatePayment,
)
from gateway.emulators.carrier.errors import OAuthRefusal, Refusal
from gateway.emulators.carrier.issuing import issue_token
from gateway.emulators.carrier.oauth import Client, prove
from gateway.emulators.carrier.play import BEFORE_EFFECT, FAULT, NO_FAULT, Fault
from gateway.emulators.carrier.records import new_id
from gateway.emulators.carrier.tokens import Caller
from gateway.emulators.carrier.turns import Turn
from gateway.emulators.core import rules, seen, visits
from gateway.emulators.core.book import Transaction

REQUESTS: Final = "requests"
UNSERVED: Final = "unserved"  # the operation of requests that no route took


@dataclass(frozen=True)
class Asked:
    """A request, read or refused unread."""

    operation: str
    scope: str | None
    command: Command | Refusal
    authorization: str | None = field(default=None, repr=False)
    flat: Mapping[str, str] = field(default_factory=dict)  # values by path, for rules
    names: Mapping[seen.Place, frozenset[str]] = field(default_factory=dict)


def perform(
    txn: Transaction, clients: Mapping[str, Client], asked: Asked, now: int, now_s: int
) -> Answer:
    """The unit of one request. Raises OutboxFull."""
    for place, names in asked.names.items():
        seen.record(txn, asked.operation, place, names)
    visits.count(txn, REQUESTS, asked.operation)
    try:
        caller = _identify(txn, clients, asked, now_s)
    except Refusal as refusal:
        return refused(refusal)
    content = rules.take(txn, FAULT, asked.operation, asked.flat)
    fault = NO_FAULT if content is None else Fault(**content)
    if content is not None:
        visits.record_hit(txn, asked.operation, _number(txn, asked), fault.name, now)
    if fault.name in BEFORE_EFFECT:
        return replace(_struck_before(fault), fault=fault)
    turn = Turn(txn, caller, house.rules_of(txn), asked.operation, asked.flat, now, now_s)
    return _strike_after(_act(turn, asked.command), fault)


def _identify(txn: Transaction, clients: Mapping[str, Client], asked: Asked, now_s: int) -> Caller:
    """Who asks, if that one may. Raises Refusal."""
    if isinstance(asked.command, AskToken):
        return Caller(prove(clients, asked.command).client_id, frozenset())
    if isinstance(asked.command, OAuthRefusal):
        raise asked.command
    caller = tokens.authenticate(txn, asked.authorization, now_s)
    if asked.scope is not None and asked.scope not in caller.scopes:
        message = "Client does not have sufficient permissions to perform this action."
        raise Refusal("PERMISSION_DENIED", message)
    return caller


def _number(txn: Transaction, asked: Asked) -> str:
    """What a hit is filed under: the client's own number if there is one."""
    flat = asked.flat
    if "amountTransaction.clientCorrelator" in flat:
        return flat["amountTransaction.clientCorrelator"]
    if "refundId" in flat:
        refund = rows.read_refund(txn, flat["refundId"])
        return flat["refundId"] if refund is None else refund.name
    if "paymentId" in flat:
        payment = rows.read_payment(txn, flat["paymentId"])
        return flat["paymentId"] if payment is None else payment.name
    return asked.operation


def _act(turn: Turn, command: Command | Refusal) -> Answer:
    if isinstance(command, Refusal):
        return refused(command)
    try:
        return _do(turn, command)
    except Refusal as refusal:
        return refused(refusal)


def _do(turn: Turn, command: Command) -> Answer:  # noqa: C901, PLR0911 one line for each
    match command:
        case AskToken():
            return issue_token(turn, command)
        case NewPayment():
            return charging.make(turn, command)
        case QueryPayment():
            return charging.query(turn, command)
        case ValidatePayment():
            return charging.validate(turn, command)
        case ConfirmPayment():
            return charging.confirm(turn, command)
        case CancelPayment():
            return charging.cancel(turn, command)
        case NewRefund():
            return refunding.make(turn, command)
        case QueryRefund():
            return refunding.query(turn, command)
        case QueryRemaining():
            return refunding.query_remaining(turn, command)
        case ListPayments():
            return listing.list_payments(turn, command)
        case ListRefunds():
            return listing.list_refunds(turn, command)
    raise AssertionError(f"nobody does {type(command).__name__}")


def _struck_before(fault: Fault) -> Answer:
    match fault.name:
        case "BUSY":
            return refused(Refusal("TOO_MANY_REQUESTS", "Rate limit reached."))
        case "UNAUTHENTICATED":
            return refused(Refusal("UNAUTHENTICATED", "A new authentication is required."))
        case "REFUSE":
            return coded(fault.code, fault.status)
    return failed()


def _strike_after(answer: Answer, fault: Fault) -> Answer:
    match fault.name:
        case "ERROR_AFTER_EFFECT":
            answer = replace(failed(), notify_first=answer.notify_first)
        case "NOT_FOUND":
            answer = refused(Refusal("NOT_FOUND", "The specified resource is not found."))
        case "WRONG_AMOUNT" | "WRONG_NUMBER" | "STALE":
            answer = replace(answer, view=_altered(answer.view, fault.name))
    return replace(answer, fault=fault)


def _altered(view: Any, name: str) -> Any:
    """A view that lies in one thing; of a list the first entry does."""
    if isinstance(view, list):
        return [_altered(entry, name) for entry in view[:1]] + view[1:]
    if not isinstance(view, dict):
        return view
    kind = "refund" if "refundId" in view else "payment"
    if name == "WRONG_NUMBER":
        return view | {f"{kind}Id": new_id("XX")} if f"{kind}Id" in view else view
    if name == "STALE":
        older = {key: value for key, value in view.items() if key != f"{kind}Date"}
        return older | {f"{kind}Status": "processing"} if f"{kind}Status" in view else view
    return _with_wrong_amount(view)


def _with_wrong_amount(view: dict[str, Any]) -> dict[str, Any]:
    """The same with a whole unit more, which every currency has, wherever the amount stands."""
    if "amount" in view:
        return view | {"amount": to_number(to_thousandths(view["amount"]) + UNIT)}
    for name in ("amountTransaction", "paymentAmount", "refundAmount", "chargingInformation"):
        if name in view:
            return view | {name: _with_wrong_amount(view[name])}
    return view
