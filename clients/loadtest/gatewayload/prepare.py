"""What a run needs before it begins: merchants to be paid, and wallets with enough money.

Both are made for this run alone, under its id, so that nobody else's payments stand between the
oracle and the ledger. Wallets are topped up through the sandbox channel, so the gateway must have
that channel; every step may be sent again, and is.
"""

import asyncio
import time
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from gatewayload.connection import Questions
from gatewayload.crowd import each
from gatewayload.deck import merchant_ids, payer_ids
from gatewayload.settings import Method, Mix, Settings
from paymentgateway.v1 import (
    merchant_pb2,
    merchant_service_pb2,
    payment_pb2,
    wallet_service_pb2,
)
from paymentgateway.v1.money_pb2 import Money

WALLET_MINOR_UNITS: Final = 100_000_000_000
"""What each wallet is topped up with: a hundred thousand payments of the largest amount."""

TOP_UP_S_MAX: Final = 60.0
"""How long one top-up may take to succeed, in seconds."""

IN_FLIGHT_MAX: Final = 32
PAUSE_S: Final = 0.2
"""Pause between two looks at a top-up that is still processing, in seconds."""

FEE_MILLIONTHS: Final = 1_000
"""Fee of the merchants that are made, 0.1 %, so that a payment costs what a real one does."""


class NotPrepared(Exception):
    """The gateway answered, but not as the run needs; the message says what to do."""


class Preparation:
    """Makes merchants and wallets of one run. Each call raises GatewayError."""

    def __init__(self, settings: Settings, questions: Questions) -> None:
        self._settings, self._questions = settings, questions

    async def run(self) -> None:
        """Make what the run needs. Raises NotPrepared for a top-up that does not succeed."""
        if not self._settings.mix.merchant_ids:
            await each(merchant_ids(self._settings), self._merchant, IN_FLIGHT_MAX)
        if self._settings.mix.method is Method.WALLET:
            await each(payer_ids(self._settings), self._wallet, IN_FLIGHT_MAX)

    async def _merchant(self, merchant_id: str) -> None:
        request = merchant_service_pb2.CreateMerchantRequest(
            merchant_id=merchant_id, merchant=_merchant(merchant_id, self._settings.mix)
        )
        await self._questions.ask(self._questions.merchants.CreateMerchant, request)

    async def _wallet(self, payer_id: str) -> None:
        request = wallet_service_pb2.OpenWalletRequest(
            payer_id=payer_id, currency_code=self._settings.mix.currency
        )
        await self._questions.ask(self._questions.wallets.OpenWallet, request)
        await self._top_up(payer_id)

    async def _top_up(self, payer_id: str) -> None:
        """Top up one wallet; a replay of its key tells how far it is."""
        request, end = _top_up(payer_id, self._settings), time.monotonic() + TOP_UP_S_MAX
        while True:
            answer = await self._questions.ask(self._questions.wallets.TopUp, request)
            state = answer.top_up.state
            if state == payment_pb2.PAYMENT_STATE_SUCCEEDED:
                return
            if state != payment_pb2.PAYMENT_STATE_PROCESSING or time.monotonic() > end:
                name = payment_pb2.PaymentState.Name(state).removeprefix("PAYMENT_STATE_")
                raise NotPrepared(
                    f"a wallet could not be topped up: {name} of the sandbox channel."
                )
            await asyncio.sleep(PAUSE_S)


def _top_up(payer_id: str, settings: Settings) -> wallet_service_pb2.TopUpRequest:
    currency = settings.mix.currency
    return wallet_service_pb2.TopUpRequest(
        payer=payment_pb2.Payer(payer_id=payer_id),
        idempotency_key=f"{settings.run_id}.top-up",
        amount=Money(currency_code=currency, minor_units=WALLET_MINOR_UNITS),
        payment_method=payment_pb2.PaymentMethod(sandbox=payment_pb2.SandboxMethod()),
        scene=payment_pb2.SCENE_APP,
    )


def _merchant(merchant_id: str, mix: Mix) -> merchant_pb2.Merchant:
    fee = merchant_pb2.FeeSchedule(
        channel=mix.method,
        currency_code=mix.currency,
        effective_time=Timestamp(seconds=1),
        rate_millionths=FEE_MILLIONTHS,
        returned_on_refund=True,
    )
    return merchant_pb2.Merchant(
        merchant_id=merchant_id,
        display_name="Load test",
        currency_codes=[mix.currency],
        channels=[mix.method],
        fee_schedules=[fee],
        order_policy=merchant_pb2.ORDER_POLICY_MANY_PAYMENTS,
        refund_policy=merchant_pb2.REFUND_POLICY_REFUSE,
    )
