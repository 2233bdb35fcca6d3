"""What the answer to a step proves: the good ones, and the refusals.

A refusal ends an attempt only where it refuses exactly what was sent. That a question or a fence
was refused says nothing about the charge. A confirm or cancel that was accepted is not yet done.
"""

from dataclasses import replace

from gateway.channels.carrier.errors import Meaning, failure_of, meaning_of
from gateway.channels.carrier.fields import read_record, read_records
from gateway.channels.carrier.limits import LIST_LENGTH_MAX
from gateway.channels.carrier.outcomes import (
    FAILED,
    about,
    payment_outcome,
    refund_outcome,
    unknown,
)
from gateway.channels.carrier.requests import QUESTIONS, Step, step_of
from gateway.channels.carrier.resources import is_whole, listed, read_payment, read_refund
from gateway.channels.carrier.settings import answered
from gateway.channels.connector import Action, Call, HttpReply, evidence
from gateway.domain.channel import Outcome, OutcomeClass
from gateway.domain.payment import Failure

GOOD = {
    Step.CREATE: 201,
    Step.PREPARE: 201,
    Step.CONFIRM: 202,
    Step.CANCEL: 202,
    Step.QUERY: 200,
    Step.LIST: 200,
    Step.REFUND: 201,
    Step.REFUND_QUERY: 200,
    Step.REFUND_LIST: 200,
}
"""The one status by which each step is answered if it is not refused."""

MAKES = (Step.CREATE, Step.PREPARE, Step.REFUND)
"""Steps that make something new: there is nothing else that could be not found."""


def answer_outcome(call: Call, reply: HttpReply) -> Outcome:
    """Tell what an answer proves of the call's attempt.

    Raises:
        Malformed: it is no answer to what was asked.
    """
    answered(reply, call.nonce)
    step = step_of(call)
    if reply.status != GOOD[step]:
        return _refused(step, call, reply)
    match step:
        case Step.CONFIRM | Step.CANCEL:
            shown = evidence(f"{about(call)}: accepted")
            return Outcome(OutcomeClass.PENDING, evidence=shown)
        case Step.LIST | Step.REFUND_LIST:
            return _found(step, call, reply)
        case Step.REFUND | Step.REFUND_QUERY:
            return refund_outcome(call, read_refund(read_record(reply.body), call.request.number))
        case _:
            request = call.request
            fields = read_record(reply.body)
            payment = read_payment(fields, request.charge_number, request.expire_time)
            return payment_outcome(call, payment)


def _found(step: Step, call: Call, reply: HttpReply) -> Outcome:
    """Search a list. Only a payment's refunds are all of them, and only if the list is whole.

    Payments are those of some time by the channel's clock, so that ours is not seen proves nothing.
    """
    records = list(read_records(reply.body, LIST_LENGTH_MAX))
    request = call.request
    number = request.charge_number if step is Step.LIST else request.number
    found = listed(records, number)
    if found is None:
        whole = is_whole(reply, len(records))
        why = "not among" if whole else "not seen, and there are more than"
        shown = unknown(f"{about(call)}: {why} the {len(records)} that the channel lists")
        return replace(shown, not_found=whole and step is Step.REFUND_LIST)
    if step is Step.REFUND_LIST:
        return refund_outcome(call, read_refund(found, number))
    return payment_outcome(call, read_payment(found, number, request.expire_time))


def _refused(step: Step, call: Call, reply: HttpReply) -> Outcome:
    failure = failure_of(reply.status, read_record(reply.body))
    meaning = meaning_of(reply.status, failure.channel_code)
    shown = unknown(f"{about(call)}: {reply.status} {failure.channel_code}, {failure.message}")
    if step in QUESTIONS:
        return replace(shown, not_found=meaning is Meaning.NOT_FOUND and step is not Step.LIST)
    if call.action is Action.SEND and _is_final(step, call, meaning, failure):
        return replace(shown, outcome=FAILED, failure=failure)
    return shown


def _is_final(step: Step, call: Call, meaning: Meaning, failure: Failure) -> bool:
    """Whether exactly what was sent will never happen under its number.

    A charge that was sent once can only be told by the sentence that its correlator was known. One
    that was sent again, and a refund, which is sent again until it is decided, may be known: there
    a refusal that may mean that decides nothing.
    """
    match meaning:
        case Meaning.REFUSED:
            return True
        case Meaning.NOT_FOUND:
            return step in MAKES
        case Meaning.REFUSED_OR_KNOWN:
            known = step is Step.REFUND or (call.again and step in MAKES)
            return not known and "correlator" not in failure.message.lower()
        case Meaning.ASK:
            return False
