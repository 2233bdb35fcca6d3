"""A stand-in for Douyin Pay with an empty book, and a shop at it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.emulators.douyin.names import DOUYIN
from gateway.emulators.v3style.keyfiles import KeyFiles
from tests.emulators.v3bench import MCHID, OTHER_MCHID, Shop, serving


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys that are made once, for every test to copy."""
    folder = tmp_path_factory.mktemp("douyin") / "keys"
    KeyFiles(folder, "Douyin Pay", "tt").open((MCHID, OTHER_MCHID))
    return folder


@pytest.fixture
async def shop(made_keys: Path, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop at a running stand-in."""
    shutil.copytree(made_keys, tmp_path / "keys")
    async with serving(tmp_path, DOUYIN) as running:
        yield running
