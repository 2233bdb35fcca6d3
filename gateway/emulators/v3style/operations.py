"""One authenticated request in one unit of the book: count it, let its fault hit, do it, answer.

The order is fixed: nonce, names of fields, counts, a fault that strikes before any effect, the
effect, a fault that strikes after it. Everything up to the answer is one commit, so a rule is used
up exactly when what it asked for has happened, and a request that comes back after kill -9 finds
both or neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gateway.emulators.core import rules, seen, visits
from gateway.emulators.core.book import Transaction
from gateway.emulators.v3style import billing, certificates, contracting, ordering, refunding
from gateway.emulators.v3style.answers import Answer, coded, failed, refused
from gateway.emulators.v3style.authorization import Caller
from gateway.emulators.v3style.commands import (
    AnnounceDeduction,
    AskBill,
    CloseOrder,
    Command,
    EndContract,
    FetchBill,
    ListCertificates,
    NewContract,
    NewOrder,
    NewRefund,
    QueryContract,
    QueryOrder,
    QueryRefund,
    RedirectRefund,
    ReverseOrder,
)
from gateway.emulators.v3style.errors import Refusal, Unauthenticated
from gateway.emulators.v3style.names import Channel
from gateway.emulators.v3style.play import BEFORE_EFFECT, FAULT, NO_FAULT, PLAY, Fault, Play

REQUESTS: Final = "requests"
UNSERVED: Final = "unserved"  # the operation of requests that no route took


@dataclass(frozen=True)
class Asked:
    """An authenticated request, read or refused unread."""

    caller: Caller
    operation: str
    command: Command | Refusal
    flat: Mapping[str, str] = field(default_factory=dict)  # values by path, for rules
    names: Mapping[seen.Place, frozenset[str]] = field(default_factory=dict)
    wanted: str | None = None  # the serial of the key that shall sign the answer


def perform(txn: Transaction, channel: Channel, asked: Asked, now: int) -> Answer:
    """The unit of one authenticated request. Raises Unauthenticated, OutboxFull."""
    _claim_nonce(txn, asked.caller)
    for place, names in asked.names.items():
        seen.record(txn, asked.operation, place, names)
    visits.count(txn, REQUESTS, asked.operation)
    content = rules.take(txn, FAULT, asked.operation, asked.flat)
    fault = NO_FAULT if content is None else Fault(**content)
    if content is not None:
        visits.record_hit(txn, asked.operation, _number(asked), fault.name, now)
    if fault.name in BEFORE_EFFECT:
        return replace(_struck_before(fault), fault=fault)
    return _strike_after(_act(txn, channel, asked, now), fault)


def _claim_nonce(txn: Transaction, caller: Caller) -> None:
    nonce = f"{caller.merchant.mchid} {caller.nonce}"
    if not visits.claim_nonce(txn, nonce, caller.nonce_expire_time_s):
        raise Unauthenticated("The nonce was used before.")


def _number(asked: Asked) -> str:
    """The number that a hit is filed under."""
    if isinstance(asked.command, Command) and asked.command.number:
        return asked.command.number
    return asked.operation


def _act(txn: Transaction, channel: Channel, asked: Asked, now: int) -> Answer:
    if isinstance(asked.command, Refusal):
        return refused(asked.command)
    try:
        if isinstance(asked.command, NewOrder | NewRefund):
            return _make(txn, channel, asked, asked.command, now)
        return _do(txn, channel, asked.command, now)
    except Refusal as refusal:  # raised by decisions only, before anything is written
        return refused(refusal)


def _make(
    txn: Transaction, channel: Channel, asked: Asked, command: NewOrder | NewRefund, now: int
) -> Answer:
    content: dict[str, Any] | None = rules.take(txn, PLAY, asked.operation, asked.flat)
    play = Play() if content is None else Play(**content)
    if isinstance(command, NewOrder):
        return ordering.make(txn, channel, command, play, now)
    return refunding.make(txn, channel, command, play, now)


def _do(  # noqa: C901, PLR0911 one line for each thing that can be asked
    txn: Transaction, channel: Channel, command: Command, now: int
) -> Answer:
    match command:
        case QueryOrder():
            return ordering.query(txn, command)
        case CloseOrder():
            return ordering.close(txn, command, now)
        case ReverseOrder():
            return ordering.reverse(txn, channel, command, now)
        case QueryRefund():
            return refunding.query(txn, command)
        case RedirectRefund():
            return refunding.redirect(txn, command, now)
        case NewContract():
            return contracting.make(txn, channel, command, now)
        case EndContract():
            return contracting.end(txn, channel, command, now)
        case QueryContract():
            return contracting.query(txn, channel, command)
        case AnnounceDeduction():
            return contracting.announce(txn, channel, command, now)
        case ListCertificates():
            return certificates.show(txn, channel, command)
        case AskBill():
            return billing.ask(txn, channel, command, now)
        case FetchBill():
            return billing.fetch(txn, command, now)
    raise AssertionError(f"nobody does {type(command).__name__}")


def _struck_before(fault: Fault) -> Answer:
    match fault.name:
        case "BUSY":
            return replace(refused(Refusal("RATELIMIT_EXCEEDED", "Too many.")), signed=False)
        case "SIGN_ERROR":
            return replace(refused(Refusal("SIGN_ERROR", "Not today.")), signed=False)
        case "REFUSE":
            return coded(fault.code, fault.status)
    return failed()


def _strike_after(answer: Answer, fault: Fault) -> Answer:
    match fault.name:
        case "ERROR_AFTER_EFFECT":
            answer = failed()
        case "NOT_FOUND":
            answer = refused(Refusal("ORDER_NOT_EXIST", "There is nothing with this number."))
        case "WRONG_AMOUNT":
            answer = _with_wrong_amount(answer)
        case "UNSIGNED":
            answer = replace(answer, signed=False)
    return replace(answer, fault=fault)


def _with_wrong_amount(answer: Answer) -> Answer:
    amount = None if answer.view is None else answer.view.get("amount")
    if answer.view is None or not isinstance(amount, dict):
        return answer
    name = "refund" if "refund" in amount else "total"
    return replace(answer, view={**answer.view, "amount": {**amount, name: amount[name] + 1}})
