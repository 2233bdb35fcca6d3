"""A stand-in for UnionPay with an empty book, and a till at it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.emulators.unionpay.keyfiles import KeyFiles
from tests.emulators.unionpay.till import MER_ID, OTHER_MER_ID, Till, serving


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys that are made once, for every test to copy."""
    folder = tmp_path_factory.mktemp("unionpay") / "keys"
    KeyFiles(folder).open((MER_ID, OTHER_MER_ID))
    return folder


@pytest.fixture
def data_dir(made_keys: Path, tmp_path: Path) -> Path:
    """A folder with keys and without a book."""
    shutil.copytree(made_keys, tmp_path / "keys")
    return tmp_path


@pytest.fixture
async def till(data_dir: Path) -> AsyncIterator[Till]:
    """A till at a running stand-in."""
    async with serving(data_dir) as running:
        yield running
