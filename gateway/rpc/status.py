"""From an error to what is sent: one pure table, read by every interceptor.

    InvalidRequest   INVALID_ARGUMENT      with BadRequest
    NotFound         NOT_FOUND
    AlreadyExists    ALREADY_EXISTS
    Refused          FAILED_PRECONDITION   with key=bound|free
    Contended        ABORTED
    Overloaded       RESOURCE_EXHAUSTED
    Unavailable      UNAVAILABLE
    DeadlinePassed   DEADLINE_EXCEEDED
    anything else    INTERNAL              with an incident to look up, and no text of the fault

Every status carries ErrorInfo. A hint when to try again becomes RetryInfo, and for the codes that
gRPC's own retries know also the trailer that they obey. The details have a bound in bytes, because
they travel as metadata: what does not fit is left out, and its number is said.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

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

DOMAIN: Final = "paymentgateway.v1"
PUSHBACK_TRAILER: Final = "grpc-retry-pushback-ms"
NEVER: Final = "-1"
"""Pushback that tells a library not to send again by itself."""

DETAILS_BYTES_MAX: Final = 4 * 1024
"""Largest details of a status, all together."""

VIOLATIONS_BYTES_MAX: Final = 3 * 1024
MESSAGE_BYTES_MAX: Final = 512
FIELD_BYTES_MAX: Final = 256
DESCRIPTION_BYTES_MAX: Final = 400
"""Bounds of the parts, chosen so that all of them together stay below DETAILS_BYTES_MAX."""

CODES: Final[Mapping[type[GatewayError], grpc.StatusCode]] = {
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    Refused: grpc.StatusCode.FAILED_PRECONDITION,
    Contended: grpc.StatusCode.ABORTED,
    Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    DeadlinePassed: grpc.StatusCode.DEADLINE_EXCEEDED,
}

PUSHED_BACK: Final = frozenset(
    {
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
    }
)
"""Codes whose hint also goes into the trailer that gRPC's retries obey."""

Trailer: TypeAlias = tuple[str, str | bytes]
Detail: TypeAlias = error_details_pb2.BadRequest | error_details_pb2.RetryInfo


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a call ended: gRPC code and reason; the reason is empty where a caller gave up."""

    code: grpc.StatusCode
    reason: str


ANSWERED: Final = Verdict(grpc.StatusCode.OK, "")
CANCELLED: Final = Verdict(grpc.StatusCode.CANCELLED, "")
FAULT: Final = Verdict(grpc.StatusCode.INTERNAL, Reason.INTERNAL)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the transport sends instead of an answer."""

    code: grpc.StatusCode
    message: str
    trailers: tuple[Trailer, ...]


def verdict_on(error: BaseException) -> Verdict:
    """Say how a call ended that raised this."""
    if isinstance(error, asyncio.CancelledError):
        return CANCELLED
    code = CODES.get(type(error)) if isinstance(error, GatewayError) else None
    return Verdict(code, error.reason) if code and isinstance(error, GatewayError) else FAULT


def answer_for(error: Exception, incident: str, left_s: float | None = None) -> Answer:
    """Make the answer for an error; `incident` names it in the log where it is a fault of ours.

    `left_s` is what is left of the caller's deadline: a library that is told to wait beyond it
    would wait for nothing, and lose the reason, so it is told not to try again.
    """
    verdict, status = verdict_on(error), status_for(error, incident)
    sent = tuple(rpc_status.to_status(status).trailing_metadata)
    return Answer(verdict.code, status.message, (*sent, *_pushback(error, verdict, left_s)))


def status_for(error: Exception, incident: str) -> status_pb2.Status:
    """Make the status of an error with its details, for a call or for one item of a batch."""
    verdict = verdict_on(error)
    if verdict == FAULT or not isinstance(error, GatewayError):
        message = f"The gateway failed; send the same request again. The log has it as {incident}."
        return _status(FAULT, message, {"incident": incident}, [])
    metadata: dict[str, str] = {}
    details: list[Detail] = []
    if verdict.code is grpc.StatusCode.FAILED_PRECONDITION:
        metadata["key"] = "bound" if error.key_bound else "free"
    if error.violations:
        request, left_out = _bad_request(error.violations)
        details.append(request)
        if left_out:
            metadata["violations_left_out"] = str(left_out)
    if error.retry_after_s is not None:
        details.append(_retry_info(_milliseconds(error.retry_after_s)))
    return _status(verdict, error.message, metadata, details)


def _status(
    verdict: Verdict, message: str, metadata: Mapping[str, str], details: list[Detail]
) -> status_pb2.Status:
    number: int = verdict.code.value[0]
    status = status_pb2.Status(code=number, message=_cut(message, MESSAGE_BYTES_MAX))
    info = error_details_pb2.ErrorInfo(reason=verdict.reason, domain=DOMAIN, metadata=metadata)
    for detail in (info, *details):
        status.details.add().Pack(detail)
    return status


def _pushback(error: Exception, verdict: Verdict, left_s: float | None) -> tuple[Trailer, ...]:
    """Say to gRPC's own retries when to send again, where they know the code."""
    if verdict.code not in PUSHED_BACK or not isinstance(error, GatewayError):
        return ()
    if error.retry_after_s is None:
        return ()
    milliseconds = _milliseconds(error.retry_after_s)
    in_time = left_s is None or milliseconds < left_s * 1_000
    return ((PUSHBACK_TRAILER, str(milliseconds) if in_time else NEVER),)


def _milliseconds(retry_after_s: float) -> int:
    """Round up; gRPC loses a call that it is told to send again after 0 ms (grpc issue 41036)."""
    return max(1, math.ceil(retry_after_s * 1_000))


def _bad_request(violations: Mapping[str, str]) -> tuple[error_details_pb2.BadRequest, int]:
    """Name the violated fields as far as there is room, and say how many are left out."""
    request, room = error_details_pb2.BadRequest(), VIOLATIONS_BYTES_MAX
    for named, (field, description) in enumerate(violations.items()):
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=_cut(field, FIELD_BYTES_MAX),
            description=_cut(description, DESCRIPTION_BYTES_MAX),
        )
        room -= violation.ByteSize() + 3  # its tag and its length
        if room < 0:
            return request, len(violations) - named
        request.field_violations.append(violation)
    return request, 0


def _retry_info(milliseconds: int) -> error_details_pb2.RetryInfo:
    seconds, rest = divmod(milliseconds, 1_000)
    delay = Duration(seconds=seconds, nanos=rest * 1_000_000)
    return error_details_pb2.RetryInfo(retry_delay=delay)


def _cut(text: str, bytes_max: int) -> str:
    """Cut a text to a length in bytes, and show that it was cut."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= bytes_max:
        return encoded.decode()
    return encoded[: bytes_max - 3].decode(errors="ignore") + "..."
