"""From settings to what runs: the database, the channels, the use cases.

The only place where both sides of a port meet; the type checker proves the fit here. Everything is
built by a function or opened by a context manager, so nothing outlives what opened it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.app.channels.opening import OpenChannel
from gateway.app.embedded import data_folder
from gateway.app.errors import StartError
from gateway.app.observer import Reporter
from gateway.clock import Clock
from gateway.config import Settings
from gateway.domain.ports import Channel
from gateway.store.checkup import Checkup, DatabaseUnreachable, check_up
from gateway.store.commit.gather import GatherBounds
from gateway.store.database import Database
from gateway.store.embedded import EmbeddedPostgres, EmbeddedPostgresError
from gateway.store.pool import PoolSettings
from gateway.usecases.cancel import Cancel
from gateway.usecases.capture import Capture
from gateway.usecases.execution import Execution, Timing
from gateway.usecases.expire import Expire
from gateway.usecases.intents import ExpiryTerms
from gateway.usecases.merchants import MerchantBook
from gateway.usecases.notified import Notified
from gateway.usecases.pay import Pay
from gateway.usecases.pay_many import PayMany
from gateway.usecases.query import Query
from gateway.usecases.recover import Recover
from gateway.usecases.refund import Refund
from gateway.usecases.review import Review
from gateway.usecases.services import Services
from gateway.usecases.spend import Spend
from gateway.usecases.top_up import TopUp
from gateway.usecases.wallets import Wallets
from gateway.usecases.watch import Watch, WatchTerms
from gateway.usecases.withdraw import Withdraw

OWNER = "gateway_owner"
RUNTIME = "gateway_runtime"


@dataclass(frozen=True, slots=True)
class Connections:
    """Where the database is, for each of the two roles. They may hold passwords."""

    runtime: str = field(repr=False)
    owner: str | None = field(repr=False)
    embedded: EmbeddedPostgres | None = None


@asynccontextmanager
async def open_connections(settings: Settings) -> AsyncIterator[Connections]:
    """Say where the database is; without one configured, run our own meanwhile.

    Raises StartError.
    """
    named = (settings.database_url, settings.owner_database_url)
    runtime, owner = (url.get_secret_value() if url else None for url in named)
    if owner or runtime:
        yield Connections(runtime or owner or "", owner)
        return
    try:
        server = EmbeddedPostgres(data_folder(settings))
        await server.start()
    except EmbeddedPostgresError as error:
        raise StartError(str(error)) from error
    try:
        yield Connections(server.dsn(user=RUNTIME), server.dsn(user=OWNER), server)
    finally:
        await server.stop()


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Checkup]:
    """Look at the database, for people. Raises StartError."""
    async with open_connections(settings) as connections:
        try:
            yield await check_up(connections.runtime)
        except DatabaseUnreachable as error:
            raise StartError(str(error)) from error


def pool_settings(settings: Settings, dsn: str) -> PoolSettings:
    """Give the bounds of everything that waits for the database."""
    return PoolSettings(
        dsn=dsn,
        size_max=settings.pool_size,
        acquire_timeout_s=settings.pool_acquire_timeout_ms / 1_000,
        statement_timeout_s=settings.statement_timeout_ms / 1_000,
        lock_timeout_s=settings.lock_timeout_ms / 1_000,
        idle_in_transaction_timeout_s=settings.idle_in_transaction_timeout_ms / 1_000,
        statement_cache_size=settings.statement_cache_size,
    )


def commit_bounds(settings: Settings) -> GatherBounds:
    """Give the bounds of everything that waits to be written."""
    return GatherBounds(
        batch_max=settings.commit_batch_max,
        backlog_max=settings.commit_backlog_max,
        wait_max_s=settings.commit_wait_max_ms / 1_000,
    )


def channel_ports(opened: Mapping[str, OpenChannel]) -> Mapping[str, Channel]:
    """Give the channels as use cases know them."""
    return {name: channel.port for name, channel in opened.items()}


def _authorization_lifetime(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.authorization_lifetime_s)


@dataclass(frozen=True, slots=True)
class UseCases:
    """Everything the gateway does, ready for transports, workers and the command line."""

    services: Services
    execution: Execution
    notified: Notified
    recover: Recover
    expire: Expire
    review: Review
    watch: Watch


def build_use_cases(
    settings: Settings, database: Database, channels: Mapping[str, Channel], reporter: Reporter
) -> UseCases:
    """Build the use cases over their ports."""
    clock = Clock()
    execution = Execution(
        payments=database.payments,
        work=database.work,
        channels=channels,
        clock=clock,
        timing=_timing(settings),
        observer=reporter,
    )
    merchants = MerchantBook(database.merchants, clock)
    watch = Watch(database.events, merchants, clock, _watch_terms(settings))
    return UseCases(
        services=_services(settings, database, execution, merchants, watch),
        execution=execution,
        notified=Notified(execution, merchants),
        recover=Recover(execution, settings.recovery_batch_max, settings.not_found_max),
        expire=Expire(execution, settings.recovery_batch_max),
        review=Review(execution),
        watch=watch,
    )


def _services(
    settings: Settings,
    database: Database,
    execution: Execution,
    merchants: MerchantBook,
    watch: Watch,
) -> Services:
    query = Query(database.payments, database.ledger)
    expiry = _expiry(settings)
    spend = Spend(execution, merchants, expiry, _authorization_lifetime(settings))
    pay = Pay(execution, merchants, expiry, spend)
    wallets = Wallets(database.wallets, execution.clock)
    return Services(
        pay=pay,
        pay_many=PayMany(execution, merchants, pay, spend),
        capture=Capture(execution),
        cancel=Cancel(execution),
        refund=Refund(execution, merchants),
        get_payment=query.payment,
        list_payments=database.payments.list_payments,
        watch_payments=watch,
        get_refund=query.refund,
        list_refunds=database.payments.list_operations,
        open_wallet=wallets.open,
        get_wallet=wallets.get,
        top_up=TopUp(execution, database.wallets, expiry),
        withdraw=Withdraw(execution, database.wallets, expiry),
        get_transfer=query.transfer,
        list_wallet_entries=wallets.entries,
        create_merchant=merchants.create,
        get_merchant=merchants.read,
        update_merchant=merchants.update,
        list_merchants=merchants.list,
        list_accounts=query.accounts,
        list_entries=query.entries,
        trial_balance=database.ledger.trial_balance,
    )


def _timing(settings: Settings) -> Timing:
    return Timing(
        lease_margin=timedelta(milliseconds=settings.lease_margin_ms),
        recovery_delay_min=timedelta(milliseconds=settings.recovery_delay_min_ms),
        recovery_delay_max=timedelta(milliseconds=settings.recovery_delay_max_ms),
        review_after=timedelta(seconds=settings.review_after_s),
    )


def _expiry(settings: Settings) -> ExpiryTerms:
    return ExpiryTerms(
        default=timedelta(seconds=settings.payment_expiry_default_s),
        longest=timedelta(seconds=settings.payment_expiry_max_s),
    )


def _watch_terms(settings: Settings) -> WatchTerms:
    return WatchTerms(
        watchers_max=settings.watchers_max,
        poll_s=settings.watch_poll_ms / 1_000,
        heartbeat_s=settings.heartbeat_s,
    )
