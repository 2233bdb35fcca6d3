"""One line per call, at its end: what, for whom, how it went, how long it took.

Nothing that a caller sent stands in it but identifiers of a fixed form. The caller's own request
id is taken only if it has such a form and cannot be a card number.
"""

import math
import re
import secrets
from collections.abc import Iterable
from typing import Final

import grpc

from gateway.rpc.call import Call, Desk, Handler, Method
from gateway.rpc.status import ANSWERED, FAULT, Verdict, verdict_on
from gateway.telemetry.redaction import redact_text

REQUEST_ID_HEADER: Final = "x-request-id"

_REQUEST_ID: Final = re.compile(r"[0-9A-Za-z._:-]{1,64}")
_HYPHENS: Final = str.maketrans("._:", "---")

_WARNINGS: Final = frozenset(
    {
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
    }
)
"""Codes that tell of the gateway's condition, not of the caller's request."""


def log_call(inner: Handler, method: Method, desk: Desk) -> Handler:
    """Write the line of a call."""

    async def handle(call: Call) -> bytes:
        call.request_id = request_id(call.context.invocation_metadata() or ())
        verdict = ANSWERED
        try:
            return await inner(call)
        except BaseException as error:
            verdict = verdict_on(error)
            raise
        finally:
            _write(call, method, desk, verdict)

    return handle


def request_id(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """Give the caller's request id if it may stand in a log; else make one."""
    for name, value in metadata:
        if name == REQUEST_ID_HEADER:
            return value if isinstance(value, str) and _may_be_logged(value) else _new_id()
    return _new_id()


def _new_id() -> str:
    return secrets.token_hex(8)


def _may_be_logged(text: str) -> bool:
    """Tell whether a text has the form of an identifier, and no card number in any grouping."""
    return bool(_REQUEST_ID.fullmatch(text)) and "*" not in redact_text(text.translate(_HYPHENS))


def _write(call: Call, method: Method, desk: Desk, verdict: Verdict) -> None:
    write = desk.log.info
    if verdict.code in _WARNINGS:
        write = desk.log.warning
    elif verdict == FAULT:
        write = desk.log.error
        call.fields["incident"] = call.incident
    write(
        "rpc",
        method=method.full_name,
        code=verdict.code.name,
        reason=verdict.reason,
        duration_ms=math.ceil((desk.clock.monotonic() - call.start) * 1_000),
        deadline_ms=call.deadline_ms,
        request_id=call.request_id,
        peer=call.context.peer(),
        **call.fields,
    )
