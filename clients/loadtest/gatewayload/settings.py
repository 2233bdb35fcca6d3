"""What was asked for: everything that a run depends on, in one value that processes can share.

Every bound has its name and unit here. Two runs with the same settings, seed included, send the
same payments at the same moments; only the run's own id, which all its keys begin with, differs.
"""

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from paymentgateway.client import Tls

RATE_MAX: Final = 1_000_000.0
"""Highest rate that can be asked for, in calls per second."""

CALLERS_MAX: Final = 100_000
IN_FLIGHT_MAX: Final = 100_000
PROCESSES_MAX: Final = 64
CONNECTIONS_MAX: Final = 256
SPAN_S_MAX: Final = 7 * 24 * 3600.0
"""Longest run or warm-up, in seconds."""

DEADLINE_S_MAX: Final = 300.0
PAYMENTS_MAX: Final = 20_000_000
"""Most payments of one run: the oracle remembers each, in about a hundred bytes."""

BATCH_SIZE_MAX: Final = 4_000
"""Most payments of one call, as the contract says."""

MERCHANTS_MAX: Final = 100_000
PAYERS_MAX: Final = 1_000_000
AMOUNT_MAX: Final = 1_000_000
"""Largest amount of one payment, in minor units: a wallet holds enough for thousands of them."""


class Arrivals(enum.StrEnum):
    """How calls of the open loop follow one another."""

    CONSTANT = "constant"
    POISSON = "poisson"


class Method(enum.StrEnum):
    """How the payers pay."""

    WALLET = "wallet"
    SANDBOX = "sandbox"


class Depth(enum.StrEnum):
    """How much the oracle asks."""

    FULL = "full"
    PAYMENTS = "payments"
    LISTS = "lists"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the gateway is, and how it is called.

    Attributes:
        address: gRPC name, such as "127.0.0.1:7070".
        tls: certificates; None sends everything in the clear.
        connections: connections of each process; each is served by one worker of the gateway.
        deadline_s: of each call, in seconds.
    """

    address: str
    tls: Tls | None = None
    connections: int = 4
    deadline_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much is sent, when, and for how long.

    Attributes:
        rate: calls per second of the open loop, all processes together; None means closed loop.
        callers: callers of the closed loop, all processes together; 0 in the open loop.
        arrivals: how calls of the open loop follow one another.
        in_flight_max: calls of the open loop under way at once, all processes together. An arrival
            above it is counted as not started in time, and never sent later.
        warmup_s: seconds of load that are not measured, though the oracle asks for its payments.
        duration_s: seconds of load that are measured.
        payments_max: the run ends early once so many new payments were sent.
    """

    rate: float | None = None
    callers: int = 0
    arrivals: Arrivals = Arrivals.POISSON
    in_flight_max: int = 1_000
    warmup_s: float = 5.0
    duration_s: float = 30.0
    payments_max: int = PAYMENTS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What is sent.

    Attributes:
        replays: share of payments that carry a key that was sent before, 0 to 1.
        refunds: share of calls that refund a payment of this run, 0 to 1.
        reads: share of calls that read a payment of this run, 0 to 1.
        batch_size: payments of each call; 1 means Pay, more means BatchPay.
        merchants: merchants that are paid, made for this run unless `merchant_ids` names them.
        merchant_ids: merchants that exist already.
        hot: share of payments that go to the first merchant, beside its share of the rest, 0 to 1.
        method: how the payers pay.
        payers: payers, each with a wallet where that is the method.
        amount_max: largest amount, in minor units; amounts are spread from 1 to this.
        currency: of every amount.
        channel_delay_ms: how long the sandbox channel takes to answer, in milliseconds.
    """

    replays: float = 0.0
    refunds: float = 0.0
    reads: float = 0.0
    batch_size: int = 1
    merchants: int = 100
    merchant_ids: tuple[str, ...] = ()
    hot: float = 0.0
    method: Method = Method.WALLET
    payers: int = 200
    amount_max: int = 500
    currency: str = "CNY"
    channel_delay_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Oracle:
    """What is asked after the run.

    Attributes:
        depth: FULL asks for every payment by its key, and for its entries; PAYMENTS leaves out the
            entries; LISTS reads the payments from lists, and by their keys only where they are in
            none. All of them hold the sums against the ledger.
        settle_s: how long outcomes may stay unknown or open after the run, in seconds.
        questions_max: questions under way at once, per process.
    """

    depth: Depth = Depth.FULL
    settle_s: float = 60.0
    questions_max: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What the measured figures are held against; None means no limit.

    Attributes:
        p50_ms: median latency at most, in milliseconds.
        p99_ms: 99th percentile at most, in milliseconds.
        p999_ms: 99.9th percentile at most, in milliseconds.
        error_share_max: share of arrivals that ended in an error, a failed payment, or were not
            started in time, at most; 0 to 1.
        throughput_min: operations that ended well, per second, at least.
    """

    p50_ms: float | None = None
    p99_ms: float | None = None
    p999_ms: float | None = None
    error_share_max: float | None = None
    throughput_min: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Where the results go, besides the table on stdout."""

    json: Path | None = None
    html: Path | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One run. `run_id` is what all its keys, merchants and payers begin with."""

    run_id: str
    target: Target
    load: Load
    scenario: str = "unique"
    mix: Mix = field(default_factory=Mix)
    oracle: Oracle = field(default_factory=Oracle)
    thresholds: Thresholds = field(default_factory=Thresholds)
    outputs: Outputs = field(default_factory=Outputs)
    processes: int = 1
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of the load one process carries: number `index` of `count`, from 0."""

    index: int = 0
    count: int = 1

    def of(self, total: int) -> int:
        """Give this process's part of a whole number, so that all parts add up to it."""
        return total // self.count + (self.index < total % self.count)
