"""One line per call, at its end: what, for whom, how it went, how long it took.

Calls that were answered are told at the level `debug` only: metrics count them, the feed of events
tells what they did, and a line each would cost more than the payment. A line that nobody would see
costs nothing: the level is asked before anything is put together for it. Nothing that a caller sent
stands in a line but identifiers of a fixed form.
"""

import hashlib
import logging
import math
from typing import Any, Final

import grpc

from gateway.rpc.call import Call, Desk, Handler, Method
from gateway.rpc.status import ANSWERED, FAULT, Verdict, verdict_on

KEY_HASH_BYTES: Final = 6
"""Length of the digest that stands for an idempotency key in the log."""

_SUBJECTS: Final = ("merchant_id", "payment_id", "top_up_id", "withdrawal_id")
"""Fields of requests that stand in the log as they are; payers are named by their calls only."""

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
    is_enabled = desk.log.isEnabledFor

    async def handle(call: Call) -> bytes:
        verdict = ANSWERED
        try:
            return await inner(call)
        except BaseException as error:
            verdict = verdict_on(error)
            raise
        finally:
            if is_enabled(_level(verdict)):
                _write(call, method, desk, verdict)

    return handle


def _level(verdict: Verdict) -> int:
    if verdict is ANSWERED:
        return logging.DEBUG
    if verdict.code in _WARNINGS:
        return logging.WARNING
    return logging.ERROR if verdict == FAULT else logging.INFO


def _write(call: Call, method: Method, desk: Desk, verdict: Verdict) -> None:
    write = desk.log.info
    if verdict is ANSWERED:
        write = desk.log.debug
    elif verdict.code in _WARNINGS:
        write = desk.log.warning
    elif verdict == FAULT:
        write = desk.log.error
        call.fields["incident"] = call.incident
    about = {} if call.subject is None else _about(call.subject, keyed=method.money)
    write(
        "rpc",
        method=method.full_name,
        code=verdict.code.name,
        reason=verdict.reason,
        duration_ms=math.ceil((desk.clock.monotonic() - call.start) * 1_000),
        deadline_ms=call.deadline_ms,
        request_id=call.request_id,
        peer=call.context.peer(),
        **about | call.fields,
    )


def _about(subject: Any, *, keyed: bool) -> dict[str, str]:
    """Say what a checked request is about."""
    known = subject.DESCRIPTOR.fields_by_name
    found = {name: getattr(subject, name) for name in _SUBJECTS if name in known}
    if keyed and "idempotency_key" in known:
        found["key_hash"] = _key_hash(subject.idempotency_key)
    return {name: value for name, value in found.items() if value}


def _key_hash(idempotency_key: str) -> str:
    """Stand for a key in the log: keys are the caller's secret to use."""
    return hashlib.blake2b(idempotency_key.encode(), digest_size=KEY_HASH_BYTES).hexdigest()
