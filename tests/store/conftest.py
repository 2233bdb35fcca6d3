"""One server of each major version for all tests of the store, one database for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.store.database import Database
from tests.store.postgres import Server, Urls, new_database, running_server
from tests.store.scenes import opened


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with running_server(18) as found:
        yield found


@pytest.fixture(scope="session")
def older_server() -> Iterator[Server]:
    with running_server(16) as found:
        yield found


@pytest.fixture
async def urls(server: Server) -> Urls:
    return await new_database(server)


@pytest.fixture
async def database(urls: Urls) -> AsyncIterator[Database]:
    async with opened(urls) as found:
        yield found


@pytest.fixture(scope="session", params=[18, 16])
def each_server(request: pytest.FixtureRequest) -> Server:
    """Both servers, for tests whose promise rests on how Postgres locks and commits."""
    found: Server = request.getfixturevalue("server" if request.param == 18 else "older_server")
    return found


@pytest.fixture
async def each_urls(each_server: Server) -> Urls:
    return await new_database(each_server)
