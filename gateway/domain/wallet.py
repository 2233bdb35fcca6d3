"""Wallets: what payers keep with us, per payer and currency.

A wallet is no object with a life but two balances: `available`, which pays, and `held`, which
authorisations have set aside. Both are the payer's own accounts in the customer book, never below
zero, and every change of them is a booking; what stands in the wallet's row is the same sum, kept
there so that a payment can be decided under one lock. Wallets belong to no merchant: their owner
is the payer, written `@payer`, which no merchant's id can be.
"""

from datetime import datetime
from typing import NamedTuple

from gateway.domain.value import value

WALLET_CHANNEL = "wallet"
"""Name of the channel that needs no call: its money is with us."""

_OWNER_MARK = "@"


class WalletRef(NamedTuple):
    """Names one wallet. A tuple, since batches look wallets up all the time."""

    owner_id: str
    currency: str


@value(frozen=True, slots=True)
class Wallet:
    """One wallet as it is now, in minor units of its currency.

    `serial` is the gateway's own short number for its owner, given by the store.
    """

    payer_id: str
    currency: str
    available: int
    held: int
    create_time: datetime
    update_time: datetime
    serial: int = 0


class WalletMove(NamedTuple):
    """What a change does to a wallet's two balances, in minor units, either sign."""

    wallet: WalletRef
    available: int = 0
    held: int = 0


def owner_of(payer_id: str) -> str:
    """Name the owner of a payer's wallets."""
    return _OWNER_MARK + payer_id


def payer_of(owner_id: str) -> str | None:
    """Give the payer who is an owner; None where the owner is a merchant."""
    return owner_id[1:] if owner_id.startswith(_OWNER_MARK) else None
