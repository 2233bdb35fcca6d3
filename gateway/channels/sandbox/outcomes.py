"""What the sandbox's verified messages prove, in the gateway's words.

The meaning hangs on what was asked: a closed charge is the end of a CHARGE and the aim of a CANCEL.
Amount and currency are handed on as the sandbox names them; whoever keeps the intent compares.
"""

from dataclasses import replace

from gateway.channels.connector import Action, Call, evidence
from gateway.channels.fields import read_object
from gateway.channels.sandbox.requests import FENCEABLE, queries, subject
from gateway.channels.sandbox.resources import CODE, Resource, read_resource
from gateway.domain.channel import AttemptKind, ChannelRequest, Outcome, OutcomeClass
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, Failure, FailureReason

DECLINE_REASONS = {
    "AUTHORIZATION_EXPIRED": FailureReason.AUTHORIZATION_EXPIRED,
    "INSUFFICIENT_FUNDS": FailureReason.INSUFFICIENT_FUNDS,
    "PAYER_REFUSED": FailureReason.PAYER_REFUSED,
}
"""Codes that the contract has a reason for; all others are DECLINED."""

NOT_FOUND = (404, "NOT_FOUND")
NUMBER_CLOSED = (409, "NUMBER_CLOSED")
DEFINITE_REFUSALS = frozenset(
    {(400, "INVALID_REQUEST"), (409, "STATE_CONFLICT"), (409, "AMOUNT_EXCEEDED")}
)
"""Errors by which the sandbox refuses exactly this request and keeps nothing of it."""

CLOSED = Failure(FailureReason.NOT_ACCEPTED, "The channel closed the number before it was paid.")
PAID = Failure(FailureReason.ALREADY_PAID, "The payer had paid before the number was closed.")


def unknown(text: str) -> Outcome:
    """Nothing is proven; the text says why."""
    return Outcome(OutcomeClass.UNKNOWN, evidence=evidence(text))


def reply_outcome(call: Call, body: bytes) -> Outcome:
    """Tell what a verified 200 proves of the attempt.

    Raises:
        Malformed: it does not show what was asked for.
    """
    kind, number = subject(call.request)
    resource = read_resource(kind, body)
    cancels = call.request.kind is AttemptKind.CANCEL
    judged = _closed(resource) if cancels else resource_outcome(resource)
    return _if_ours(call.request, resource, number, judged)


def resource_outcome(resource: Resource) -> Outcome:
    """Tell what a charge, capture, refund or payout proves of the attempt that made it."""
    shown = _shown(resource)
    match resource.state:
        case "SUCCEEDED" | "AUTHORIZED":
            manual = resource.capture_mode is CaptureMode.MANUAL
            return replace(shown, outcome=OutcomeClass.SUCCESS, authorized=manual)
        case "DECLINED":
            return replace(shown, outcome=OutcomeClass.FAILED, failure=_declined(resource))
        case "CLOSED":
            return replace(shown, outcome=OutcomeClass.FAILED, closed=True, failure=CLOSED)
        case "ABNORMAL":
            return replace(shown, abnormal=True)
        case _:
            return shown


def error_outcome(call: Call, status: int, body: bytes) -> Outcome:
    """Tell what a verified error proves. Only the refusal of a send is a failure of its attempt.

    Raises:
        Malformed: it is no error of the protocol.
    """
    error = read_object(body).inner("error")
    code = error.text("code", CODE)
    request = call.request
    shown = unknown(f"sandbox {request.kind} {request.number}: {status} {body.decode()}")
    if (status, code) == NOT_FOUND and queries(call):
        return replace(shown, not_found=True)
    if queries(call) or call.action is Action.FENCE:
        return shown
    if (status, code) == NUMBER_CLOSED and request.kind in FENCEABLE:
        failure = replace(CLOSED, channel_code=code)
        return replace(shown, outcome=OutcomeClass.FAILED, closed=True, failure=failure)
    if (status, code) in DEFINITE_REFUSALS:
        text = error.message("message") or "The channel refused the request."
        failure = Failure(FailureReason.DECLINED, text, code)
        return replace(shown, outcome=OutcomeClass.FAILED, failure=failure)
    return shown


def _if_ours(request: ChannelRequest, resource: Resource, number: str, outcome: Outcome) -> Outcome:
    """Keep the outcome only if the message is about our number, charge and way of capture."""
    charge = resource.charge_number or request.charge_number
    way = resource.capture_mode or request.capture_mode
    named = (resource.number, charge, way)
    if named != (number, request.charge_number, request.capture_mode):
        return unknown(f"not what was asked about ({number}): {resource.evidence}")
    return outcome


def _closed(charge: Resource) -> Outcome:
    """Tell what a closed charge proves of the cancel that closed it.

    Its money is what was released, which is all of it unless a part was captured before.
    """
    shown = _shown(charge)
    match charge.state:
        case "CLOSED":
            return replace(shown, outcome=OutcomeClass.SUCCESS)
        case "SUCCEEDED" if rest := _released(charge):
            return replace(shown, outcome=OutcomeClass.SUCCESS, money=rest)
        case "SUCCEEDED":
            return replace(shown, outcome=OutcomeClass.FAILED, failure=PAID)
        case "DECLINED":
            failure = replace(_declined(charge), reason=FailureReason.DECLINED)
            return replace(shown, outcome=OutcomeClass.FAILED, failure=failure)
        case _:
            return unknown(f"not closed: {charge.evidence}")


def _released(charge: Resource) -> Money | None:
    """Give what was authorised and never captured; None where there is nothing of that kind."""
    if charge.money is None or charge.capture_mode is not CaptureMode.MANUAL:
        return None
    rest = charge.money.minor_units - charge.captured
    return Money(charge.money.currency, rest) if rest > 0 else None


def _shown(resource: Resource) -> Outcome:
    return Outcome(
        OutcomeClass.PENDING,
        money=resource.money,
        channel_number=resource.channel_number,
        next_action=resource.action,
        evidence=resource.evidence,
    )


def _declined(resource: Resource) -> Failure:
    reason = DECLINE_REASONS.get(resource.decline_code, FailureReason.DECLINED)
    text = resource.decline_message or "The channel declined."
    return Failure(reason, text, resource.decline_code)
