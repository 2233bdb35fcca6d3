"""LedgerStore: balances, entries, the fold, the platform's own money, the reserve proof.

A balance is the cached sum plus what is not yet folded, read in one statement. The fold moves the
horizon up to the oldest transaction that still runs: nothing below it can appear any more, so no
transfer is left out and none is added twice, however many write and fold at once.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from gateway.clock import Clock
from gateway.domain.errors import key_mismatch
from gateway.domain.idempotency import Field, canonical
from gateway.domain.ledger import (
    CHART,
    AccountSum,
    Entry,
    KeyKind,
    Transfer,
    customer,
    own,
)
from gateway.domain.money import Money
from gateway.domain.reserve import ReserveProof
from gateway.store import audit, reserve
from gateway.store.commit.rows import transfers
from gateway.store.journal_rows import account_sum_of, entries_of
from gateway.store.pool import Connection, Pool, Undo, fetching
from gateway.store.queries import sql
from gateway.store.rows import dump

MERCHANT_ACCOUNTS = sql("merchant_accounts")
TRIAL_BALANCE = sql("trial_balance")
TRIAL_BALANCE_OF_OWNER = sql("trial_balance_of_owner")
PAYMENT_TRANSFERS = sql("payment_transfers")
LOCK_FOLD_POSITION = sql("lock_fold_position")
FIND_FOLD_END = sql("find_fold_end")
FOLD_TRANSFERS = sql("fold_transfers")
MOVE_FOLD_POSITION = sql("move_fold_position")
INSERT_CLAIM = sql("insert_claim")
FIND_CLAIMS = sql("find_claims")
INSERT_TRANSFERS = sql("insert_transfers")
RAISE_BUDGET = sql("raise_budget")

FOLD_TRANSFERS_MAX = 20_000
"""Transfers folded at most at once, so that a fold ends in time; far more than one commit has."""

PLATFORM = "-platform"
"""Owner of what belongs to no merchant; no merchant's id begins so."""

FUND = "FUND"
"""Kind of the keys under which the platform's own money came in."""

MERCHANT_CODES = [
    code for chart in CHART.values() for code, rule in chart.items() if rule.key is KeyKind.MERCHANT
]


@dataclass(frozen=True, slots=True)
class _Funding:
    """Own money that goes into the reserve, under a key."""

    money: Money
    idempotency_key: str
    entry: Entry

    @property
    def fingerprint(self) -> bytes:
        """What the key stands for."""
        fields: dict[str, Field] = {
            "currency": self.money.currency,
            "minor_units": self.money.minor_units,
        }
        return hashlib.sha256(canonical(fields)).digest()


class Ledger:
    """The journal and its balances."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def merchant_accounts(self, merchant_id: str) -> Sequence[AccountSum]:
        """Sum up the accounts that are the merchant's own."""
        return await self._sums(MERCHANT_ACCOUNTS, merchant_id, MERCHANT_CODES)

    async def trial_balance(self, owner_id: str) -> Sequence[AccountSum]:
        """Sum up all accounts, or with an owner those that its events touched."""
        if owner_id:
            return await self._sums(TRIAL_BALANCE_OF_OWNER, owner_id)
        return await self._sums(TRIAL_BALANCE)

    async def payment_entries(self, merchant_id: str, payment_id: UUID) -> Sequence[Entry]:
        """Read a payment's entries, oldest first."""
        reading = fetching(PAYMENT_TRANSFERS, merchant_id, payment_id)
        return entries_of(await self._pool.read(reading))

    async def fold(self) -> int:
        """Fold new transfers into the cached balances. Give how many accounts changed.

        At most FOLD_TRANSFERS_MAX transfers at once: as long as accounts change, there may be more.
        """
        return await self._pool.transact(_fold)

    async def fund(self, money: Money, idempotency_key: str) -> bool:
        """Bring own money into the reserve, so that it may be advanced. False: a replay.

        Raises:
            ValueError: the amount is below one.
            Refused: the key stands for another amount.
        """
        funding = _Funding(money, idempotency_key, self._funding_entry(money))
        return await self._pool.transact(partial(_fund, funding=funding))

    async def check(self) -> list[audit.Finding]:
        """Re-add everything from the transfers, as of one moment, and say what does not agree."""
        return await self._pool.snapshot(audit.check)

    async def prove_reserve(self, as_of: datetime | None, overdue_after: timedelta) -> ReserveProof:
        """Prove that customers' money is there, as of now or of a past moment.

        `overdue_after` is how long a channel may take to pay what it owes.

        Raises:
            InvalidRequest: the moment is too young, or still to come.
            Contended: a transaction that ran when a moment was first asked for does not end.
        """
        horizon = await reserve.keep_moment(self._pool, as_of) if as_of else None
        return await self._pool.snapshot(
            partial(reserve.prove, moment=as_of, horizon=horizon, overdue_after=overdue_after)
        )

    async def _sums(self, statement: str, *arguments: object) -> list[AccountSum]:
        records = await self._pool.read(fetching(statement, *arguments))
        return [account_sum_of(record) for record in records]

    def _funding_entry(self, money: Money) -> Entry:
        amount = money.minor_units
        return Entry(
            owner_id=PLATFORM,
            entry_id=self._clock.new_id(),
            event="own_funds_added",
            currency=money.currency,
            transfers=(
                Transfer(customer("reserve_bank", "main"), customer("due_to_own"), amount),
                Transfer(own("due_from_reserve"), own("own_bank"), amount),
            ),
            create_time=self._clock.now(),
        )


async def _fold(connection: Connection) -> int:
    # Each statement has a snapshot of its own, taken when the lock is held: what is below the
    # horizon that the second one gives is visible to the third.
    start = await connection.fetchval(LOCK_FOLD_POSITION)
    end = await connection.fetchval(FIND_FOLD_END, start, FOLD_TRANSFERS_MAX)
    if end < start:
        raise AssertionError(
            "this server counts transactions from another beginning than its data: it was filled "
            "from a dump, and the feed and the fold cannot go on"
        )
    changed = await connection.fetch(FOLD_TRANSFERS, start, end)
    await connection.execute(MOVE_FOLD_POSITION, end)
    return len(changed)


async def _fund(connection: Connection, funding: _Funding) -> bool:
    entry = funding.entry
    claim = {
        "owner_id": PLATFORM,
        "idempotency_key": funding.idempotency_key,
        "kind": FUND,
        "fingerprint": funding.fingerprint,
        "fingerprint_version": 1,
        "object_id": entry.entry_id,
        "refusal_message": "",
        "caller_id": "",
        "create_time": entry.create_time,
    }
    if await connection.fetchval(INSERT_CLAIM, dump([claim])) is None:
        existing = await connection.fetchrow(FIND_CLAIMS, [PLATFORM], [funding.idempotency_key])
        if existing["fingerprint"] != funding.fingerprint:
            raise key_mismatch()
        raise Undo(existing["object_id"] == entry.entry_id)
    await connection.execute(INSERT_TRANSFERS, list(transfers(entry)))
    await connection.execute(RAISE_BUDGET, funding.money.currency, funding.money.minor_units)
    return True
