"""What verified messages prove, in the gateway's words.

A good answer to anything but a question says that it was accepted, and no more. A question has two
codes: its own, and that of the transaction asked about. While the payer may still act in the
channel's front end, a failed try is no end: another may follow, until the time sent with the order.
"""

import json
import re
from dataclasses import dataclass, replace

from gateway.channels.connector import Call, evidence
from gateway.channels.fields import Fields, Malformed
from gateway.channels.unionpay.account import NAME, Account
from gateway.channels.unionpay.codes import Meaning, failure_of, meaning_of
from gateway.channels.unionpay.limits import CURRENCY, CURRENCY_CODE, EXPIRY_MARGIN
from gateway.channels.unionpay.requests import Step, method_of, step_of
from gateway.channels.unionpay.transactions import Transaction, beijing_time
from gateway.domain.channel import AttemptKind, Outcome, OutcomeClass
from gateway.domain.money import Money
from gateway.domain.payment import ActionKind, Failure, FailureReason, NextAction

PAID = Failure(FailureReason.ALREADY_PAID, "The payer had paid before the payment was canceled.")

CHARGES = (Transaction.CONSUMPTION, Transaction.PREAUTHORISATION)

CODE = re.compile(r"[0-9A-Z]{2}")
NUMBER = re.compile(r"[0-9A-Za-z]{8,40}")
_CHANNEL_NUMBER = re.compile(r"[0-9A-Za-z]{1,32}")
_AMOUNT = re.compile(r"[1-9][0-9]{0,11}")
_TN = re.compile(r"[0-9A-Za-z]{1,64}")


@dataclass(frozen=True, slots=True)
class Told:
    """What a message says became of a transaction; `shown` is all of it that is no verdict."""

    code: str
    message: str
    shown: Outcome

    @property
    def meaning(self) -> Meaning:
        """What its code says."""
        return meaning_of(self.code)

    def unknown(self, *, not_found: bool = False) -> Outcome:
        """Prove nothing."""
        return replace(self.shown, outcome=OutcomeClass.UNKNOWN, not_found=not_found)

    def failed(self) -> Outcome:
        """Say that it will never succeed."""
        failure = failure_of(self.code, self.message)
        return replace(self.shown, outcome=OutcomeClass.FAILED, failure=failure)


def unknown(text: str) -> Outcome:
    """Nothing is proven; the text says why."""
    return Outcome(OutcomeClass.UNKNOWN, evidence=evidence(text))


def about(call: Call) -> str:
    """Name a call in evidence."""
    return f"{NAME} {call.action} {call.request.kind} {call.request.number}"


def answer_outcome(account: Account, call: Call, fields: Fields) -> Outcome:
    """Tell what a verified answer proves of the call's attempt.

    Raises:
        Malformed: it is no answer to what was asked.
    """
    step = step_of(account, call)
    _about_the_same(fields, step)
    own = read_told(fields, about(call))
    if not step.asks:
        return _sent(call, own, fields)
    if own.meaning is Meaning.NOT_FOUND:
        asked = own.unknown(not_found=True)
    elif own.meaning is Meaning.DONE:
        told = read_told(fields, about(call), "orig")
        asked = _so_far(call, step, transaction_outcome(told, step.transaction))
    else:
        return own.unknown()
    waits = step.number != call.request.number
    return _cancel_outcome(call, asked) if waits else asked


def transaction_outcome(told: Told, transaction: Transaction) -> Outcome:
    """Tell what the code of a transaction proves of it.

    Raises:
        Malformed: it was done, but not for which amount.
    """
    match told.meaning:
        case Meaning.DONE if told.shown.money is None:
            raise Malformed("txnAmt is missing")
        case Meaning.DONE:
            held = transaction is Transaction.PREAUTHORISATION
            return replace(told.shown, outcome=OutcomeClass.SUCCESS, authorized=held)
        case Meaning.UNDERWAY:
            return told.shown
        case Meaning.REFUSED:
            return told.failed()
        case _:
            return told.unknown()


def read_told(fields: Fields, subject: str, prefix: str = "") -> Told:
    """Read what is told of a transaction: the message's own, or the one that it asked about.

    Raises:
        Malformed: no code is told, or an amount is none.
    """
    name = f"{prefix}RespCode" if prefix else "respCode"
    code = fields.text(name, CODE)
    message = fields.message(name.replace("Code", "Msg"))
    money = _money(fields)
    number = fields.optional("queryId", _CHANNEL_NUMBER)
    text = f"{subject}: {name} {code} {message}, {number or 'no number'}, {money or 'no amount'}"
    shown = Outcome(
        OutcomeClass.PENDING, money=money, channel_number=number, evidence=evidence(text)
    )
    return Told(code, message, shown)


def _sent(call: Call, told: Told, fields: Fields) -> Outcome:
    """Tell what the answer to a send proves."""
    charge = call.request.kind is AttemptKind.CHARGE
    match told.meaning:
        case Meaning.DONE if charge and method_of(call.request).front:
            return replace(told.shown, next_action=_front_end(call, fields))
        case Meaning.DONE | Meaning.UNDERWAY:
            return told.shown
        case Meaning.REFUSED:
            return told.failed()
        case _:
            return told.unknown()


def _front_end(call: Call, fields: Fields) -> NextAction:
    """Give the number with which our app opens the channel's front end."""
    parameters = json.dumps({"tn": fields.text("tn", _TN)})
    return NextAction(ActionKind.CHALLENGE, parameters, call.request.expire_time)


def _so_far(call: Call, step: Step, outcome: Outcome) -> Outcome:
    """Keep a failure only where the payer cannot try again."""
    front = step.transaction in CHARGES and method_of(call.request).front
    if front and outcome.outcome is OutcomeClass.FAILED and not _is_over(call):
        return replace(outcome, outcome=OutcomeClass.PENDING, failure=None)
    return outcome


def _cancel_outcome(call: Call, charge: Outcome) -> Outcome:
    """Tell what a charge proves of the cancel that waits for its end.

    One that is found authorised is voided as soon as the channel's number of it is kept: the void
    is not there, and is sent again.
    """
    if charge.outcome is OutcomeClass.SUCCESS and charge.authorized:
        return replace(charge, outcome=OutcomeClass.UNKNOWN, authorized=False, not_found=True)
    if charge.outcome is OutcomeClass.SUCCESS:
        return replace(charge, outcome=OutcomeClass.FAILED, failure=PAID)
    unpaid = charge.not_found or charge.outcome is OutcomeClass.FAILED
    if unpaid and _is_over(call):
        return replace(charge, outcome=OutcomeClass.SUCCESS, not_found=False, failure=None)
    if charge.not_found:
        return replace(charge, outcome=OutcomeClass.PENDING, not_found=False)
    return charge


def _is_over(call: Call) -> bool:
    """Whether the time that was sent with the order is over for both sides."""
    return call.moment >= call.request.expire_time + EXPIRY_MARGIN


def _about_the_same(fields: Fields, step: Step) -> None:
    """Check that an answer is about the transaction that was sent or asked about."""
    if fields.text("orderId", NUMBER) != step.number:
        raise Malformed("orderId is not what was asked about")
    if fields.text("txnTime") != beijing_time(step.time):
        raise Malformed("txnTime is not what was asked about")
    kinds = (step.transaction.kind, Transaction.QUERY.kind)
    if fields.text("txnType") not in (kinds if step.asks else kinds[:1]):
        raise Malformed("txnType is not what was asked about")


def _money(fields: Fields) -> Money | None:
    if not fields.has("txnAmt"):
        return None
    amount = int(fields.text("txnAmt", _AMOUNT))
    if (fields.optional("currencyCode") or CURRENCY_CODE) != CURRENCY_CODE:
        raise Malformed("currencyCode is not the one that was asked for")
    return Money(CURRENCY, amount)
