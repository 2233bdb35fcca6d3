"""What callers want written: a payment opened, or one changed."""

from typing import TypeAlias
from uuid import UUID

from gateway.domain.idempotency import Claim
from gateway.domain.ports import Changed, Decide, Opened, Opening
from gateway.domain.value import value

Owned: TypeAlias = tuple[str, UUID]
"""An owner and an identifier of something that is the owner's."""


@value(frozen=True, slots=True)
class Altering:
    """A change of a payment, decided under its lock; see `PaymentStore.change_payment`."""

    payment: Owned
    decide: Decide
    claim: Claim | None = None
    lock_funds: bool = False


Wanted: TypeAlias = Opening | Altering
Result: TypeAlias = Opened | Changed
