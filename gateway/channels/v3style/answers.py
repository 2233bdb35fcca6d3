"""What the verified answer to a step proves: the good ones, and the refusals.

A refusal ends an attempt only where it refuses exactly what was sent. That a question or a fence
was refused says nothing about the charge.
"""

from dataclasses import replace

from gateway.channels.connector import Call, HttpReply
from gateway.channels.fields import Fields, read_object, same
from gateway.channels.outcomes import closed_outcome, unknown
from gateway.channels.v3style.account import Account, request_id
from gateway.channels.v3style.errors import Meaning, code_of, failure_of, meaning_of
from gateway.channels.v3style.methods import Method
from gateway.channels.v3style.outcomes import (
    about,
    cancel_outcome,
    refund_outcome,
    transaction_outcome,
)
from gateway.channels.v3style.requests import Step, age_of_charge, step_of
from gateway.channels.v3style.resources import read_refund, read_transaction
from gateway.domain.channel import AttemptKind, Outcome, OutcomeClass

HTTP_OK = 200
HTTP_NO_CONTENT = 204

FENCES = (Step.CLOSE, Step.REVERSE)

FINAL = frozenset(
    {
        (Step.CREATE, Meaning.REFUSED),
        (Step.CREATE, Meaning.NO_BALANCE),
        (Step.REFUND, Meaning.REFUSED),
        (Step.REFUND, Meaning.CLOSED),
    }
)
"""Refusals after which exactly what was sent will never happen under its number.

A refund for which the merchant has not enough money is none: it is sent again, under its number.
"""


def answer_outcome(account: Account, method: Method, call: Call, reply: HttpReply) -> Outcome:
    """Tell what a verified answer proves of the call's attempt.

    Raises:
        Malformed: it is no answer to what was asked.
    """
    step = step_of(method, call)
    if step is Step.CLOSE and reply.status in (HTTP_OK, HTTP_NO_CONTENT):
        return closed_outcome(call, f"{about(account, call)}: closed")
    if reply.status != HTTP_OK:
        return _refused(account, method, call, reply)
    fields = read_object(reply.body)
    match step:
        case Step.CREATE:
            return method.accepted(account, call, fields)
        case Step.QUERY:
            return charge_outcome(account, call, fields)
        case Step.REVERSE:
            account.ours(fields, "mchid")
            same(fields, "out_trade_no", call.request.charge_number)
            return closed_outcome(call, f"{about(account, call)}: reversed")
        case _:
            return _refund_outcome(account, call, fields)


def charge_outcome(account: Account, call: Call, fields: Fields) -> Outcome:
    """Tell what a transaction proves of the charge, or of its cancel, that was asked about.

    Raises:
        Malformed: it is not the one that was asked about.
    """
    same(fields, "out_trade_no", call.request.charge_number)
    transaction = read_transaction(account, fields)
    if call.request.kind is AttemptKind.CANCEL:
        return cancel_outcome(account, transaction)
    return transaction_outcome(account, transaction)


def _refund_outcome(account: Account, call: Call, fields: Fields) -> Outcome:
    same(fields, "out_refund_no", call.request.number)
    same(fields, "out_trade_no", call.request.charge_number)
    return refund_outcome(account, read_refund(account, fields))


def _refused(account: Account, method: Method, call: Call, reply: HttpReply) -> Outcome:
    error = read_object(reply.body)
    failure, meaning = failure_of(error), meaning_of(reply.status, code_of(error))
    text = f"{reply.status} {failure.channel_code}, {failure.message} {request_id(reply)}"
    shown = unknown(f"{about(account, call)}: {text}")
    failed = replace(shown, outcome=OutcomeClass.FAILED, failure=failure)
    step = step_of(method, call)
    if step in FENCES:
        return _not_closed(method, call, meaning, failed)
    if meaning is Meaning.NOT_FOUND:
        return replace(shown, not_found=True)
    if (step, meaning) == (Step.CREATE, Meaning.PAYING):
        return replace(shown, outcome=OutcomeClass.PENDING)
    if (step, meaning) == (Step.CREATE, Meaning.CLOSED):
        return replace(failed, closed=True)
    return failed if (step, meaning) in FINAL else shown


def _not_closed(method: Method, call: Call, meaning: Meaning, failed: Outcome) -> Outcome:
    """Judge the refusal of a close. One that finds the number closed already has its aim.

    So has one that does not know the number, once its order can never be made any more.
    """
    cancels = call.request.kind is AttemptKind.CANCEL
    shown = replace(failed, outcome=OutcomeClass.UNKNOWN, failure=None)
    never = meaning is Meaning.NOT_FOUND and age_of_charge(call) >= method.unknown_age_min
    if meaning is Meaning.CLOSED or never:
        return closed_outcome(call, failed.evidence)
    if meaning is Meaning.NOT_FOUND:
        return replace(shown, not_found=True)
    return failed if cancels and meaning is Meaning.REFUSED else shown
