"""Connections, and what happens when one fails.

Every wait has a bound: for a connection, a lock, a statement, a silent client, a silent server. A
connection is lent for one piece of work; after an error that the server told, its transaction is
rolled back and it is lent again, after anything else it is closed, so nobody ever gets one that is
in the middle of something. For the same reason nothing is sent to clean it when it comes back:
work here leaves no session state, and the round trip is saved.

Work that met a lost connection or a conflict is done again, a bounded number of times, so all work
must be safe to do twice: it reads, or it is keyed, or it looks at what is first. See `errors` for
what remains when that did not help.

Settings of the session are sent when a connection is made, which costs nothing. PgBouncer refuses
that, and in transaction mode it needs `statement_cache_size` 0: with 0 no setting is sent either,
and the role must bring the timeouts (`alter role gateway_runtime set statement_timeout = '5s'`, and
so on). `Database.problems` says so where it does not.

Besides timeouts, the planner is told to prefer an index always. A prepared statement keeps its
plan, and one that was made while a table was nearly empty reads it whole; until the statistics
follow, a minute later, every change would read thousands of rows (measured: 18 ms in place of 2).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar, cast

import asyncpg

from gateway.domain.errors import GatewayError
from gateway.store.errors import DRIVER_ERRORS, Fault, Kind, kind_of
from gateway.store.retry import is_gone, kind_on, settle, tried

SPARES_MAX = 3
"""Connections kept at hand between pieces of work, for the writer, the reader and one more.

Asking the driver's pool for a connection and giving it back makes a task each time: a tenth of what
a lonely payment costs.
"""

SILENCE_MARGIN_S = 2.0
"""Seconds beyond the server's own bound after which a silent statement is given up."""

CLOSE_TIMEOUT_S = 10.0
"""Seconds that a closing pool waits for connections that are still lent."""

BEGIN: Final = "begin isolation level read committed"
"""What begins a transaction that writes."""

S = TypeVar("S")
T = TypeVar("T")
Connection: TypeAlias = asyncpg.Connection
Work = Callable[[Connection], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """Where the database is, and the bounds of everything that waits for it.

    Attributes:
        dsn: where, as a URL. It may hold a password: it is never shown.
        size_max: connections at most.
        acquire_timeout_s: seconds to wait for a connection, making a new one included.
        statement_timeout_s: seconds that a statement may take, waiting for locks included.
        lock_timeout_s: seconds that a statement may wait for one lock.
        idle_in_transaction_timeout_s: seconds of silence within a transaction.
        statement_cache_size: prepared statements kept per connection; 0 behind PgBouncer.
        application_name: how the server shows our connections.
    """

    dsn: str = field(repr=False)
    size_max: int = 10
    acquire_timeout_s: float = 2.0
    statement_timeout_s: float = 5.0
    lock_timeout_s: float = 2.0
    idle_in_transaction_timeout_s: float = 10.0
    statement_cache_size: int = 256
    application_name: str = "payment-gateway"


@dataclass(frozen=True, slots=True)
class PoolStats:
    """Connections open, idle and at most, and how many callers wait for one."""

    size: int
    idle: int
    size_max: int
    waiting: int


@dataclass(slots=True)
class _Flight:
    """Whether what is under way on a connection would be kept if it went through."""

    committing: bool


class Undo(Exception):
    """Ends a transaction without keeping what it wrote, and gives a result all the same."""

    def __init__(self, result: object) -> None:
        super().__init__()
        self.result = result


class Pool:
    """Lends connections to work, and does it again where that is safe."""

    def __init__(self, settings: PoolSettings) -> None:
        self.settings = settings
        self._pool: Any = None
        self._spares: list[Connection] = []
        self._waiting = 0

    async def open(self) -> None:
        """Get ready. Connections are made when they are needed, so the server may be away."""
        self._pool = await asyncpg.create_pool(
            self.settings.dsn,
            min_size=0,
            max_size=self.settings.size_max,
            command_timeout=self.settings.statement_timeout_s + SILENCE_MARGIN_S,
            timeout=self.settings.acquire_timeout_s,
            statement_cache_size=self.settings.statement_cache_size,
            server_settings=_server_settings(self.settings),
            reset=_leave_as_it_is,
        )

    async def close(self) -> None:
        """Close all connections; those still lent after CLOSE_TIMEOUT_S are cut."""
        if self._pool is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                while self._spares:
                    await self._pool.release(self._spares.pop())
                await self._pool.close()

    @property
    def stats(self) -> PoolStats:
        """How the pool is used now."""
        size, idle = (self._pool.get_size(), self._pool.get_idle_size()) if self._pool else (0, 0)
        return PoolStats(size, idle + len(self._spares), self.settings.size_max, self._waiting)

    async def read(self, work: Work[T]) -> T:
        """Do work that only reads, each statement for itself. Raises GatewayError."""
        return await tried(lambda: self._each(work, _Flight(committing=False)))

    async def write(self, work: Work[T]) -> T:
        """Do work of which each statement commits by itself. Raises GatewayError."""
        return await tried(lambda: self._each(work, _Flight(committing=True)))

    async def transact(self, work: Work[T], begin: str = BEGIN) -> T:
        """Do work as one transaction; what it raises undoes it. Raises GatewayError."""
        return await tried(lambda: self._as_one(begin, work))

    async def write_after(self, look: Work[S], write: Callable[[Connection, S], Awaitable[T]]) -> T:
        """Read, then write in one statement that commits by itself. Raises GatewayError."""
        return await tried(lambda: self._looked(look, write))

    async def snapshot(self, work: Work[T]) -> T:
        """Do work that only reads, all of it as of one moment. Raises GatewayError."""
        begin = "begin isolation level repeatable read read only"
        return await tried(lambda: self._as_one(begin, work))

    async def _each(self, work: Work[T], flight: _Flight) -> T:
        async with self._lent(flight) as connection:
            return await work(connection)

    async def _looked(self, look: Work[S], write: Callable[[Connection, S], Awaitable[T]]) -> T:
        flight = _Flight(committing=False)
        async with self._lent(flight) as connection:
            seen = await look(connection)
            flight.committing = True
            return await write(connection, seen)

    async def _as_one(self, begin: str, work: Work[T]) -> T:
        flight = _Flight(committing=False)
        async with self._lent(flight) as connection:
            await connection.execute(begin)
            try:
                result = await work(connection)
            except Undo as undo:
                await connection.execute("rollback")
                return cast("T", undo.result)
            except GatewayError:
                await connection.execute("rollback")
                raise
            flight.committing = True
            status = await connection.execute("commit")
            if status != "COMMIT":
                raise AssertionError(f"the server answered {status} to a commit")
        return result

    @contextlib.asynccontextmanager
    async def _lent(self, flight: _Flight) -> AsyncIterator[Connection]:
        connection = self._spare() or await self._acquire()
        try:
            yield connection
        except BaseException as error:
            kind = kind_on(connection, error)
            await settle(connection, error, kind)
            if kind is None:
                raise
            raise Fault(kind, may_have_committed=_in_doubt(kind, flight)) from error
        finally:
            if not self._keep(connection):
                with contextlib.suppress(*DRIVER_ERRORS):
                    await self._pool.release(connection)

    def _spare(self) -> Connection | None:
        """Take a connection that is at hand and was not lost meanwhile."""
        while self._spares:
            if not is_gone(connection := self._spares.pop()):
                return connection
        return None

    def _keep(self, connection: Connection) -> bool:
        """Keep a sound connection at hand, unless somebody waits for one."""
        wanted = self._waiting or self._pool.is_closing() or len(self._spares) >= SPARES_MAX
        if wanted or is_gone(connection):
            return False
        self._spares.append(connection)
        return True

    async def _acquire(self) -> Connection:
        self._waiting += 1
        try:
            connection: Connection = await self._pool.acquire(
                timeout=self.settings.acquire_timeout_s
            )
            return connection
        except TimeoutError as error:
            all_lent = self._pool.get_size() == self.settings.size_max
            raise Fault(Kind.EXHAUSTED if all_lent else Kind.AWAY) from error
        except asyncpg.InterfaceError as error:
            raise Fault(Kind.AWAY) from error  # the pool is closing
        except DRIVER_ERRORS as error:
            kind = kind_of(error)
            if kind is None:
                raise
            raise Fault(kind) from error
        finally:
            self._waiting -= 1


def fetching(statement: str, *arguments: object) -> Work[list[asyncpg.Record]]:
    """Make the work that runs one statement and gives its rows."""

    async def work(connection: Connection) -> list[asyncpg.Record]:
        records: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
        return records

    return work


def _in_doubt(kind: Kind, flight: _Flight) -> bool:
    return flight.committing and kind is Kind.LOST


def _server_settings(settings: PoolSettings) -> dict[str, str]:
    found = {"application_name": settings.application_name}
    if settings.statement_cache_size:
        found |= {
            "statement_timeout": _milliseconds(settings.statement_timeout_s),
            "lock_timeout": _milliseconds(settings.lock_timeout_s),
            "idle_in_transaction_session_timeout": _milliseconds(
                settings.idle_in_transaction_timeout_s
            ),
            "enable_seqscan": "off",
            "jit": "off",
        }
    return found


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


async def _leave_as_it_is(connection: Connection) -> None:
    """Send nothing to a connection that comes back."""
