"""What a call can end in, as types that say whether the same key may be sent again.

A caller who got no answer must decide one thing: send the same key again, or not. Every error
carries that decision as `same_key`, read from the status code and from the error details that the
gateway sends, never from words.

    GatewayError
    ├── InvalidRequest    INVALID_ARGUMENT, OUT_OF_RANGE, UNIMPLEMENTED       FIX_FIRST
    ├── Unauthenticated   UNAUTHENTICATED                                     FIX_FIRST
    ├── Forbidden         PERMISSION_DENIED                                   FIX_FIRST
    ├── NotFound          NOT_FOUND                                           SAFE
    ├── AlreadyExists     ALREADY_EXISTS                                      SAME_ANSWER
    ├── Refused           FAILED_PRECONDITION that is bound to the key        SAME_ANSWER
    │   └── KeyMismatch   the key stands for another request                  SAME_ANSWER
    ├── NotYet            FAILED_PRECONDITION that leaves the key free        SAFE
    ├── Conflict          ABORTED                                             SAFE, or FIX_FIRST (1)
    ├── Overloaded        RESOURCE_EXHAUSTED                                  SAFE, or FIX_FIRST (2)
    ├── Unavailable       UNAVAILABLE                                         SAFE
    └── OutcomeUnknown    DEADLINE_EXCEEDED, CANCELLED, UNKNOWN, INTERNAL     SAFE

(1) a merchant's version was lost to another change; (2) a message is too large for the transport.
What no detail calls bound is treated as free, and a code that is not listed as an unknown outcome:
sending the same key again can never take money twice, a new key can.
"""

import enum
from collections.abc import Mapping
from typing import Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

ERROR_DOMAIN: Final = "paymentgateway.v1"
"""Domain of the gateway's own ErrorInfo. What another domain says about keys is not believed."""

DETAILS_TRAILER: Final = "grpc-status-details-bin"


class SameKey(enum.Enum):
    """Whether the same idempotency key may be sent again after an error."""

    SAFE = "safe"
    """Send the same key again: nothing was kept, or the outcome is not known.

    Never a new key for the same intent.
    """

    SAME_ANSWER = "same_answer"
    """The key is bound to this refusal and gives it for ever. A new intent needs a new key."""

    FIX_FIRST = "fix_first"
    """The request cannot be served as it is.

    Nothing was kept and the key is free for the corrected request.
    """


class GatewayError(Exception):
    """A call that ended without an answer.

    Attributes:
        code: gRPC status code.
        message: sentence for people, not to be parsed.
        reason: reason from ErrorInfo, such as "PAYMENT_NOT_FINAL"; empty where none was sent.
            Branch on the type first: the set grows.
        metadata: metadata from ErrorInfo, such as "incident"; empty where none was sent.
        violations: field -> what is wrong with it, for a request that breaks the contract; else
            empty.
        retry_after_s: seconds after which the server asks to be tried again; None where it gave no
            hint.
        same_key: whether the same key may be sent again.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
        same_key: SameKey = SameKey.SAFE,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.violations = dict(violations or {})
        self.retry_after_s = retry_after_s
        self.same_key = same_key

    @property
    def advice(self) -> str:
        """One sentence: what may be done with the same key now."""
        if self.same_key is SameKey.SAME_ANSWER:
            return "The same request is refused for ever; a new intent needs a new key."
        if self.same_key is SameKey.FIX_FIRST:
            return "Nothing was kept: correct the request; its key is free."
        after = "" if self.retry_after_s is None else f" after {self.retry_after_s:g} s"
        return f"Send the same request with the same key again{after}."

    @property
    def summary(self) -> str:
        """What happened, on one line: reason or code, message, violated fields."""
        fields = "".join(f"; {field}: {what}" for field, what in self.violations.items())
        message = " ".join(self.message.split()).rstrip(".") or "no message"
        return f"{self.reason or self.code.name}: {message}{fields}."

    def __str__(self) -> str:
        return f"{self.summary} {self.advice}"


class InvalidRequest(GatewayError):
    """The request breaks the contract; `violations` names every field. Nothing was kept."""


class Unauthenticated(GatewayError):
    """The credential is missing or wrong. Nothing was kept."""


class Forbidden(GatewayError):
    """The caller is not allowed to do this. Nothing was kept."""


class NotFound(GatewayError):
    """No such object of this merchant.

    Looked up by key it means "not yet": only sending the same key again settles it.
    """

    @property
    def advice(self) -> str:
        """One sentence: the key was not used."""
        return "Nothing was kept; the key is free."


class AlreadyExists(GatewayError):
    """The merchant id is taken by a merchant with other content."""

    @property
    def advice(self) -> str:
        """One sentence: an id is at stake here, not a key."""
        return "Read what is there, or choose another id."


class Refused(GatewayError):
    """Refused for good by the payment's state: the same key gives the same refusal for ever."""


class KeyMismatch(Refused):
    """The key was used for another request or method. Nothing was executed."""


class NotYet(GatewayError):
    """Not possible now, and nothing was kept.

    The same key may be sent again once it is possible; `retry_after_s` may say when.
    """


class Conflict(GatewayError):
    """Another change was in the way; nothing was kept.

    Reason VERSION_CONFLICT: read the merchant again, then change it.
    """


class Overloaded(GatewayError):
    """Too much at once; nothing was kept.

    Without reason and hint, the transport refused a message that is too large.
    """


class Unavailable(GatewayError):
    """The gateway or what it needs could not be reached.

    The same key is safe, whether or not the request arrived.
    """


class OutcomeUnknown(GatewayError):
    """No answer in time, or a fault: the request may have been executed.

    Send the same key again to learn what became of it.
    """

    @property
    def advice(self) -> str:
        """One sentence: only the same key tells the outcome."""
        return f"The outcome is not known. {super().advice}"


_TYPES: Final[Mapping[grpc.StatusCode, tuple[type[GatewayError], SameKey]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: (InvalidRequest, SameKey.FIX_FIRST),
    grpc.StatusCode.OUT_OF_RANGE: (InvalidRequest, SameKey.FIX_FIRST),
    grpc.StatusCode.UNIMPLEMENTED: (InvalidRequest, SameKey.FIX_FIRST),
    grpc.StatusCode.UNAUTHENTICATED: (Unauthenticated, SameKey.FIX_FIRST),
    grpc.StatusCode.PERMISSION_DENIED: (Forbidden, SameKey.FIX_FIRST),
    grpc.StatusCode.NOT_FOUND: (NotFound, SameKey.SAFE),
    grpc.StatusCode.ALREADY_EXISTS: (AlreadyExists, SameKey.SAME_ANSWER),
    grpc.StatusCode.FAILED_PRECONDITION: (NotYet, SameKey.SAFE),
    grpc.StatusCode.ABORTED: (Conflict, SameKey.SAFE),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (Overloaded, SameKey.SAFE),
    grpc.StatusCode.UNAVAILABLE: (Unavailable, SameKey.SAFE),
}


_CODES: Final[Mapping[int, grpc.StatusCode]] = {code.value[0]: code for code in grpc.StatusCode}


def from_rpc_error(error: grpc.aio.AioRpcError) -> GatewayError:
    """Make the typed error of a failed call from its status code and its details."""
    try:
        status = status_pb2.Status.FromString(_trailer(error))
    except DecodeError:
        status = status_pb2.Status()
    return _typed(error.code(), error.details() or "", status)


def from_status(status: status_pb2.Status) -> GatewayError:
    """Make the typed error of one item of a batch: the one that its call alone would have raised.

    A code that is not known, or OK, is an outcome that is not known.
    """
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    return _typed(code, status.message, status)


def _typed(code: grpc.StatusCode, message: str, status: status_pb2.Status) -> GatewayError:
    info, request, retry = _details(status)
    kind, same_key = _classify(code, info, hinted=retry is not None)
    return kind(
        code,
        message,
        reason=info.reason,
        metadata=info.metadata,
        violations=_violations(request),
        retry_after_s=None
        if retry is None
        else max(0.0, retry.retry_delay.ToTimedelta().total_seconds()),
        same_key=same_key,
    )


def _classify(
    code: grpc.StatusCode, info: error_details_pb2.ErrorInfo, *, hinted: bool
) -> tuple[type[GatewayError], SameKey]:
    """The rows of the table that the code alone does not decide, then the table."""
    if code is grpc.StatusCode.FAILED_PRECONDITION and info.metadata.get("key") == "bound":
        mismatch = info.reason == "IDEMPOTENCY_KEY_MISMATCH"
        return (KeyMismatch if mismatch else Refused), SameKey.SAME_ANSWER
    if code is grpc.StatusCode.ABORTED and info.reason == "VERSION_CONFLICT":
        return Conflict, SameKey.FIX_FIRST
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and not info.reason and not hinted:
        return Overloaded, SameKey.FIX_FIRST
    return _TYPES.get(code, (OutcomeUnknown, SameKey.SAFE))


def _details(
    status: status_pb2.Status,
) -> tuple[
    error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo | None
]:
    """The details of the status; what is missing, malformed or another domain's is empty."""
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    hinted = False
    try:
        for detail in status.details:
            if info.domain != ERROR_DOMAIN:
                detail.Unpack(info)
            detail.Unpack(request)
            hinted = detail.Unpack(retry) or hinted
    except DecodeError:
        return error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), None
    if info.domain != ERROR_DOMAIN:
        info = error_details_pb2.ErrorInfo()
    return info, request, retry if hinted else None


def _trailer(error: grpc.aio.AioRpcError) -> bytes:
    for name, value in error.trailing_metadata() or ():
        if name == DETAILS_TRAILER and isinstance(value, bytes):
            return value
    return b""


def _violations(request: error_details_pb2.BadRequest) -> dict[str, str]:
    violations: dict[str, str] = {}
    for violation in request.field_violations:
        earlier = violations.get(violation.field)
        violations[violation.field] = "; ".join(filter(None, (earlier, violation.description)))
    return violations
