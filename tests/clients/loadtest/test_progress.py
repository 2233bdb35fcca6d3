"""What is shown while a run goes on."""

import io
from collections import Counter

from gatewayload.histogram import Histogram
from gatewayload.intervals import Interval, Tally
from gatewayload.progress import Progress, live_line
from gatewayload.settings import Load, Settings, Target

CHOSEN = Settings(
    run_id="r0",
    target=Target(address="x"),
    load=Load(rate=10.0, warmup_s=5.0, duration_s=30.0),
    processes=2,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_that_changes() -> None:
    """On a terminal each second replaces the one before; what begins anew has its own line."""
    out = Terminal()
    progress = Progress(out)
    progress.note("preparing ...")
    progress.live("one")
    progress.live("two")
    progress.note("asking ...")
    assert out.getvalue() == "preparing ...\n\r\x1b[Kone\r\x1b[Ktwo\nasking ...\n"


def test_a_line_never_wraps(monkeypatch: object) -> None:
    """On a narrow terminal the line is cut, because a wrapped one could not be replaced."""
    monkeypatch.setenv("COLUMNS", "20")
    out = Terminal()
    Progress(out).live("x" * 100)
    assert out.getvalue() == "\r\x1b[K" + "x" * 19


def test_a_log_has_a_line_at_times() -> None:
    """Where stderr is no terminal there are no control characters, and few lines."""
    out = io.StringIO()
    progress = Progress(out)
    for _ in range(100):
        progress.live("one second")
    progress.end()
    assert out.getvalue() == "one second\n"


def test_quiet_is_quiet() -> None:
    """Nothing is shown where nothing was asked for."""
    out = Terminal()
    progress = Progress(out, quiet=True)
    progress.note("preparing ...")
    progress.live("one")
    progress.end()
    assert out.getvalue() == ""


def test_the_line_says_how_it_goes() -> None:
    """A second is told with its rate, latencies, what went wrong, and the generator's own share."""
    latency = Histogram()
    for _ in range(1_500):
        latency.record(0.002)
    tally = Tally(latency, Counter(ok=1_490, failed=3, UNAVAILABLE=7))
    line = live_line(
        CHOSEN, Interval(11, kinds={"pay": tally}, not_started=4, in_flight=9, busy_s=0.5)
    )
    assert line == (
        "12 s of 30 s, 1,500 calls/s | p50 2.00 ms, p99 2.00 ms | 7 errors | 3 failed"
        " | 4 not started | 9 in flight | generator 25% of a core"
    )


def test_the_line_says_that_it_is_warming_up() -> None:
    """A second of the warm-up shows no latency, since none is measured."""
    line = live_line(CHOSEN, Interval(-3, warmup=10, in_flight=1))
    assert line == ("warm-up, 2 s to go, 10 calls/s | 1 in flight | generator 0% of a core")
