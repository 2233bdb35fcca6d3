"""One server of each major version for all tests of the store, and an empty database for each."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.store.database import Database
from tests.store.postgres import Server, Urls, empty, new_database, running_server
from tests.store.scenes import opened


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with running_server(18) as found:
        yield found


@pytest.fixture(scope="session")
def older_server() -> Iterator[Server]:
    with running_server(16) as found:
        yield found


@pytest.fixture(scope="session")
def shared_urls(server: Server) -> Urls:
    return asyncio.run(new_database(server))


@pytest.fixture(scope="session")
def older_shared_urls(older_server: Server) -> Urls:
    return asyncio.run(new_database(older_server))


@pytest.fixture
async def urls(shared_urls: Urls) -> Urls:
    """An empty database."""
    await empty(shared_urls)
    return shared_urls


@pytest.fixture(params=["shared_urls", "older_shared_urls"])
async def each_urls(request: pytest.FixtureRequest, shared_urls, older_shared_urls) -> Urls:
    """An empty database on each server, where a promise rests on how Postgres locks and commits."""
    found: Urls = shared_urls if request.param == "shared_urls" else older_shared_urls
    await empty(found)
    return found


@pytest.fixture
async def database(urls: Urls) -> AsyncIterator[Database]:
    async with opened(urls) as found:
        yield found
