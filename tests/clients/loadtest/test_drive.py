"""Open and closed loop, against a gateway that stalls."""

import asyncio
import threading

import pytest

from gatewayload.settings import Arrivals, Load
from tests.clients.loadtest.generator import Generator, settings
from tests.clients.loadtest.model_gateway import ModelGateway

RATE = 100.0
DURATION_S = 2.0
STALL_S = 0.8


def open_load(**more: object) -> Load:
    return Load(rate=RATE, arrivals=Arrivals.CONSTANT, warmup_s=0.0, duration_s=DURATION_S, **more)


def stall(model: ModelGateway, after_s: float, for_s: float) -> None:
    """Let the gateway answer nothing for a while, some time from now."""
    threading.Timer(after_s, model.running.clear).start()
    threading.Timer(after_s + for_s, model.running.set).start()


def slow(generator: Generator, above_s: float) -> float:
    """How many calls took longer than this."""
    curve = generator.figures.latency.curve()
    share = next((percent for percent, latency in curve if latency > above_s), 100.0)
    return (100.0 - share) / 100.0 * generator.figures.latency.count


async def test_an_open_loop_shows_the_whole_stall(model: ModelGateway) -> None:
    """Every call meant for the time of a stall shows its part of it, not only the first."""
    async with Generator(settings(model, load=open_load())) as generator:
        stall(model, 0.5, STALL_S)
        await generator.load()
    latency = generator.figures.latency
    assert latency.count == RATE * DURATION_S
    assert latency.highest >= STALL_S * 0.8
    # Calls meant for the first three quarters of the stall wait for at least its last quarter.
    assert slow(generator, STALL_S / 4) >= RATE * STALL_S * 0.75 * 0.7
    assert generator.figures.total.not_started == 0


async def test_a_closed_loop_hides_the_stall(model: ModelGateway) -> None:
    """The same stall is one slow call to a caller who waits: coordinated omission."""
    load = Load(callers=1, warmup_s=0.0, duration_s=DURATION_S)
    async with Generator(settings(model, load=load)) as generator:
        stall(model, 0.5, STALL_S)
        await generator.load()
    assert generator.figures.latency.highest >= STALL_S * 0.8
    assert slow(generator, STALL_S / 4) <= 2


async def test_arrivals_above_the_bound_are_dropped(model: ModelGateway) -> None:
    """An arrival that meets the bound is counted as not started, and never sent later."""
    load = open_load(in_flight_max=10)
    async with Generator(settings(model, load=load)) as generator:
        stall(model, 0.5, STALL_S)
        await generator.load()
        sent = generator.figures.latency.count
        dropped = generator.figures.total.not_started
        assert sent + dropped == RATE * DURATION_S
        assert dropped >= RATE * STALL_S * 0.5
        assert len(model.payments) == sent
        assert generator.figures.error_share == pytest.approx(dropped / (RATE * DURATION_S))
        audit = await generator.audit()
    assert audit.asked == sent
    assert not audit.findings.counts


async def test_the_warm_up_is_not_measured(model: ModelGateway) -> None:
    """Calls of the warm-up are in no figure, and the oracle asks for them nevertheless."""
    load = Load(rate=RATE, arrivals=Arrivals.CONSTANT, warmup_s=1.0, duration_s=0.5)
    async with Generator(settings(model, load=load)) as generator:
        stall(model, 0.0, STALL_S)
        await generator.load()
        audit = await generator.audit()
    assert generator.figures.latency.count == 50
    assert generator.figures.warmup == 100
    assert generator.figures.latency.highest < STALL_S
    assert audit.asked == 150


async def test_a_stop_ends_the_load_early(model: ModelGateway) -> None:
    """After a stop nothing more is sent, what is in flight is waited for, and all is asked for."""
    load = Load(rate=RATE, arrivals=Arrivals.CONSTANT, warmup_s=0.0, duration_s=60.0)
    async with Generator(settings(model, load=load)) as generator:
        asyncio.get_running_loop().call_later(0.5, generator.stop)
        await generator.load()
        audit = await generator.audit()
    assert 20 <= generator.figures.latency.count <= 80
    assert generator.figures.measured_s < 5.0
    assert audit.asked == len(model.payments) == generator.figures.latency.count


async def test_enough_payments_end_the_load(model: ModelGateway) -> None:
    """A run that was given a number of payments sends exactly so many."""
    load = Load(callers=4, warmup_s=0.0, duration_s=60.0, payments_max=90)
    async with Generator(settings(model, load=load, batch_size=20)) as generator:
        await generator.load()
    assert len(model.payments) == 90


async def test_how_late_calls_leave_is_measured(model: ModelGateway) -> None:
    """A generator that is kept from sending on time shows it as lag and in the latency."""
    async with Generator(settings(model, load=open_load())) as generator:
        asyncio.get_running_loop().call_later(0.5, _block, 0.4)
        await generator.load()
    figures = generator.figures
    assert figures.total.lag.highest >= 0.3
    assert figures.latency.highest >= figures.total.lag.highest


def _block(seconds: float) -> None:
    threading.Event().wait(seconds)
