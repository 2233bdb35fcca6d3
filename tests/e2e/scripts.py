"""Scripts that tell the sandbox how to behave, by the words of its protocol."""

from typing import Any

from paymentgateway.v1.payment_pb2 import (
    SandboxAction,
    SandboxFault,
    SandboxNotify,
    SandboxOutcome,
    SandboxScript,
)

NEVER_MS = 3_600_000
"""A settlement that no test waits for."""

_ENUMS = {
    "outcome": (SandboxOutcome, "SANDBOX_OUTCOME_"),
    "action": (SandboxAction, "SANDBOX_ACTION_"),
    "fault": (SandboxFault, "SANDBOX_FAULT_"),
    "notify": (SandboxNotify, "SANDBOX_NOTIFY_"),
}


def script(**fields: Any) -> SandboxScript:
    """Make a script; enums by name, such as `fault="DROP_REPLY"`."""
    values = {
        name: _ENUMS[name][0].Value(_ENUMS[name][1] + value) if name in _ENUMS else value
        for name, value in fields.items()
    }
    return SandboxScript(**values)


def later(delay_ms: int = 200, **fields: Any) -> SandboxScript:
    """Make a script of what is answered PROCESSING, and settled after a while."""
    return script(outcome="ANSWER_LATER", settle_delay_ms=delay_ms, **fields)
