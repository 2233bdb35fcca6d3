"""What callers want written: a payment opened, or one changed. And what two of them share."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from gateway.domain.idempotency import Claim
from gateway.domain.ports import Changed, Decide, Opened, Opening

Owned: TypeAlias = tuple[str, UUID]
"""An owner and an identifier of something that is the owner's."""


@dataclass(frozen=True, slots=True)
class Altering:
    """A change of a payment, decided under its lock; see `PaymentStore.change_payment`."""

    payment: Owned
    decide: Decide
    claim: Claim | None = None
    lock_funds: bool = False


Wanted: TypeAlias = Opening | Altering
Result: TypeAlias = Opened | Changed


def touches(wanted: Wanted) -> Iterator[Hashable]:
    """Name what nobody else in the same batch may touch: a key, and an order's only slot."""
    claim = wanted.claim
    if claim is not None:
        yield claim.owner_id, claim.idempotency_key
    if isinstance(wanted, Opening) and wanted.exclusive_order:
        yield wanted.claim.owner_id, "order", wanted.exclusive_order
