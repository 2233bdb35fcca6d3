"""The configured channels, ready to be called: one session and a few signing threads for all."""

from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from gateway.app.channels.keyfiles import blaming
from gateway.app.channels.registry import CHANNELS
from gateway.app.channels.setup import Setup
from gateway.channels.bounds import ChannelBounds
from gateway.channels.client import ChannelObserver, HttpChannel
from gateway.channels.transport import Transport, open_session
from gateway.clock import Clock
from gateway.config import Settings

SIGNING_THREADS: Final = 2
"""Threads that build signed requests; what waits for them is bounded by the calls in flight."""


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """A channel that can be called, with what it can do beside the port."""

    setup: Setup
    port: HttpChannel


@asynccontextmanager
async def open_channels(
    settings: Settings, observer: ChannelObserver | None = None
) -> AsyncIterator[Mapping[str, OpenChannel]]:
    """Open every channel that is configured, by name. Raises StartError."""
    bounds = ChannelBounds(
        in_flight_max=settings.channel_calls_max,
        connections_max=settings.channel_connections_max,
    )
    found = ((entry.name, entry.set_up(settings)) for entry in CHANNELS)
    setups = {name: setup for name, setup in found if setup}
    with ThreadPoolExecutor(SIGNING_THREADS, "signing") as signing:
        async with open_session(bounds) as session:
            opened = {}
            for name, setup in setups.items():
                with blaming(f"{name}_url"):
                    transport = Transport(session, setup.url, bounds)
                executor = signing if setup.signs_slowly else None
                port = HttpChannel(
                    setup.connector, transport, bounds, Clock(), observer, signing=executor
                )
                opened[name] = OpenChannel(setup, port)
            yield opened
