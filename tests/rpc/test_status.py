"""From an error to a status: each row of the table, and what goes along with it."""

import asyncio
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2

from gateway.domain import errors
from gateway.domain.errors import (
    AlreadyExists,
    Contended,
    DeadlinePassed,
    GatewayError,
    InvalidRequest,
    NotFound,
    Overloaded,
    Reason,
    Refused,
    Unavailable,
)
from gateway.rpc.status import (
    CANCELLED,
    CODES,
    DETAILS_BYTES_MAX,
    DOMAIN,
    FAULT,
    answer_for,
    verdict_on,
)
from paymentgateway.v1.error_reason_pb2 import ErrorReason
from tests.rpc.fakes import Refusal

DETAILS = "grpc-status-details-bin"
ROWS = [
    (InvalidRequest, Reason.INVALID_REQUEST, grpc.StatusCode.INVALID_ARGUMENT, {}, False),
    (NotFound, Reason.PAYMENT_NOT_FOUND, grpc.StatusCode.NOT_FOUND, {}, False),
    (AlreadyExists, Reason.MERCHANT_EXISTS, grpc.StatusCode.ALREADY_EXISTS, {}, False),
    (
        Refused,
        Reason.OPERATION_IN_PROGRESS,
        grpc.StatusCode.FAILED_PRECONDITION,
        {"key": "free"},
        False,
    ),
    (Contended, Reason.CONTENTION, grpc.StatusCode.ABORTED, {}, True),
    (Overloaded, Reason.OVERLOADED, grpc.StatusCode.RESOURCE_EXHAUSTED, {}, True),
    (Unavailable, Reason.COMMIT_UNKNOWN, grpc.StatusCode.UNAVAILABLE, {}, True),
    (DeadlinePassed, Reason.DEADLINE_EXCEEDED, grpc.StatusCode.DEADLINE_EXCEEDED, {}, False),
]


def _refusal(error: Exception, incident: str = "i-1") -> Refusal:
    answer = answer_for(error, incident)
    trailers: dict[str, Any] = dict(answer.trailers)
    status = status_pb2.Status.FromString(trailers[DETAILS])
    assert status.message == answer.message
    assert status.code == answer.code.value[0]
    pushback = trailers.get("grpc-retry-pushback-ms")
    return Refusal.read(answer.code, answer.message, status, pushback)


@pytest.mark.parametrize(("kind", "reason", "code", "metadata", "pushed"), ROWS)
def test_each_kind_of_error_has_its_code(
    kind: type[GatewayError],
    reason: Reason,
    code: grpc.StatusCode,
    metadata: dict[str, str],
    pushed: bool,
) -> None:
    """Code, reason, hint and trailer are those of the table, with or without a hint."""
    wanted = Refusal(code, "Words.", reason, metadata, {}, None, None)
    assert _refusal(kind(reason, "Words.")) == wanted
    hinted = _refusal(kind(reason, "Words.", retry_after_s=1.2345))
    assert (hinted.code, hinted.reason, hinted.metadata) == (code, reason, metadata)
    assert (hinted.retry_ms, hinted.pushback_ms) == (1_235, "1235" if pushed else None)
    assert verdict_on(kind(reason, "Words.")) == verdict_on(kind(reason, "Other words."))


def test_each_class_of_error_has_a_row() -> None:
    """The table is complete, and the rows above are the table."""
    kinds = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, GatewayError) and kind is not GatewayError
    }
    assert kinds == CODES.keys()
    assert {row[0]: row[2] for row in ROWS} == CODES


def test_reasons_are_those_of_the_contract() -> None:
    """A caller can look up each reason that is sent."""
    names = {value.name for value in ErrorReason.DESCRIPTOR.values if value.number}
    offered = {name.removeprefix("ERROR_REASON_") for name in names}
    assert {reason.value for reason in Reason} == offered


@pytest.mark.parametrize(("key_bound", "word"), [(True, "bound"), (False, "free")])
def test_a_refusal_says_what_the_key_is_worth(key_bound: bool, word: str) -> None:
    """Every FAILED_PRECONDITION says whether the same key may be sent again."""
    error = Refused(Reason.ILLEGAL_TRANSITION, "No.", key_bound=key_bound)
    assert _refusal(error).metadata == {"key": word}


def test_violations_are_named() -> None:
    """Bad input names every violated field."""
    error = InvalidRequest(Reason.INVALID_REQUEST, "No.", violations={"a.b": "x", "c": "y"})
    assert _refusal(error).violations == {"a.b": "x", "c": "y"}


def test_details_stay_small() -> None:
    """However much is wrong, the details keep their bound and say how much they leave out."""
    violations = {f"{'é' * 500}[{n}]": "ü" * 1_000 for n in range(1_000)}
    error = InvalidRequest(
        Reason.INVALID_REQUEST, "日" * 2_000, violations=violations, retry_after_s=9e6
    )
    refusal = _refusal(error)
    sent = sum(len(value) for _, value in answer_for(error, "").trailers)
    assert sent <= DETAILS_BYTES_MAX
    assert refusal.violations
    assert all(name.endswith("...") for name in refusal.violations)
    named, left_out = len(refusal.violations), int(refusal.metadata["violations_left_out"])
    assert named < 1_000
    # All fields are cut to the same text here, so at least this many were sent.
    assert 0 < left_out < 1_000


def test_nothing_is_said_to_be_left_out_of_a_few() -> None:
    """Where all violations fit, no number of others is given."""
    violations = {f"field_{n}": "is wrong" for n in range(40)}
    refusal = _refusal(InvalidRequest(Reason.INVALID_REQUEST, "No.", violations=violations))
    assert len(refusal.violations) == 40
    assert refusal.metadata == {}


def test_left_out_and_named_add_up() -> None:
    """What is named and what is left out are all that is wrong."""
    violations = {f"field_{n}": "x" * 100 for n in range(500)}
    refusal = _refusal(InvalidRequest(Reason.INVALID_REQUEST, "No.", violations=violations))
    assert len(refusal.violations) + int(refusal.metadata["violations_left_out"]) == 500


@pytest.mark.parametrize(
    "error", [RuntimeError("secret 4111"), GatewayError(Reason.INTERNAL, "secret 4111")]
)
def test_a_fault_shows_nothing_but_its_incident(error: Exception) -> None:
    """What nobody expected is INTERNAL, with a name to look it up by and no word of its own."""
    refusal = _refusal(error, "i-77")
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert refusal.metadata == {"incident": "i-77"}
    assert "i-77" in refusal.message
    assert "secret" not in str(answer_for(error, "i-77"))
    assert verdict_on(error) == FAULT


def test_a_caller_that_gave_up_is_no_fault() -> None:
    """A cancelled call is counted as cancelled."""
    assert verdict_on(asyncio.CancelledError()) == CANCELLED


def test_every_status_names_its_domain() -> None:
    """Reasons are ours only together with our domain."""
    trailers: dict[str, Any] = dict(answer_for(RuntimeError(), "").trailers)
    assert DOMAIN.encode() in trailers[DETAILS]


@pytest.mark.parametrize(("left_s", "pushback"), [(None, "500"), (10.0, "500"), (0.2, "-1")])
def test_nobody_is_told_to_wait_beyond_his_deadline(left_s: float | None, pushback: str) -> None:
    """A hint that is longer than what is left stops the library's own retry, and stays readable."""
    error = Overloaded(Reason.OVERLOADED, "too much", retry_after_s=0.5)
    trailers = dict(answer_for(error, "incident", left_s).trailers)
    assert trailers["grpc-retry-pushback-ms"] == pushback
