"""One authenticated request in one unit of the book: count it, let its fault hit, do it, answer.

The order is fixed: names of fields, counts, a fault that strikes before any effect, the effect, a
fault that strikes after it. Everything up to the answer is one commit, so a rule is used up exactly
when what it asked for has happened, and a request that comes back after kill -9 finds both or
neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from gateway.emulators.core import rules, seen, visits
from gateway.emulators.core.book import Transaction
from gateway.emulators.unionpay import billing, codes, making, views
from gateway.emulators.unionpay.answers import Answer
from gateway.emulators.unionpay.channel import Channel
from gateway.emulators.unionpay.codes import Refusal
from gateway.emulators.unionpay.form import Fields
from gateway.emulators.unionpay.play import BEFORE_EFFECT, FAULT, LIES, NO_FAULT, PLAY, Fault, Play
from gateway.emulators.unionpay.requests import AskFile, Command, NewOrder, QueryOrder

REQUESTS: Final = "requests"
UNSERVED: Final = "unserved"  # the operation of requests that no route took


@dataclass(frozen=True)
class Asked:
    """An authenticated request, read or refused unread."""

    operation: str
    command: Command | Refusal
    fields: Fields
    headers: frozenset[str] = field(default_factory=frozenset)

    @property
    def number(self) -> str:
        """The number that a hit is filed under."""
        return self.fields.get("orderId", self.operation)


def perform(txn: Transaction, channel: Channel, asked: Asked, now: int) -> Answer:
    """The unit of one authenticated request. Raises OutboxFull."""
    seen.record(txn, asked.operation, "header", asked.headers)
    seen.record(txn, asked.operation, "body", asked.fields)
    visits.count(txn, REQUESTS, asked.operation)
    content = rules.take(txn, FAULT, asked.operation, asked.fields)
    fault = NO_FAULT if content is None else Fault(**content)
    if content is not None:
        visits.record_hit(txn, asked.operation, asked.number, fault.name, now)
    if fault.name in BEFORE_EFFECT:
        return replace(_struck_before(asked, fault), fault=fault)
    return _strike_after(_act(txn, channel, asked, now), asked, fault)


def refused(asked: Mapping[str, str], refusal: Refusal) -> Answer:
    """The answer to what is refused."""
    return Answer(fields=views.answer(asked, refusal.code, refusal.detail))


def _act(txn: Transaction, channel: Channel, asked: Asked, now: int) -> Answer:
    if isinstance(asked.command, Refusal):
        return refused(asked.fields, asked.command)
    try:
        return _do(txn, channel, asked, asked.command, now)
    except Refusal as refusal:  # raised by decisions only, before anything is written
        return refused(asked.fields, refusal)


def _do(txn: Transaction, channel: Channel, asked: Asked, command: Command, now: int) -> Answer:
    match command:
        case NewOrder():
            take_play = partial(_take_play, txn, asked)
            return making.make(txn, channel, command, take_play, now)
        case QueryOrder():
            return making.query(txn, command)
        case AskFile():
            return billing.ask(txn, command, now)
    raise AssertionError(f"nobody does {type(command).__name__}")


def _take_play(txn: Transaction, asked: Asked) -> Play:
    content: dict[str, Any] | None = rules.take(txn, PLAY, asked.operation, asked.fields)
    return Play() if content is None else Play(**content)


def _struck_before(asked: Asked, fault: Fault) -> Answer:
    match fault.name:
        case "REFUSE":
            return Answer(fields=views.answer(asked.fields, fault.code))
        case "SIGN_ERROR":
            return Answer(fields=views.answer(asked.fields, "11"))
    return Answer(fields=None)


def _strike_after(answer: Answer, asked: Asked, fault: Fault) -> Answer:
    fields = answer.fields
    if fault.name == "ERROR_AFTER_EFFECT":
        fields = None
    elif fault.name == "NOT_FOUND":
        fields = views.answer(asked.fields, codes.UNKNOWN_ORDER)
    elif fault.name in LIES and fields is not None:
        fields = views.lie(fields, fault.name)
    elif fault.name == "MALFORMED" and fields is not None:
        fields = {name: text for name, text in fields.items() if name != "respCode"}
    return replace(answer, fields=fields, fault=fault)
