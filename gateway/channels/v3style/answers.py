"""What the verified answer to a step proves: the good ones, and the refusals.

A refusal ends an attempt only where it refuses exactly what was sent. That a question or a fence
was refused says nothing about the charge.
"""

from dataclasses import replace

from gateway.channels.connector import Call, HttpReply
from gateway.channels.v3style.account import Account, request_id
from gateway.channels.v3style.errors import Meaning, code_of, failure_of, meaning_of
from gateway.channels.v3style.fields import Fields, Malformed, read_object
from gateway.channels.v3style.methods import Fence, Method
from gateway.channels.v3style.outcomes import (
    about,
    cancel_outcome,
    closed_outcome,
    pending,
    refund_outcome,
    transaction_outcome,
    unknown,
)
from gateway.channels.v3style.requests import Step, age_of_charge, step_of
from gateway.channels.v3style.resources import NUMBER, read_refund, read_transaction
from gateway.domain.channel import AttemptKind, Outcome, OutcomeClass

HTTP_OK = 200
HTTP_NO_CONTENT = 204


def answer_outcome(account: Account, method: Method, call: Call, reply: HttpReply) -> Outcome:
    """Tell what a verified answer proves of the call's attempt.

    Raises:
        Malformed: it is no answer to what was asked.
    """
    step = step_of(method, call)
    if step is Step.CLOSE and reply.status in (HTTP_OK, HTTP_NO_CONTENT):
        return closed_outcome(account, call, "closed")
    if reply.status != HTTP_OK:
        return _refused(account, method, call, reply)
    fields = read_object(reply.body)
    match step:
        case Step.CREATE:
            return method.accepted(account, call, fields)
        case Step.QUERY:
            return charge_outcome(account, method, call, fields)
        case Step.REVERSE:
            account.ours(fields, "mchid")
            same(fields, "out_trade_no", call.request.charge_number)
            return closed_outcome(account, call, "reversed")
        case _:
            return _refund_outcome(account, call, fields)


def charge_outcome(account: Account, method: Method, call: Call, fields: Fields) -> Outcome:
    """Tell what a transaction proves of the charge or cancel that was asked about.

    Raises:
        Malformed: it is not the one that was asked about.
    """
    same(fields, "out_trade_no", call.request.charge_number)
    transaction = read_transaction(account, fields)
    if call.request.kind is AttemptKind.CANCEL:
        reversible = method.fence is Fence.REVERSE
        return cancel_outcome(account, transaction, reversible=reversible)
    return transaction_outcome(account, transaction)


def same(fields: Fields, name: str, number: str) -> None:
    """Check that a message names the number that was asked about. Raises Malformed."""
    if fields.text(name, NUMBER) != number:
        raise Malformed(f"{name} is not what was asked about")


def _refund_outcome(account: Account, call: Call, fields: Fields) -> Outcome:
    same(fields, "out_refund_no", call.request.number)
    same(fields, "out_trade_no", call.request.charge_number)
    return refund_outcome(account, read_refund(account, fields))


def _refused(account: Account, method: Method, call: Call, reply: HttpReply) -> Outcome:
    error = read_object(reply.body)
    failure = failure_of(error)
    meaning = meaning_of(reply.status, code_of(error))
    text = f"{reply.status} {failure.channel_code}, {failure.message} {request_id(reply)}"
    shown = unknown(f"{about(account, call)}: {text}")
    refused = replace(shown, outcome=OutcomeClass.FAILED, failure=failure)
    match step_of(method, call), meaning:
        case (Step.CREATE, Meaning.PAYING):
            return pending(account, call, text)
        case (Step.CREATE | Step.CLOSE | Step.REVERSE, Meaning.CLOSED):
            return closed_outcome(account, call, text)
        case (Step.CREATE, Meaning.REFUSED | Meaning.NO_BALANCE):
            return refused
        case (Step.REFUND, Meaning.REFUSED | Meaning.CLOSED):
            return refused
        case (Step.CLOSE | Step.REVERSE, Meaning.REFUSED):
            return refused if call.request.kind is AttemptKind.CANCEL else shown
        case (Step.CLOSE | Step.REVERSE, Meaning.NOT_FOUND):
            never = age_of_charge(call) >= method.unknown_age_min
            return closed_outcome(account, call, text) if never else _not_found(shown)
        case (_, Meaning.NOT_FOUND):
            return _not_found(shown)
        case _:
            return shown


def _not_found(shown: Outcome) -> Outcome:
    return replace(shown, not_found=True)
