"""One run from beginning to end: prepare, send, settle, ask, add up."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType
from typing import Final

from gatewayload.audit import Audit
from gatewayload.books import Books, Sums
from gatewayload.connection import Questions, gone
from gatewayload.figures import Figures
from gatewayload.fleet import Fleet, GatewayGone, GeneratorFailed
from gatewayload.intervals import Interval
from gatewayload.prepare import Preparation
from gatewayload.progress import Progress, live_line
from gatewayload.settings import Depth, Method, Settings
from gatewayload.thresholds import Check, checks
from gatewayload.verdict import Verdict, add_up
from gatewayload.worker import Asked, Ran
from paymentgateway.errors import GatewayError

PREPARE_S_MAX: Final = 4.0
"""How long one question is asked before the run, in seconds."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run has given. `verdict` is None where the oracle was turned off.

    `stopped` says that Ctrl-C ended the load early.
    """

    settings: Settings
    figures: Figures
    checks: tuple[Check, ...]
    verdict: Verdict | None
    stopped: bool

    @property
    def good(self) -> bool:
        """Whether anything was measured, every threshold held, and the oracle has no doubt."""
        measured = self.figures.latency.count > 0
        proven = self.verdict is None or self.verdict.proven
        return measured and proven and all(check.kept for check in self.checks)


class Run:
    """One run."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._settings, self._progress = settings, progress
        self._figures = Figures(settings)
        self._since = datetime.now(UTC)
        self._stopped = False

    def go(self) -> Result:
        """Do it all.

        Raises:
            GatewayError: the gateway refused what the run needs, or could not be reached.
            NotPrepared: it answered, but not as the run needs.
            GatewayGone: a generator process could not reach it.
            GeneratorFailed: a generator process could not go on.
        """
        before = asyncio.run(self._prepare())
        with Fleet(self._settings) as fleet:
            fleet.ready()
            with self._interruptible():
                self._load(fleet)
            verdict = self._verdict(fleet, before)
        self._progress.end()
        found = tuple(checks(self._settings.thresholds, self._figures))
        return Result(self._settings, self._figures, found, verdict, self._stopped)

    async def _prepare(self) -> Sums:
        mix = self._settings.mix
        wallets = f" and {mix.payers:,} wallets" if mix.method is Method.WALLET else ""
        merchants = len(mix.merchant_ids) or mix.merchants
        self._progress.note(f"preparing {merchants:,} merchants{wallets} ...")
        async with Questions(self._settings.target, PREPARE_S_MAX) as questions:
            await Preparation(self._settings, questions).run()
            if self._settings.oracle.depth is Depth.OFF:
                return Sums()
            return await self._books(questions).sums()

    def _load(self, fleet: Fleet) -> None:
        """Follow the load until every process has sent its part."""
        measure_time = fleet.begin() + self._settings.load.warmup_s
        running, stopping = self._settings.processes, False
        for process, message in fleet.messages():
            if isinstance(message, Interval):
                self._show(self._figures.add(process, message))
            elif isinstance(message, Ran):
                running -= 1
            if not running:
                break
            if self._stopped and not stopping:
                stopping = True
                self._progress.note("stopping; Ctrl-C again ends without a result.")
                fleet.stop()
        self._figures.end(time.monotonic() - measure_time)

    def _show(self, interval: Interval | None) -> None:
        if interval is not None:
            self._progress.live(live_line(self._settings, interval))

    def _verdict(self, fleet: Fleet, before: Sums) -> Verdict | None:
        if self._settings.oracle.depth is Depth.OFF:
            return None
        began, verdict = time.monotonic(), Verdict()
        self._progress.note("settling what is unknown, and asking for every payment ...")
        try:
            self._audits(fleet, verdict.audit)
            asyncio.run(self._add_up(before, verdict.audit))
        except (GatewayGone, GeneratorFailed) as error:
            verdict.unasked, verdict.unreachable = str(error), isinstance(error, GatewayGone)
        except GatewayError as error:
            verdict.unasked, verdict.unreachable = error.summary, gone(error)
        verdict.took_s = time.monotonic() - began
        return verdict

    def _audits(self, fleet: Fleet, audit: Audit) -> None:
        """Let every process ask for what it sent, and merge what they found."""
        fleet.ask()
        asked = [0] * self._settings.processes
        running = self._settings.processes
        for process, message in fleet.messages():
            if isinstance(message, Asked):
                asked[process] = message.count
                self._progress.live(f"asked for {sum(asked):,} of {self._figures.payments:,}")
            elif isinstance(message, Audit):
                audit.merge(message)
                running -= 1
            if not running:
                return

    async def _add_up(self, before: Sums, audit: Audit) -> None:
        patience_s = self._settings.oracle.settle_s
        async with Questions(self._settings.target, patience_s) as questions:
            await add_up(self._books(questions), before, audit)

    def _books(self, questions: Questions) -> Books:
        return Books(self._settings, questions, self._since)

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Let the first Ctrl-C end the load early, and leave the second to Python."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            self._stopped = True
            signal.signal(signal.SIGINT, before)

        before = signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
