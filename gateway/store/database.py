"""Database: every store over one pool, and what there is to know of the server."""

import asyncio
import contextlib

import asyncpg

from gateway.clock import Clock
from gateway.domain import ports
from gateway.domain.errors import GatewayError
from gateway.store import migrate
from gateway.store.commit.gather import GatherBounds
from gateway.store.errors import Kind, as_seen_by_callers, why
from gateway.store.events import Events
from gateway.store.facts import Deployment, Facts, ServerFacts
from gateway.store.ledger import Ledger
from gateway.store.merchants import Merchants
from gateway.store.movements import Movements
from gateway.store.payments import Payments
from gateway.store.pool import CLOSE_TIMEOUT_S, Connection, Pool, PoolSettings, PoolStats, fetching
from gateway.store.quarantine import Quarantine
from gateway.store.queries import sql
from gateway.store.roles import role_problems
from gateway.store.wallets import Wallets
from gateway.store.work import Work

PING = sql("ping")
TIMEOUTS = sql("timeouts")


class Database:
    """The stores, ready to be handed to use cases as the ports they fill.

    Attributes:
        payments, wallets, work, merchants, events, ledger: the stores.
        quarantine, movements: what only people and the night's jobs look at.
    """

    payments: ports.PaymentStore
    wallets: ports.WalletStore
    work: ports.WorkStore
    merchants: ports.MerchantStore
    events: ports.EventStore
    ledger: Ledger
    quarantine: Quarantine
    movements: Movements

    def __init__(
        self,
        settings: PoolSettings,
        clock: Clock | None = None,
        bounds: GatherBounds | None = None,
    ) -> None:
        self._pool = Pool(settings)
        self._facts = Facts(self._pool)
        bounds = bounds or GatherBounds()
        self.payments = self._payments = Payments(self._pool, bounds)
        self.wallets = Wallets(self._pool)
        self.work = Work(self._pool)
        self.merchants = Merchants(self._pool, bounds)
        self.events = Events(self._pool, self._facts)
        self.ledger = Ledger(self._pool, clock or Clock())
        self.quarantine = Quarantine(self._pool)
        self.movements = Movements(self._pool)

    async def open(self) -> None:
        """Get ready; connections are made when they are needed. Ask `problems` before serving."""
        await self._pool.open()

    async def close(self) -> None:
        """Write what was asked for, then close all connections; each in a bounded time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._payments.drain()
        await self._pool.close()

    @property
    def waiting(self) -> int:
        """How many changes wait to be written."""
        return self._payments.waiting

    async def problems(self) -> list[str]:
        """Say why this database cannot be served from, one sentence each; nothing where it can."""
        try:
            return await self._pool.read(_problems)
        except (GatewayError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            remedy = "check that it runs and that GATEWAY_DATABASE_URL names it."
            return [f"The database cannot be used ({why(error)}): {remedy}"]

    async def ping(self, timeout_s: float) -> None:
        """Return if the database answers in time. Raises Unavailable."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._pool.read(fetching(PING))
        except TimeoutError as error:
            raise as_seen_by_callers(Kind.LOST, may_have_committed=False) from error

    async def deployment(self) -> Deployment:
        """Say which database this is. Raises GatewayError."""
        return await self._facts.deployment()

    async def server(self) -> ServerFacts:
        """Say what bounds and drives the server. Raises GatewayError."""
        return await self._facts.server()

    @property
    def pool(self) -> PoolStats:
        """How the pool is used now."""
        return self._pool.stats


async def _problems(connection: Connection) -> list[str]:
    """Check the schema, the role and the bounds of a session."""
    missing = [name for name, value in await connection.fetch(TIMEOUTS) if value == "0"]
    unbounded = [
        f"Sessions have no {name}: behind PgBouncer the role must bring it, such as "
        f"`alter role {migrate.RUNTIME_ROLE} set {name} = '5s'`."
        for name in missing
    ]
    return [
        *await migrate.problems(connection),
        *await role_problems(connection),
        *unbounded,
    ]
