"""Who pays whom: merchants and payers with full wallets, made through the contract alone."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from paymentgateway.client import GatewayClient
from paymentgateway.errors import GatewayError
from paymentgateway.transport import DEFAULT_RETRY, open_channel
from paymentgateway.v1.merchant_pb2 import (
    ORDER_POLICY_MANY_PAYMENTS,
    REFUND_POLICY_REFUSE,
    FeeSchedule,
    Merchant,
)
from paymentgateway.v1.money_pb2 import Money
from paymentgateway.v1.payment_pb2 import (
    PAYMENT_STATE_SUCCEEDED,
    SCENE_APP,
    Payer,
    PaymentMethod,
    PaymentState,
    SandboxMethod,
)
from paymentgateway.v1.wallet_service_pb2 import OpenWalletRequest, TopUpRequest
from paymentgateway.v1.wallet_service_pb2_grpc import WalletServiceStub
from tests.bench.plan import CURRENCY

MERCHANTS = tuple(f"m_{number:03}" for number in range(100))
HOT_MERCHANT = "m_hot"
PAYERS = tuple(f"p{number}" for number in range(1_000))
BALANCE_MINOR_UNITS = 10_000_000_000
"""What each wallet holds at first: a hundred million yuan, more than any run takes."""

CALLS_MAX = 32
"""Accounts made at once."""

TOP_UP_TIMEOUT_S = 20.0


class AccountsFailed(Exception):
    """The gateway did not make the accounts; the message says why."""


async def open_accounts(target: str, channels: Sequence[str]) -> None:
    """Create the merchants and fill the wallets. Raises AccountsFailed."""
    try:
        async with GatewayClient(target) as client:
            names = (*MERCHANTS, HOT_MERCHANT)
            await _all(lambda name: client.create_merchant(merchant(name, channels)), names)
        async with open_channel(target, None, DEFAULT_RETRY) as channel:
            stub = WalletServiceStub(channel)
            await _all(lambda name: _fill(stub, name), PAYERS)
    except (GatewayError, grpc.RpcError) as error:
        raise AccountsFailed(f"the gateway did not make the accounts: {error}") from error


def merchant(name: str, channels: Sequence[str]) -> Merchant:
    """Describe a merchant that takes these channels, for a fee of 0.1 %."""
    schedules = [
        FeeSchedule(
            channel=channel,
            currency_code=CURRENCY,
            effective_time=Timestamp(seconds=1),
            rate_millionths=1_000,
            returned_on_refund=True,
        )
        for channel in channels
    ]
    return Merchant(
        merchant_id=name,
        display_name=f"Merchant {name}",
        currency_codes=[CURRENCY],
        channels=channels,
        fee_schedules=schedules,
        order_policy=ORDER_POLICY_MANY_PAYMENTS,
        refund_policy=REFUND_POLICY_REFUSE,
    )


async def _fill(stub: Any, payer_id: str) -> None:
    await stub.OpenWallet(OpenWalletRequest(payer_id=payer_id, currency_code=CURRENCY))
    top_up = TopUpRequest(
        payer=Payer(payer_id=payer_id),
        idempotency_key=uuid.uuid4().hex,
        amount=Money(currency_code=CURRENCY, minor_units=BALANCE_MINOR_UNITS),
        payment_method=PaymentMethod(sandbox=SandboxMethod()),
        scene=SCENE_APP,
    )
    answer = await stub.TopUp(top_up, timeout=TOP_UP_TIMEOUT_S)
    if answer.top_up.state != PAYMENT_STATE_SUCCEEDED:
        state = PaymentState.Name(answer.top_up.state)
        raise AccountsFailed(f"a wallet was not filled: its top-up is {state}")


async def _all(make: Callable[[str], Awaitable[object]], names: Iterable[str]) -> None:
    places = asyncio.Semaphore(CALLS_MAX)

    async def one(name: str) -> None:
        async with places:
            await make(name)

    await asyncio.gather(*(one(name) for name in names))
