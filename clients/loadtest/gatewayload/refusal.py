"""What an error says about a payment: nothing was kept, or nobody knows.

Only a reason that the gateway itself gave can say that nothing was kept; a bare status code may
come from a proxy, from a connection that broke, or from the library, when the payment has long been
made. The oracle believes the former and checks it; the latter it settles by the same key.
"""

from dataclasses import dataclass
from typing import Final

import grpc
from google.rpc import error_details_pb2, status_pb2

from paymentgateway.errors import ERROR_DOMAIN, from_rpc_error

UNKNOWN_REASONS: Final = frozenset({"", "COMMIT_UNKNOWN", "INTERNAL"})
"""Reasons after which a payment may exist. Every other reason means that nothing was kept."""

_NAMES: Final = {code.value[0]: code.name for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a call, or one item of a batch, ended without an answer: name of the code, and reason."""

    code: str
    reason: str = ""

    @property
    def nothing_kept(self) -> bool:
        """Whether the gateway said that nothing was kept."""
        return self.reason not in UNKNOWN_REASONS


def of_call(error: grpc.aio.AioRpcError) -> Refusal:
    """Read the error of a call."""
    return Refusal(error.code().name, from_rpc_error(error).reason)


def of_item(status: status_pb2.Status) -> Refusal:
    """Read the error of one item of a batch."""
    info = error_details_pb2.ErrorInfo()
    found = any(detail.Unpack(info) for detail in status.details)
    ours = found and info.domain == ERROR_DOMAIN
    return Refusal(_NAMES.get(status.code, "UNKNOWN"), info.reason if ours else "")
