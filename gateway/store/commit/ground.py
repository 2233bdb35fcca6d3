"""The ground that a batch is decided on: what its keys stand for, and what is.

Openings need no lock as long as nobody else is after the same: they are decided on what a glance
shows, and written only if their keys are free and their wallets hold enough still. Everything else
is locked first, and so are openings that lost a race. Locks are taken kind by kind, in one order
for every batch: payments, guards of merchants' balances, wallets, the platform's budgets, and last,
by writing them, the keys. Within a kind they are sorted. So batches of several processes wait for
each other, and never in a circle.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from gateway.domain.change import Aggregate, Funds
from gateway.domain.decisions.bookings import from_wallet
from gateway.domain.idempotency import Claim
from gateway.domain.ids import parse_channel_number
from gateway.domain.payment import Payment, Purpose
from gateway.domain.ports import Opening
from gateway.domain.value import replace
from gateway.domain.wallet import WalletRef, owner_of
from gateway.store import rows
from gateway.store.commit.wanted import Altering, Owned, Wanted
from gateway.store.pool import Connection
from gateway.store.queries import sql

FIND_CLAIMS = sql("find_claims")
FIND_TAKEN_ORDERS = sql("find_taken_orders")
LOCK_PAYMENTS = sql("lock_payments")
LOAD_AGGREGATES = sql("load_aggregates")
INSERT_GUARDS = sql("insert_guards")
LOCK_GUARDS = sql("lock_guards")
READ_FUNDS = sql("read_funds")
LOCK_BUDGETS = sql("lock_budgets")
LOCK_WALLETS = sql("lock_wallets")
LOOK = sql("look_at_keys_and_wallets")

NO_WALLET = (None, None)

Key: TypeAlias = tuple[str, str]
"""An owner with an idempotency key, an order, or a currency."""


class Holding(NamedTuple):
    """What a wallet holds, in minor units."""

    available: int
    held: int


@dataclass(slots=True)
class Ground:
    """What was read; while a batch is decided, it moves on with each decision."""

    claims: dict[Key, Claim] = field(default_factory=dict)
    aggregates: dict[Owned, Aggregate] = field(default_factory=dict)
    funds: dict[Key, Funds] = field(default_factory=dict)
    wallets: dict[WalletRef, Holding] = field(default_factory=dict)
    orders: set[Key] = field(default_factory=set)

    def claim_before(self, claim: Claim | None) -> Claim | None:
        """Give what a key stood for before this claim on it."""
        return self.claims.get((claim.owner_id, claim.idempotency_key)) if claim else None


async def glance(connection: Connection, batch: Sequence[Opening]) -> Ground:
    """Read what openings need, and lock nothing: what they take is looked at again when written."""
    ground = Ground()
    for record in await connection.fetch(LOOK, *_columns([_looked_for(item) for item in batch])):
        if record["kind"]:
            claim = rows.claim_of(record)
            ground.claims[claim.owner_id, claim.idempotency_key] = claim
        if record["available"] is not None:
            ref = WalletRef(record["wallet_owner_id"], record["currency"])
            ground.wallets[ref] = Holding(record["available"], record["held"])
    answered = set(_answered(batch, ground))
    if answered:
        ground.aggregates = await load_aggregates(connection, answered)
    ground.orders = await _taken_orders(connection, batch)
    return ground


def _looked_for(item: Opening) -> tuple[str | None, ...]:
    return (item.claim.owner_id, item.claim.idempotency_key, *(item.wallet or NO_WALLET))


async def survey(connection: Connection, batch: Sequence[Wanted]) -> Ground:
    """Read and lock what a batch needs, each kind in one statement, and none for nothing."""
    ground = Ground(claims=await find_claims(connection, _keys(batch)))
    fresh = [item for item in batch if ground.claim_before(item.claim) is None]
    altered = [item for item in fresh if isinstance(item, Altering)]
    locked = [item.payment for item in altered]
    if locked:
        await connection.fetch(LOCK_PAYMENTS, *_columns(locked))
    needed = {*locked, *_answered(batch, ground)}
    if needed:
        ground.aggregates = await load_aggregates(connection, needed)
    ground.funds = await _funds(connection, altered, ground)
    ground.wallets = await _wallets(connection, fresh, ground)
    ground.orders = await _taken_orders(connection, fresh)
    return ground


async def find_claims(connection: Connection, keys: Sequence[Key]) -> dict[Key, Claim]:
    """Read what keys stand for."""
    if not keys:
        return {}
    records = await connection.fetch(FIND_CLAIMS, *_columns(keys))
    claims = map(rows.claim_of, records)
    return {(claim.owner_id, claim.idempotency_key): claim for claim in claims}


async def load_aggregates(
    connection: Connection, payments: Iterable[Owned]
) -> dict[Owned, Aggregate]:
    """Read payments with their operations and attempts as of one moment, without funds."""
    records = await connection.fetch(LOAD_AGGREGATES, *_columns(list(payments)))
    found = {}
    for record in records:
        operations = map(rows.operation_of, rows.load(record["operations"] or "[]"))
        attempts = map(rows.attempt_of, rows.load(record["attempts"] or "[]"))
        payment = rows.payment_of(record)
        found[payment.merchant_id, payment.payment_id] = Aggregate(
            payment=payment,
            operations={operation.operation_id: operation for operation in operations},
            attempts={attempt.attempt_id: attempt for attempt in attempts},
            serial=serial_of(payment),
            funds=Funds(),
        )
    return found


def serial_of(payment: Payment) -> int:
    """Give the owner's serial number, which stands in our number for the payment at its channel."""
    parsed = parse_channel_number(payment.attempt_number) if payment.attempt_number else None
    return parsed[0] if parsed else 0


def wallet_of(payment: Payment) -> WalletRef | None:
    """Name the wallet whose money a payment moves."""
    if payment.purpose is Purpose.PURCHASE and not from_wallet(payment):
        return None
    return WalletRef(owner_of(payment.payer.payer_id), payment.currency)


async def with_budgets(connection: Connection, ground: Ground, currencies: Iterable[str]) -> Ground:
    """Lock the platform's budgets: what was read of them before may have changed."""
    records = await connection.fetch(LOCK_BUDGETS, sorted(currencies))
    budgets = {record["currency"]: record["budget"] for record in records}
    funds = {
        key: replace(funds, platform_budget=budgets.get(key[1], funds.platform_budget))
        for key, funds in ground.funds.items()
    }
    return replace(ground, funds=funds)


def _keys(batch: Sequence[Wanted]) -> list[Key]:
    return [(item.claim.owner_id, item.claim.idempotency_key) for item in batch if item.claim]


def _answered(batch: Sequence[Wanted], ground: Ground) -> Iterable[Owned]:
    """Name the payments that answer those whose key was used before."""
    for item in batch:
        existing = ground.claim_before(item.claim)
        if existing and isinstance(item, Altering):
            yield item.payment
        elif existing and not existing.refusal:
            yield existing.owner_id, existing.object_id


async def _funds(
    connection: Connection, altered: Sequence[Altering], ground: Ground
) -> dict[Key, Funds]:
    """Lock the balances that decisions look at, and read them after that."""
    asking = {item.payment for item in altered if item.lock_funds}
    found = [ground.aggregates[key].payment for key in asking if key in ground.aggregates]
    keys = sorted({(payment.merchant_id, payment.currency) for payment in found})
    if not keys:
        return {}
    await connection.execute(INSERT_GUARDS, *_columns(keys))
    await connection.fetch(LOCK_GUARDS, *_columns(keys))
    records = await connection.fetch(READ_FUNDS, *_columns(keys))
    return {
        (record["merchant_id"], record["currency"]): Funds(
            record["merchant_balance"], record["platform_budget"]
        )
        for record in records
    }


async def _wallets(
    connection: Connection, fresh: Sequence[Wanted], ground: Ground
) -> dict[WalletRef, Holding]:
    """Lock every wallet that a decision may look at or move."""
    refs = {ref for item in fresh if (ref := _wallet_wanted(item, ground))}
    if not refs:
        return {}
    records = await connection.fetch(LOCK_WALLETS, *_columns(list(refs)))
    return {
        WalletRef(owner_id, currency): Holding(available, held)
        for owner_id, currency, available, held in records
    }


def _wallet_wanted(item: Wanted, ground: Ground) -> WalletRef | None:
    if isinstance(item, Opening):
        return item.wallet
    aggregate = ground.aggregates.get(item.payment)
    return wallet_of(aggregate.payment) if aggregate else None


async def _taken_orders(connection: Connection, fresh: Sequence[Wanted]) -> set[Key]:
    orders = [
        (item.claim.owner_id, item.exclusive_order)
        for item in fresh
        if isinstance(item, Opening) and item.exclusive_order
    ]
    if not orders:
        return set()
    records = await connection.fetch(FIND_TAKEN_ORDERS, *_columns(orders))
    return {(record["merchant_id"], record["order_slot"]) for record in records}


def _columns(rows_: Sequence[tuple[object, ...]]) -> tuple[tuple[object, ...], ...]:
    return tuple(zip(*rows_, strict=True))
