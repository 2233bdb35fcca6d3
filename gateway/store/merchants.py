"""MerchantStore: merchants, read and written as they are; who calls may remember them."""

from collections.abc import Sequence

import asyncpg

from gateway.domain.merchant import Merchant
from gateway.store.commit.gather import GatherBounds
from gateway.store.commit.lookup import Lookups
from gateway.store.journal_rows import merchant_of, merchant_settings
from gateway.store.pool import Connection, Pool, fetching
from gateway.store.queries import sql
from gateway.store.rows import dump

INSERT_MERCHANT = sql("insert_merchant")
UPDATE_MERCHANT = sql("update_merchant")
FIND_MERCHANTS = sql("find_merchants")
FIND_OWNER_BY_SERIAL = sql("find_owner_by_serial")
LIST_MERCHANTS = sql("list_merchants")

LAST_CHARACTER = "\U0010ffff"
"""Sorts after everything that an id may hold."""


class Merchants:
    """Merchants."""

    def __init__(self, pool: Pool, bounds: GatherBounds) -> None:
        self._pool = pool
        self._lookups = Lookups(pool, bounds, _find)

    async def create_merchant(self, merchant: Merchant) -> Merchant:
        """Keep a new merchant, or read the one that has the id already."""
        inserting = fetching(
            INSERT_MERCHANT,
            merchant.merchant_id,
            dump(merchant_settings(merchant)),
            merchant.version,
            merchant.create_time,
            merchant.update_time,
        )
        # Read first: a try that meets a merchant uses up a serial number.
        kept = await self.get_merchant(merchant.merchant_id)
        if kept is None:
            kept = _first(await self._pool.write(inserting))
        if kept is None:
            kept = await self.get_merchant(merchant.merchant_id)
        if kept is None:
            raise AssertionError(f"the id {merchant.merchant_id} is taken by nobody")
        return kept

    async def update_merchant(self, merchant: Merchant, expected_version: int) -> Merchant | None:
        """Replace a merchant if it still has the expected version; None otherwise."""
        updating = fetching(
            UPDATE_MERCHANT,
            merchant.merchant_id,
            expected_version,
            dump(merchant_settings(merchant)),
            merchant.version,
            merchant.update_time,
        )
        return _first(await self._pool.write(updating))

    async def get_merchant(self, merchant_id: str) -> Merchant | None:
        """Read one merchant. Those that many callers forgot at once are one question."""
        return await self._lookups.look_up(merchant_id)

    async def find_owner_by_serial(self, serial: int) -> str | None:
        """Read whose serial number it is: a merchant's, or that of an owner of wallets."""
        records = await self._pool.read(fetching(FIND_OWNER_BY_SERIAL, serial))
        return records[0]["owner_id"] if records else None

    async def list_merchants(self, prefix: str, after: str, limit: int) -> Sequence[Merchant]:
        """Read merchants by id, after the one named."""
        listing = fetching(LIST_MERCHANTS, after, prefix, prefix + LAST_CHARACTER, limit)
        return [merchant_of(record) for record in await self._pool.read(listing)]


def _first(records: list[asyncpg.Record]) -> Merchant | None:
    return merchant_of(records[0]) if records else None


async def _find(connection: Connection, wanted: Sequence[str]) -> dict[str, Merchant]:
    merchants = map(merchant_of, await connection.fetch(FIND_MERCHANTS, wanted))
    return {merchant.merchant_id: merchant for merchant in merchants}
