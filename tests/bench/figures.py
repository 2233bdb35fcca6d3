"""What is to be reached: every figure by its name, its target and what it is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.bench.series import Sample, ratio


@dataclass
class Results:
    """What was measured.

    Attributes:
        samples: by series.
        values: single values, such as bytes of memory, by name.
        best: what each was measured with: calls under way, connections, batches, clients.
        curves: rates by what they were measured over: curve, then line, then points (x, rate).
        problems: what makes the whole run invalid.
    """

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    best: dict[str, int] = field(default_factory=dict)
    curves: dict[str, dict[str, list[tuple[float, float]]]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def draw(self, curve: str, line: str, x: float, rate: float) -> None:
        """Keep a point of a picture."""
        self.curves.setdefault(curve, {}).setdefault(line, []).append((x, rate))


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: as everybody knows it.
        about: what it compares, for people.
        target: to reach; None where it is only reported.
        stretch: better still.
        at_most: whether less is better.
        series: what must be measured for it.
        value: reads it off the results; None where it was not measured.
        cpu: the same in CPU time, where that says more; a channel's stand-in does not count.
    """

    name: str
    about: str
    target: float | None
    stretch: float | None
    series: frozenset[str]
    value: Callable[[Results], float | None]
    at_most: bool = False
    cpu: Callable[[Results], float | None] | None = None

    def reached(self, value: float, bound: float | None) -> bool:
        """Tell whether a value keeps a bound."""
        return bound is None or (value <= bound if self.at_most else value >= bound)


def _rate(sample: Sample) -> float:
    return sample.rate


def _rates(above: str, below: str) -> Callable[[Results], float | None]:
    return lambda results: ratio(results.samples, above, below, _rate)


def _cpu(above: str, below: str) -> Callable[[Results], float | None]:
    """CPU time of the other one per CPU time of ours, so that more is better, as with rates."""
    return lambda results: ratio(results.samples, below, above, lambda sample: sample.cpu.total)


def _p99(results: Results) -> float | None:
    return ratio(results.samples, "pay_open", "echo_open", lambda sample: sample.latency.p99)


def _reads(results: Results) -> float | None:
    """Take the lower one: what is promised holds for reads by id and for replays."""
    found = (_rates(name, "pay")(results) for name in ("read", "replay"))
    known = [value for value in found if value is not None]
    return min(known) if len(known) == 2 else None


def _memory(results: Results) -> float | None:
    early, late = (results.values.get(f"memory_{name}") for name in ("early", "late"))
    return late / early if early and late else None


def _names(*names: str) -> frozenset[str]:
    return frozenset(names)


FIGURES = (
    Figure(
        "unary_vs_echo",
        "wallet payments, against an echo of the same messages",
        0.4,
        0.6,
        _names("pay", "echo"),
        _rates("pay", "echo"),
        cpu=_cpu("pay", "echo"),
    ),
    Figure(
        "unary_vs_textbook",
        "wallet payments, against one transaction per request",
        3.0,
        5.0,
        _names("pay", "textbook"),
        _rates("pay", "textbook"),
        cpu=_cpu("pay", "textbook"),
    ),
    Figure(
        "batch_vs_pgbench",
        "payments in batches, against pgbench with the same writes",
        4.0,
        8.0,
        _names("batch", "pgbench"),
        _rates("batch", "pgbench"),
    ),
    Figure(
        "hot_vs_uniform",
        "all payments to one merchant, against a hundred merchants",
        0.8,
        0.95,
        _names("hot", "pay"),
        _rates("hot", "pay"),
    ),
    Figure(
        "p99_vs_echo",
        "p99 of open-loop payments at half of saturation, against the echo",
        4.0,
        2.0,
        _names("pay", "pay_open", "echo_open"),
        _p99,
        at_most=True,
    ),
    Figure(
        "full_vs_empty",
        "payments into full tables, against an empty database",
        0.85,
        0.95,
        _names("full", "empty"),
        _rates("full", "empty"),
    ),
    Figure(
        "replays_vs_none",
        "half of all calls replays, against none",
        1.0,
        1.2,
        _names("replays", "pay"),
        _rates("replays", "pay"),
    ),
    Figure(
        "memory_growth",
        "memory of a worker after a million payments, against ten thousand",
        1.1,
        1.02,
        _names("memory"),
        _memory,
        at_most=True,
    ),
    Figure(
        "read_vs_pay",
        "reads by id or replays, whichever is slower, against payments",
        1.0,
        1.3,
        _names("read", "replay", "pay"),
        _reads,
    ),
    Figure(
        "channel_vs_wallet",
        "payments by barcode through WeChat Pay's protocol, against wallet payments",
        None,
        None,
        _names("channel", "pay"),
        _rates("channel", "pay"),
        cpu=_cpu("channel", "pay"),
    ),
)
BY_NAME: Mapping[str, Figure] = {figure.name: figure for figure in FIGURES}


def wanted_series(names: frozenset[str]) -> frozenset[str]:
    """Name what must be measured for these figures."""
    return frozenset().union(*(BY_NAME[name].series for name in names))
