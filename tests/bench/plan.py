"""What the generator is asked to do, and what it tells afterwards: plain values between processes.

Answers are counted within a window that opens after the warm-up, and timed from the moment at which
the call was meant to leave: in the open loop that is its place in the schedule, whether or not the
generator or the server was ready for it.
"""

from dataclasses import dataclass, field
from enum import Enum

CONNECTIONS = 8
"""Connections of a run: several callers, each with many calls under way."""

CURRENCY = "CNY"
AMOUNT_MINOR_UNITS = 200
"""What every payment takes, in minor units: a song at 2.00."""


class Kind(Enum):
    """What is sent."""

    PAY = "Pay"
    BATCH_PAY = "BatchPay"
    REPLAY = "Pay, remembered"
    GET_PAYMENT = "GetPayment, remembered"


@dataclass(frozen=True)
class Mix:
    """The messages of a run.

    Attributes:
        kind: the call; what is remembered comes from an earlier run with the same `memory`.
        merchants: paid in turn at random.
        payers: pay in turn at random.
        channel: "wallet", or "wechat", which takes a barcode and answers at once.
        replays: share of calls that send an earlier message again, 0 to below 1.
        batch_size: payments in one call of BATCH_PAY.
        memory: name under which requests and their answers are kept for later runs; empty: none.
        checked: whether sampled answers must be about what was asked; the echo's are not.
    """

    kind: Kind = Kind.PAY
    merchants: tuple[str, ...] = ()
    payers: tuple[str, ...] = ()
    channel: str = "wallet"
    replays: float = 0.0
    batch_size: int = 1
    memory: str = ""
    checked: bool = True


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        host, port: where the server listens.
        mix: what is sent.
        messages: calls at most; they are encoded before the run begins.
        seconds: how long answers are counted.
        warmup_s: how long before that calls are made already.
        concurrency: calls under way at any time (closed loop).
        rate: calls per second (open loop, arrivals at random); 0 for a closed loop.
        connections: connections to spread the calls over.
        seed: decides messages' merchants and payers, and the arrivals.
        sample_every: every how many calls an answer is decoded after the run; 1 for BATCH_PAY,
            whose payments are counted so.
    """

    host: str
    port: int
    mix: Mix
    messages: int
    seconds: float
    warmup_s: float = 0.5
    concurrency: int = 64
    rate: float = 0.0
    connections: int = CONNECTIONS
    seed: int = 1
    sample_every: int = 16


@dataclass(frozen=True)
class Latency:
    """Percentiles, in seconds. All zero where nothing was answered."""

    p50: float = 0.0
    p90: float = 0.0
    p99: float = 0.0
    p999: float = 0.0
    highest: float = 0.0

    @classmethod
    def of(cls, values: "list[float]") -> "Latency":
        """Sort the values and read the percentiles off."""
        ordered = sorted(values)
        if not ordered:
            return cls()
        last = len(ordered) - 1
        p50, p90, p99, p999 = (
            ordered[min(last, int(share * len(ordered)))] for share in (0.5, 0.9, 0.99, 0.999)
        )
        return cls(p50, p90, p99, p999, ordered[last])


@dataclass(frozen=True)
class Outcome:
    """What a run gave.

    Attributes:
        sent: calls that were made.
        answered: calls that got a message.
        paid: payments that were executed for them, which replays and reads are not.
        failed: calls that ended without a message, or whose connection was lost.
        counted: calls that were answered, by the share of each that lies within the window.
        seconds: length of the window.
        latency: of the calls of the window.
        generator_share: CPU time of the generator per time on the clock, during the run.
        sampled: answers that were decoded.
        wrong: what was wrong with decoded answers, the first few.
    """

    sent: int
    answered: int
    paid: int
    failed: int
    counted: float
    seconds: float
    latency: Latency
    generator_share: float
    sampled: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Calls answered per second."""
        return self.counted / self.seconds if self.seconds else 0.0

    def problems(self) -> list[str]:
        """Say why the figures of this run cannot be trusted; nothing where they can."""
        found = list(self.wrong)
        if self.failed:
            found.append(f"{self.failed} of {self.sent} calls were not answered")
        if not self.counted:
            found.append("no call that was answered lies within the window")
        return found
