"""A payer's wallet and how it is used: filled and emptied through the sandbox, spent at shops.

Whatever terminal answer it gets is noted, so that the end of the session can hold every one of
them against the rows.
"""

import secrets
from typing import Any

from paymentgateway.client import money, new_idempotency_key
from paymentgateway.v1.ledger_pb2 import Entry
from paymentgateway.v1.payment_pb2 import (
    CAPTURE_MODE_AUTOMATIC,
    SCENE_WEB,
    Payer,
    PaymentMethod,
    SandboxMethod,
    SandboxScript,
    WalletMethod,
)
from paymentgateway.v1.payment_service_pb2 import PayRequest
from paymentgateway.v1.wallet_pb2 import TopUp, Withdrawal
from paymentgateway.v1.wallet_service_pb2 import TopUpResponse, WithdrawResponse
from tests.e2e.house import TERMINAL, House
from tests.e2e.shop import Shop, state
from tests.e2e.waiting import until
from tests.invariants import Told

FROM_WALLET = PaymentMethod(wallet=WalletMethod())

WALLET_CODES = {"wallet": "available", "wallet_held": "held"}


async def wallet_shop(house: House, **fields: Any) -> Shop:
    """Open a merchant that takes money from wallets too, without a fee."""
    return await house.shop(channels=["sandbox", "wallet"], **fields)


class Purse:
    """The wallet of a payer whom nobody else knows."""

    def __init__(self, house: House, currency: str = "CNY") -> None:
        self.house = house
        self.currency = currency
        self.payer = f"p_{secrets.token_hex(6)}"

    async def top_up(
        self, amount: str, script: SandboxScript | None = None, *, via: int = 0, key: str = ""
    ) -> TopUpResponse:
        """Bring money in."""
        answer = await self.house.clients[via].top_up(
            payer=self.payer,
            idempotency_key=key or new_idempotency_key(),
            amount=money(amount, self.currency),
            payment_method=PaymentMethod(sandbox=SandboxMethod(charge=script)),
            scene=SCENE_WEB,
        )
        self._note(answer.top_up, answer.top_up.top_up_id)
        return answer

    async def withdraw(
        self, amount: str, script: SandboxScript | None = None, *, via: int = 0, key: str = ""
    ) -> WithdrawResponse:
        """Take money out."""
        answer = await self.house.clients[via].withdraw(
            payer_id=self.payer,
            idempotency_key=key or new_idempotency_key(),
            amount=money(amount, self.currency),
            payment_method=PaymentMethod(sandbox=SandboxMethod(charge=script)),
        )
        self._note(answer.withdrawal, answer.withdrawal.withdrawal_id)
        return answer

    def spending(self, *, manual: bool = False) -> dict[str, Any]:
        """Give what makes a shop's payment one from this wallet."""
        return {
            "payment_method": FROM_WALLET,
            "payer": self.payer,
            "currency": self.currency,
            "manual": manual,
        }

    def item(self, shop: Shop, amount: str, key: str) -> PayRequest:
        """Make an item of a batch that pays from this wallet."""
        return request(shop, self.payer, amount, key, self.currency)

    async def balance(self, via: int = 0) -> tuple[int, int]:
        """Give what is available and what is held, in minor units."""
        wallet = await self.house.clients[via].get_wallet(
            payer_id=self.payer, currency_code=self.currency
        )
        return wallet.available.minor_units, wallet.held.minor_units

    async def topped_up(self, top_up: TopUp) -> TopUp:
        """Wait until a top-up has ended."""

        async def look() -> TopUp:
            found = await self.house.clients[1].get_top_up(
                payer_id=self.payer, top_up_id=top_up.top_up_id
            )
            self._note(found, found.top_up_id)
            return found

        return await until(look, lambda found: state(found) in TERMINAL)

    async def withdrawn(self, withdrawal: Withdrawal) -> Withdrawal:
        """Wait until a withdrawal has ended."""

        async def look() -> Withdrawal:
            found = await self.house.clients[1].get_withdrawal(
                payer_id=self.payer, withdrawal_id=withdrawal.withdrawal_id
            )
            self._note(found, found.withdrawal_id)
            return found

        return await until(look, lambda found: state(found) in TERMINAL)

    async def entries(self, page_size: int = 0) -> list[Entry]:
        """Read everything that was booked on it, newest first."""
        walk = self.house.clients[1].list_wallet_entries(
            payer_id=self.payer, currency_code=self.currency, page_size=page_size
        )
        return [entry async for entry in walk]

    def _note(self, found: Any, object_id: str) -> None:
        if state(found) in TERMINAL:
            told = Told(f"@{self.payer}", found.idempotency_key, object_id, state(found))
            self.house.told.add(told)


def request(shop: Shop, payer: str, amount: str, key: str, currency: str = "CNY") -> PayRequest:
    """Make the request that a shop's payment from a wallet is."""
    return PayRequest(
        merchant_id=shop.merchant_id,
        idempotency_key=key,
        order_id="o-1",
        amount=money(amount, currency),
        payment_method=FROM_WALLET,
        capture_mode=CAPTURE_MODE_AUTOMATIC,
        payer=Payer(payer_id=payer),
        scene=SCENE_WEB,
    )


def moves(entry: Entry) -> dict[str, int]:
    """Give what an entry does to a wallet's two balances, in minor units."""
    moved = dict.fromkeys(WALLET_CODES.values(), 0)
    for transfer in entry.transfers:
        for side, sign in ((transfer.credit, 1), (transfer.debit, -1)):
            if side.code in WALLET_CODES:
                moved[WALLET_CODES[side.code]] += sign * transfer.minor_units
    return moved
