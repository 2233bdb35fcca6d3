"""WalletStore: payers' wallets and what was booked on them.

A wallet's row is written by whoever books on it, in the same commit: here it is only made and read.
Its entries belong to the merchants that were paid, so they are found by the wallet's own index.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from gateway.domain.ledger import Entry
from gateway.domain.wallet import Wallet, WalletRef, payer_of
from gateway.store.journal_rows import entries_of
from gateway.store.pool import Connection, Pool, fetching
from gateway.store.queries import sql

FIND_WALLET = sql("find_wallet")
INSERT_WALLET_OWNER = sql("insert_wallet_owner")
INSERT_WALLET = sql("insert_wallet")
LIST_WALLET_TRANSFERS = sql("list_wallet_transfers")

LAST_ID = UUID(int=(1 << 128) - 1)
"""Comes after every entry's id."""


class Wallets:
    """Wallets."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def open_wallet(self, ref: WalletRef, now: datetime) -> Wallet:
        """Make a wallet, or read the one that there is.

        Raises:
            ValueError: the owner is not a payer.
            GatewayError: the database could not do it.
        """
        _payer_of(ref.owner_id)
        kept = await self.get_wallet(ref)
        if kept is None:
            kept = await self._pool.transact(partial(_open, ref=ref, now=now))
        return kept

    async def get_wallet(self, ref: WalletRef) -> Wallet | None:
        """Read one wallet."""
        return await self._pool.read(partial(_find, ref=ref))

    async def list_entries(
        self, ref: WalletRef, before: UUID | None, limit: int
    ) -> Sequence[Entry]:
        """Read the entries that touched a wallet, newest first, booked before the one named.

        Of each entry the transfers that touched the wallet: what else it booked, between merchants
        and the platform, is none of the payer's business.
        """
        key = (_payer_of(ref.owner_id), ref.currency)
        listing = fetching(LIST_WALLET_TRANSFERS, *key, before or LAST_ID, limit)
        return entries_of(await self._pool.read(listing))


async def _open(connection: Connection, ref: WalletRef, now: datetime) -> Wallet:
    await connection.execute(INSERT_WALLET_OWNER, ref.owner_id, now)
    await connection.execute(INSERT_WALLET, ref.owner_id, ref.currency, now)
    made = await _find(connection, ref)
    if made is None:
        raise AssertionError(f"the wallet of {ref.owner_id} in {ref.currency} was not made")
    return made


async def _find(connection: Connection, ref: WalletRef) -> Wallet | None:
    record = await connection.fetchrow(FIND_WALLET, ref.owner_id, ref.currency)
    return _wallet_of(record) if record else None


def _wallet_of(record: Mapping[str, Any]) -> Wallet:
    return Wallet(
        payer_id=_payer_of(record["owner_id"]),
        currency=record["currency"],
        available=record["available"],
        held=record["held"],
        create_time=record["create_time"],
        update_time=record["update_time"],
        serial=record["serial"],
    )


def _payer_of(owner_id: str) -> str:
    payer_id = payer_of(owner_id)
    if payer_id is None:
        raise ValueError(f"{owner_id!r} is no payer, and only payers have wallets")
    return payer_id
