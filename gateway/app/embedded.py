"""The gateway's own Postgres as the rest sees it: where its data lies, and that it stays alive."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from gateway.config import Settings
from gateway.store.embedded import EmbeddedPostgres, EmbeddedPostgresError, default_data_dir
from gateway.telemetry.logging import get_logger

__all__ = ["EmbeddedPostgresError", "data_folder", "reviving"]

REVIVE_PAUSE_S: Final = 1.0
"""Pause between looks whether our own Postgres lives, in seconds."""

_log = get_logger(__name__)


def data_folder(settings: Settings) -> Path:
    """Give the folder in which everything the gateway keeps on disk lies; it may not exist yet.

    Raises:
        EmbeddedPostgresError: none is configured, and this user has no home.
    """
    return settings.data_dir or default_data_dir()


@asynccontextmanager
async def reviving(server: EmbeddedPostgres) -> AsyncIterator[None]:
    """Bring our own Postgres back when it dies, while the block runs."""
    task = asyncio.create_task(_revive(server), name="revive")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _revive(server: EmbeddedPostgres) -> None:
    while True:
        await asyncio.sleep(REVIVE_PAUSE_S)
        if server.pid is not None:
            continue
        _log.error("our Postgres died and is started again")
        try:
            await server.start()
        except Exception as error:  # noqa: BLE001 - one failed try must not be the last
            _log.error("our Postgres does not start", fault=str(error))
