"""Merchants: made under an id of the caller's, read, replaced, listed; and a short memory of them.

Every payment needs its merchant, which changes rarely: a bounded memory spares the read. What it
holds may be as old as its lifetime, which is how long a change may take to reach every process.
"""

from collections.abc import Sequence

from gateway.clock import Clock
from gateway.domain.errors import AlreadyExists, Contended, NotFound, Reason
from gateway.domain.merchant import Merchant
from gateway.domain.ports import MerchantStore
from gateway.domain.value import replace

MEMORY_LIFETIME_S = 5.0
"""Age in seconds at which a remembered merchant is read again."""

MEMORY_ENTRIES_MAX = 10_000
"""Merchants, and serial numbers, remembered at most; when full, the memory starts anew."""


class MerchantBook:
    """Merchants, with the memory."""

    def __init__(self, store: MerchantStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._memory: dict[str, tuple[float, Merchant]] = {}
        self._owners: dict[int, str] = {}

    def recall(self, merchant_id: str) -> Merchant | None:
        """Give a merchant out of memory, at most MEMORY_LIFETIME_S old; None if it is not there."""
        known = self._memory.get(merchant_id)
        if known and self._clock.monotonic() - known[0] < MEMORY_LIFETIME_S:
            return known[1]
        return None

    async def get(self, merchant_id: str) -> Merchant:
        """Give a merchant, at most MEMORY_LIFETIME_S old. Raises NotFound."""
        return self.recall(merchant_id) or await self.read(merchant_id)

    async def read(self, merchant_id: str) -> Merchant:
        """Give a merchant as it is now. Raises NotFound."""
        merchant = await self._store.get_merchant(merchant_id)
        if merchant is None:
            raise NotFound(Reason.MERCHANT_NOT_FOUND, "There is no such merchant.")
        return self._remember(merchant)

    async def owner_of_serial(self, serial: int) -> str | None:
        """Give whose serial number it is: a merchant's, or that of an owner of wallets."""
        known = self._owners.get(serial)
        if known is None:
            known = await self._store.find_owner_by_serial(serial)
            if known is not None:
                self._remember_owner(serial, known)
        return known

    async def create(self, merchant: Merchant) -> Merchant:
        """Make a merchant; the same again is answered with it. Raises AlreadyExists."""
        kept = await self._store.create_merchant(merchant)
        if not _same_content(kept, merchant):
            words = "A merchant with this id exists with other content."
            raise AlreadyExists(Reason.MERCHANT_EXISTS, words)
        return self._remember(kept)

    async def update(self, merchant: Merchant) -> Merchant:
        """Replace a merchant that still has the version given.

        A retry of a replacement that was made is answered with it. Raises NotFound, Contended.
        """
        changed = replace(merchant, version=merchant.version + 1, update_time=self._clock.now())
        kept = await self._store.update_merchant(changed, merchant.version)
        if kept is None:
            kept = await self.read(merchant.merchant_id)
            made_before = kept.version == merchant.version + 1 and _same_content(kept, merchant)
            if not made_before:
                words = f"The merchant has version {kept.version} by now; read it again."
                raise Contended(Reason.VERSION_CONFLICT, words)
        return self._remember(kept)

    async def list(self, prefix: str, after: str, limit: int) -> Sequence[Merchant]:
        """Give merchants by id, after the one named."""
        return await self._store.list_merchants(prefix, after, limit)

    def _remember(self, merchant: Merchant) -> Merchant:
        if len(self._memory) >= MEMORY_ENTRIES_MAX:
            self._memory.clear()
        self._memory[merchant.merchant_id] = (self._clock.monotonic(), merchant)
        self._remember_owner(merchant.serial, merchant.merchant_id)
        return merchant

    def _remember_owner(self, serial: int, owner_id: str) -> None:
        if len(self._owners) >= MEMORY_ENTRIES_MAX:
            self._owners.clear()
        self._owners[serial] = owner_id


def _same_content(one: Merchant, other: Merchant) -> bool:
    """Compare what the caller decides, leaving out what the gateway gives."""
    alike = replace(
        other,
        version=one.version,
        serial=one.serial,
        create_time=one.create_time,
        update_time=one.update_time,
    )
    return one == alike
