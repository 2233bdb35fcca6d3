"""A stand-in for Alipay with an empty book, and a shop at it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.emulators.alipay.keyfiles import KeyFiles
from tests.emulators.alipay.merchant import APP_ID, OTHER_APP_ID, Shop, serving


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys that are made once, for every test to copy."""
    folder = tmp_path_factory.mktemp("alipay") / "keys"
    KeyFiles(folder).open((APP_ID, OTHER_APP_ID))
    return folder


@pytest.fixture
def data_dir(made_keys: Path, tmp_path: Path) -> Path:
    """A folder with keys and without a book."""
    shutil.copytree(made_keys, tmp_path / "keys")
    return tmp_path


@pytest.fixture
async def shop(data_dir: Path) -> AsyncIterator[Shop]:
    """A shop at a running stand-in."""
    async with serving(data_dir) as running:
        yield running
