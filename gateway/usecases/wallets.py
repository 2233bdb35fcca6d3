"""Wallets: opened, read, and what was booked on them. Nothing here moves money."""

from collections.abc import Sequence
from uuid import UUID

from gateway.clock import Clock
from gateway.domain.errors import wallet_not_found
from gateway.domain.ledger import Entry
from gateway.domain.ports import WalletStore
from gateway.domain.wallet import Wallet, WalletRef


class Wallets:
    """The use cases."""

    def __init__(self, store: WalletStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def open(self, ref: WalletRef) -> Wallet:
        """Make a wallet, or read the one that there is."""
        return await self._store.open_wallet(ref, self._clock.now())

    async def get(self, ref: WalletRef) -> Wallet:
        """Read a wallet. Raises NotFound where it was never opened."""
        wallet = await self._store.get_wallet(ref)
        if wallet is None:
            raise wallet_not_found()
        return wallet

    async def entries(self, ref: WalletRef, before: UUID | None, limit: int) -> Sequence[Entry]:
        """Read what was booked on a wallet, newest first, before the entry named."""
        return await self._store.list_entries(ref, before, limit)
