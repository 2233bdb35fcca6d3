"""Every bound of the calls to channels, in one place.

A slow channel must not eat the gateway: callers meet a limit of calls in flight before anything is
kept. Keep that limit below the number of connections, and workers, who ask what became of unknown
ones, always find a connection that callers cannot take.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChannelBounds:
    """Bounds of one channel.

    Attributes:
        in_flight_max: calls for callers at once, 1 or more.
        connections_max: open connections, 1 or more; whoever finds none free waits.
        connect_timeout_s: wait for a place in the pool, DNS, TCP and TLS together, in seconds.
        keepalive_s: how long an idle connection is kept, in seconds; below what servers keep it, so
            that they do not close it under a request.
        reply_bytes_max: a longer reply is not read.
        bill_bytes_max: the same for the file of a day's bill, as it comes, packed.
        bill_timeout_s: time to fetch such a file, in seconds.
        sends_max: how often a call is tried while nothing could be sent, 1 or more.
        retry_pause_s: mean pause between such tries, in seconds; each is 0.5 to 1.5 times that.
        breaker_failures_max: calls in a row without any reply that open the breaker.
        breaker_window_s: time within which they must fall, in seconds.
        breaker_cool_down_s: time until an open breaker lets one call try, in seconds.
        overload_retry_s: hint for callers that met `in_flight_max`, in seconds.

    Raises:
        ValueError: a number that must be 1 or more is less.
    """

    in_flight_max: int = 100
    connections_max: int = 150
    connect_timeout_s: float = 2.0
    keepalive_s: float = 10.0
    reply_bytes_max: int = 64 * 1024
    bill_bytes_max: int = 64 * 1024 * 1024
    bill_timeout_s: float = 120.0
    sends_max: int = 3
    retry_pause_s: float = 0.1
    breaker_failures_max: int = 10
    breaker_window_s: float = 30.0
    breaker_cool_down_s: float = 5.0
    overload_retry_s: float = 0.5

    def __post_init__(self) -> None:
        """Refuse bounds that would let nothing through; 0 connections would mean no bound."""
        names = ("in_flight_max", "connections_max", "sends_max", "breaker_failures_max")
        for name in names:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
