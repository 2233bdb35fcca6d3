"""What the composition root decides about the gRPC server, and every bound of this room by name.

Settings differ between installations and come from the configuration; bounds are part of the
contract or of the design and stand here, with their units.
"""

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

RECEIVE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Largest request message in bytes; the transport answers RESOURCE_EXHAUSTED above it.

gRPC's usual bound, and room for a full batch of 4,000 payments with about 1,000 bytes for each.
"""

METADATA_BYTES_MAX: Final = 16 * 1024
"""Largest request metadata in bytes; the transport answers RESOURCE_EXHAUSTED above it."""

PING_INTERVAL_MS_MIN: Final = 5_000
"""Shortest pause between a peer's keep-alive pings, in ms; faster ones end its connection."""

KEEPALIVE_MS: Final = 60_000
"""Pause before a silent connection is pinged, in ms, so that dead watchers are noticed."""

KEEPALIVE_TIMEOUT_MS: Final = 20_000
"""Wait for the answer to a ping before the connection counts as dead, in ms."""

STREAMS_PER_CALL_MAX: Final = 2
"""Streams that one connection may open, per call that the server takes at once.

More than one, so that a caller who sends too much is told OVERLOADED instead of waiting unseen.
"""

SEND_S_MAX: Final = 30.0
"""Longest wait in seconds until a watcher takes one message; then its stream ends."""

HANG_UP_S_MAX: Final = 1.0
"""Seconds in which the transport cancels a call whose reader it could not send to."""

REPLY_S_MAX: Final = 1.0
"""Longest wait in seconds, once all calls ended, until their replies have left at a stop."""

REOPEN_AFTER_S: Final = 1.0
"""Hint in seconds for a watcher that did not keep up."""

MARGIN_SHARE_MAX: Final = 0.5
"""Largest share of the time left that is kept back for the answer."""

ITEM_ANSWER_S: Final = 50e-6
"""Time in seconds kept back for each item of a batch, in which its result is written."""

PAGE_SIZE_DEFAULT: Final = 50
PAGE_SIZE_MAX: Final = 500
"""Objects on one page: where the caller names no number, and at most."""

TOKEN_KEY_BYTES_MIN: Final = 16
"""Shortest key that page tokens and cursors may be authenticated with."""


@dataclass(frozen=True, slots=True)
class RpcSettings:
    """Settings of the gRPC server.

    Attributes:
        listen: address as gRPC writes it, `host:port`; port 0 takes a free one.
        deployment_id: names the database, so that a cursor of another one is refused.
        token_key: secret that authenticates page tokens and cursors; the same on every replica.
        calls_max: calls under way at once, at least 1; watchers are bounded by their use case.
        deadline_default_ms: deadline of a call that brings none.
        deadline_max_ms: longest deadline that counts; also the grace of an aged connection.
        answer_margin_ms: how long before the deadline a use case must answer; of a tiny deadline
            at most half.
        connection_age_max_s: age in seconds at which a connection is closed; 0 never.
        reuse_port: whether several processes may share the port.

    Raises:
        ValueError: a number is out of its range, or the key is too short.
    """

    listen: str
    deployment_id: UUID
    token_key: bytes = field(repr=False)
    calls_max: int
    deadline_default_ms: int
    deadline_max_ms: int
    answer_margin_ms: int
    connection_age_max_s: int = 0
    reuse_port: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if len(self.token_key) < TOKEN_KEY_BYTES_MIN:
            raise ValueError(f"token_key must have at least {TOKEN_KEY_BYTES_MIN} bytes.")
        if self.calls_max < 1 or self.connection_age_max_s < 0 or self.answer_margin_ms < 0:
            raise ValueError("calls_max must be 1 or more, the age and the margin 0 or more.")
        if not 0 < self.deadline_default_ms <= self.deadline_max_ms:
            raise ValueError("deadline_default_ms must be 1 to deadline_max_ms.")


def server_options(settings: RpcSettings) -> list[tuple[str, int]]:
    """Give the options of the transport."""
    options = [
        ("grpc.so_reuseport", int(settings.reuse_port)),
        ("grpc.max_receive_message_length", RECEIVE_BYTES_MAX),
        # Between the two bounds gRPC refuses at random; equal ones make it a rule.
        ("grpc.max_metadata_size", METADATA_BYTES_MAX),
        ("grpc.absolute_max_metadata_size", METADATA_BYTES_MAX),
        ("grpc.max_concurrent_streams", STREAMS_PER_CALL_MAX * settings.calls_max),
        # gRPC's own bound of one ping per five minutes cuts off many clients and load tools.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", PING_INTERVAL_MS_MIN),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    if settings.connection_age_max_s:
        options += [
            ("grpc.max_connection_age_ms", settings.connection_age_max_s * 1_000),
            ("grpc.max_connection_age_grace_ms", settings.deadline_max_ms),
        ]
    return options
