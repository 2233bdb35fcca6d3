"""What is shown while a run goes on: on a terminal one line that changes, in a log a line at times.

It goes to stderr, so that stdout holds the result and nothing else.
"""

import shutil
import time
from typing import Final, TextIO

from gatewayload.figures import second_of
from gatewayload.intervals import Interval
from gatewayload.settings import Settings

LOG_S: Final = 10.0
"""Pause between two lines where stderr is no terminal, in seconds."""

_CLEAR: Final = "\r\x1b[K"


class Progress:
    """Shows how far a run is."""

    def __init__(self, out: TextIO, *, quiet: bool = False) -> None:
        self._out, self._quiet, self._terminal = out, quiet, out.isatty()
        self._next_time = 0.0
        self._open = False

    def note(self, text: str) -> None:
        """Show that something begins."""
        self._close()
        self._write(f"{text}\n")

    def live(self, text: str) -> None:
        """Show where things stand now."""
        if self._terminal:
            columns = shutil.get_terminal_size().columns
            self._write(f"{_CLEAR}{text[: columns - 1]}")
            self._open = True
        elif time.monotonic() >= self._next_time:
            self._next_time = time.monotonic() + LOG_S
            self._write(f"{text}\n")

    def end(self) -> None:
        """Leave the line that changes as it is last."""
        self._close()

    def _close(self) -> None:
        if self._open:
            self._write("\n")
            self._open = False

    def _write(self, text: str) -> None:
        if not self._quiet:
            self._out.write(text)
            self._out.flush()


def live_line(settings: Settings, interval: Interval) -> str:
    """Write one second of the run on one line."""
    second, load = second_of(interval), settings.load
    at = interval.second + 1
    if at <= 0:
        calls = f"warm-up, {-at:.0f} s to go, {interval.warmup:,} calls/s"
    else:
        calls = f"{at:.0f} s of {load.duration_s:g} s, {second.calls:,} calls/s"
    latency = f"p50 {second.p50_s * 1e3:.2f} ms, p99 {second.p99_s * 1e3:.2f} ms" if at > 0 else ""
    parts = [
        calls,
        latency,
        f"{second.errors:,} errors" if second.errors else "",
        f"{second.failed:,} failed" if second.failed else "",
        f"{second.not_started:,} not started" if second.not_started else "",
        f"{second.in_flight:,} in flight",
        f"generator {interval.busy_s / settings.processes:.0%} of a core",
    ]
    return " | ".join(filter(None, parts))
