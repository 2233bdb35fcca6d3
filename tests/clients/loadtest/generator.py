"""One generator inside the test's own process, stage by stage, with everything in reach."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Self

from gatewayload.audit import Audit, Auditor
from gatewayload.books import Books, Sums
from gatewayload.connection import LoadChannels, Questions
from gatewayload.deck import Deck
from gatewayload.drive import Drive
from gatewayload.figures import Figures
from gatewayload.journal import Journal
from gatewayload.mixer import Mixer
from gatewayload.prepare import Preparation
from gatewayload.recorder import Recorder
from gatewayload.schedule import arrivals
from gatewayload.settings import Depth, Load, Mix, Oracle, Part, Settings, Target
from gatewayload.settle import Settlement
from gatewayload.verdict import add_up
from tests.clients.loadtest.model_gateway import ModelGateway


def settings(
    model: ModelGateway,
    *,
    load: Load,
    deadline_s: float = 5.0,
    settle_s: float = 5.0,
    depth: Depth = Depth.FULL,
    **mix: Any,
) -> Settings:
    """Make settings for a run of few merchants and payers."""
    return Settings(
        run_id="r0",
        target=Target(address=model.target, connections=2, deadline_s=deadline_s),
        load=load,
        mix=Mix(**{"merchants": 3, "payers": 4, **mix}),
        oracle=Oracle(depth=depth, settle_s=settle_s),
    )


class Generator:
    """Everything of one process, with its stages as methods."""

    def __init__(self, chosen: Settings) -> None:
        self.settings, self.part = chosen, Part()
        self.journal, self.deck = Journal(), Deck(chosen, Part())
        self.figures = Figures(chosen)
        self.questions = Questions(chosen.target, chosen.oracle.settle_s)
        self.channels = LoadChannels(chosen.target)
        self.books = Books(chosen, self.questions, datetime.now(UTC))
        self.before = Sums()
        self._stop: Callable[[], None] = lambda: None

    async def __aenter__(self) -> Self:
        await Preparation(self.settings, self.questions).run()
        self.before = await self.books.sums()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channels.close()
        await self.questions.__aexit__()

    def stop(self) -> None:
        """Send nothing more."""
        self._stop()

    async def load(self) -> None:
        """Send the load, and measure it."""
        load, began = self.settings.load, time.monotonic()
        recorder = Recorder(began + load.warmup_s)
        mixer = Mixer(self.settings, self.part, self.journal, self.deck)
        drive = Drive(mixer, self.channels, recorder)
        self._stop = drive.stop
        rolling = asyncio.create_task(self._roll(recorder))
        if load.rate is None:
            end = began + load.warmup_s + load.duration_s
            await drive.closed_loop(load.callers, began, end)
        else:
            moments = (began + at for at in arrivals(load, self.part, self.settings.seed))
            await drive.open_loop(moments, load.in_flight_max)
        rolling.cancel()
        self.figures.add(0, recorder.roll())
        self.figures.end(time.monotonic() - began - load.warmup_s)

    async def audit(self) -> Audit:
        """Settle, ask for everything, and add it up."""
        await Settlement(self.settings, self.journal, self.deck, self.channels).run()
        since = datetime.now(UTC)
        auditor = Auditor(self.settings, self.journal, self.deck, self.questions, since)
        audit = await auditor.run()
        await add_up(self.books, self.before, audit)
        return audit

    async def _roll(self, recorder: Recorder) -> None:
        while True:
            await asyncio.sleep(recorder.until_roll())
            self.figures.add(0, recorder.roll())


async def run(chosen: Settings) -> tuple[Generator, Audit]:
    """Send the load of these settings and give what the oracle says about it."""
    async with Generator(chosen) as generator:
        await generator.load()
        return generator, await generator.audit()
