"""How the client reaches the gateway: TLS, keep-alive, and the retries that gRPC makes by itself.

UNAVAILABLE and ABORTED may be sent again as they are, so gRPC does it by the service config: the
very same bytes, hence the same key, after the backoff or after the pause that the server asks for
in the `grpc-retry-pushback-ms` trailer. RESOURCE_EXHAUSTED is not in that list, because gRPC uses
the same code for a message that is too large, which would be refused again; `calls` tells the two
apart.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import grpc

KEEPALIVE_MS: Final = 60_000
"""Pause between pings on a connection with calls in flight, in milliseconds.

Servers cut off a peer that pings much more often.
"""

KEEPALIVE_TIMEOUT_MS: Final = 20_000
"""Wait for the answer to a ping before the connection counts as dead, in milliseconds."""

RECONNECT_BACKOFF_MS_INITIAL: Final = 200
RECONNECT_BACKOFF_MS_MAX: Final = 5_000
"""Bounds of the pause between attempts to connect, in milliseconds."""

RECEIVE_BYTES_MAX: Final = 64 * 1024 * 1024
"""Largest answer that is taken, in bytes.

Trial balances and answers about batches are long; gRPC's own bound of 4 MiB would cut them off.
"""

RESEND_BYTES_MAX: Final = 8 * 1024 * 1024
"""Largest request that gRPC keeps so that it can send it again, in bytes.

Its own bound of 256 KiB would leave out larger batches; this one holds whatever the gateway takes.
"""

BACKOFF_S_MIN: Final = 0.01
BACKOFF_S_MAX: Final = 60.0
"""Bounds of what a caller may choose as backoff, in seconds.

gRPC forgets a call until its deadline when the pause before a retry comes out as 0 ms
(grpc/grpc#41036), so the lower bound keeps well away from that.
"""

GRPC_ATTEMPTS_MAX: Final = 5
"""gRPC lowers any higher number to this one."""


@dataclass(frozen=True)
class Retry:
    """Bounds of sending a call again. All of it happens within the deadline of the call.

    Attributes:
        attempts_max: sends of one call for UNAVAILABLE and ABORTED, and again for an overload with
            a hint; 1 to 5. 1 turns retries off.
        backoff_s_initial: pause before the second send where the server gives no hint, in seconds,
            0.01 to 60; doubles each time, with jitter.
        backoff_s_max: longest such pause, in seconds, up to 60.
    """

    attempts_max: int = GRPC_ATTEMPTS_MAX
    backoff_s_initial: float = 0.2
    backoff_s_max: float = 2.0

    def __post_init__(self) -> None:
        """Refuse bounds that make no sense."""
        if not 1 <= self.attempts_max <= GRPC_ATTEMPTS_MAX:
            raise ValueError(f"attempts_max must be 1 to {GRPC_ATTEMPTS_MAX}.")
        if not BACKOFF_S_MIN <= self.backoff_s_initial <= self.backoff_s_max <= BACKOFF_S_MAX:
            raise ValueError(f"backoffs must rise, within {BACKOFF_S_MIN} to {BACKOFF_S_MAX} s.")


DEFAULT_RETRY: Final = Retry()


@dataclass(frozen=True)
class Tls:
    """Certificates in PEM.

    Without `root_certificates` gRPC's own roots are trusted; chain and key are for mutual TLS, both
    or none.
    """

    root_certificates: bytes | None = None
    certificate_chain: bytes | None = None
    private_key: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse half of a client certificate."""
        if (self.certificate_chain is None) != (self.private_key is None):
            raise ValueError("a client certificate needs both its chain and its private key.")

    @classmethod
    def from_files(
        cls,
        root_certificates: Path | None = None,
        certificate_chain: Path | None = None,
        private_key: Path | None = None,
    ) -> Self:
        """Read the PEM files that are given. Raises OSError for one that cannot be read."""
        paths = (root_certificates, certificate_chain, private_key)
        return cls(*(None if path is None else path.read_bytes() for path in paths))


def open_channel(target: str, tls: Tls | None, retry: Retry) -> grpc.aio.Channel:
    """Open a channel to `target`, in the clear where no TLS is given. Connects on first use."""
    options = channel_options(retry)
    if tls is None:
        return grpc.aio.insecure_channel(target, options)
    credentials = grpc.ssl_channel_credentials(
        tls.root_certificates, tls.private_key, tls.certificate_chain
    )
    return grpc.aio.secure_channel(target, credentials, options)


def channel_options(retry: Retry) -> list[tuple[str, int | str]]:
    """Options of the channel, for callers who make their own from the generated stubs."""
    return [
        ("grpc.service_config", json.dumps(service_config(retry))),
        ("grpc.enable_retries", 1),
        ("grpc.per_rpc_retry_buffer_size", RESEND_BYTES_MAX),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        # Else gRPC stops after two pings on a quiet stream, and a dead peer would stay unseen.
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", RECONNECT_BACKOFF_MS_INITIAL),
        ("grpc.max_reconnect_backoff_ms", RECONNECT_BACKOFF_MS_MAX),
        ("grpc.max_receive_message_length", RECEIVE_BYTES_MAX),
    ]


def service_config(retry: Retry) -> dict[str, object]:
    """Service config (gRFC A6) that any gRPC client in any language can use against the gateway.

    Calls are spread over all addresses of the target, so that a retry after SHUTTING_DOWN meets
    another replica. WatchPayments is left out of the retries: it goes on from its last cursor,
    which gRPC does not know. UpdateMerchant leaves out ABORTED: a version that was lost stays lost.
    """
    watch = _method("PaymentService", "WatchPayments")
    update = _method("MerchantService", "UpdateMerchant")
    methods: list[dict[str, object]] = [{"name": [watch]}, {"name": [update]}, {"name": [{}]}]
    if retry.attempts_max > 1:
        methods[1]["retryPolicy"] = _retry_policy(retry, "UNAVAILABLE")
        methods[2]["retryPolicy"] = _retry_policy(retry, "UNAVAILABLE", "ABORTED")
    return {"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": methods}


def _method(service: str, method: str) -> dict[str, str]:
    return {"service": f"paymentgateway.v1.{service}", "method": method}


def _retry_policy(retry: Retry, *codes: str) -> dict[str, object]:
    return {
        "maxAttempts": retry.attempts_max,
        "initialBackoff": f"{retry.backoff_s_initial:.3f}s",
        "maxBackoff": f"{retry.backoff_s_max:.3f}s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": list(codes),
    }
