"""The verbs of merchants that move money, each ready to be sent once or again under its key."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from paymentgateway.client import GatewayClient, Retry, money
from paymentgateway.errors import GatewayError, SameKey, Unavailable
from paymentgateway.v1.merchant_pb2 import (
    ORDER_POLICY_MANY_PAYMENTS,
    REFUND_POLICY_REFUSE,
    FeeSchedule,
    Merchant,
)
from paymentgateway.v1.money_pb2 import Money
from paymentgateway.v1.payment_pb2 import (
    CAPTURE_MODE_AUTOMATIC,
    SCENE_WEB,
    Payment,
    PaymentMethod,
    PaymentState,
    SandboxMethod,
)
from paymentgateway.v1.payment_service_pb2 import PayResponse
from paymentgateway.v1.refund_pb2 import OperationState
from tests.invariants import Told

AT_ONCE = PaymentMethod(sandbox=SandboxMethod())
"""Through the sandbox, which then says yes at once."""

DEADLINE_S = 30.0
ONCE = Retry(attempts_max=1)
PAUSE_S = 0.1
ENDED = {"SUCCEEDED", "FAILED", "CANCELED", "EXPIRED", "AUTHORIZED"}
"""States for which a caller need not wait any longer."""


class Unsettled(AssertionError):
    """A key had no outcome in time."""


@dataclass(frozen=True)
class Answer:
    """What a caller was told, and whether nothing was executed for it."""

    told: Told
    replayed: bool
    payment: Payment | None = None

    @property
    def state(self) -> str:
        """The state of what the key made."""
        return self.told.state


@dataclass(frozen=True)
class Verb:
    """One keyed call. Sent again it is the same request."""

    name: str
    merchant_id: str
    key: str
    payment_id: str
    send: Callable[[GatewayClient], Awaitable[Answer]]


def caller(target: str) -> GatewayClient:
    """Make a client that sends once: what it is told is what the gateway said, unmended."""
    return GatewayClient(target, retry=ONCE, deadline_s=DEADLINE_S)


async def answers(client: GatewayClient) -> bool:
    """Tell whether the gateway answers. gRPC waits a while before it connects again."""
    try:
        await client.list_merchants_page(page_size=1)
    except Unavailable:
        return False
    return True


async def open_merchant(
    client: GatewayClient, merchant_id: str, channels: Sequence[str] = ("sandbox",)
) -> None:
    """Create a merchant that takes CNY from wallets, and through channels at 0.6 %."""
    schedules = [
        FeeSchedule(
            channel=channel,
            currency_code="CNY",
            effective_time={"seconds": 1},
            rate_millionths=6_000,
            returned_on_refund=True,
        )
        for channel in channels
    ]
    merchant = Merchant(
        merchant_id=merchant_id,
        display_name=merchant_id,
        currency_codes=["CNY"],
        channels=[*channels, "wallet"],
        fee_schedules=schedules,
        order_policy=ORDER_POLICY_MANY_PAYMENTS,
        refund_policy=REFUND_POLICY_REFUSE,
    )
    await client.create_merchant(merchant)


async def pay(
    client: GatewayClient,
    merchant_id: str,
    key: str,
    *,
    amount: Money | None = None,
    mode: Any = CAPTURE_MODE_AUTOMATIC,
    order_id: str = "o-1",
    expire_time: datetime | None = None,
    deadline_s: float | None = None,
    payer: str = "payer-1",
    method: PaymentMethod = AT_ONCE,
) -> Answer:
    """Pay, through a channel or from the payer's wallet."""
    answer = await client.pay(
        merchant_id=merchant_id,
        idempotency_key=key,
        order_id=order_id,
        amount=amount or money("10.00", "CNY"),
        payment_method=method,
        payer=payer,
        scene=SCENE_WEB,
        capture_mode=mode,
        expire_time=expire_time,
        deadline_s=deadline_s,
    )
    return paid(answer)


def paid(answer: PayResponse) -> Answer:
    """Read the answer to a payment."""
    payment = answer.payment
    state = payment_state(payment)
    told = Told(payment.merchant_id, payment.idempotency_key, payment.payment_id, state)
    return Answer(told, answer.replayed, payment)


async def capture(
    client: GatewayClient, merchant_id: str, key: str, payment_id: str, **rest: Any
) -> Answer:
    """Capture."""
    answer = await client.capture(
        merchant_id=merchant_id, idempotency_key=key, payment_id=payment_id, **rest
    )
    told = Told(merchant_id, key, answer.capture.capture_id, operation_state(answer.capture.state))
    return Answer(told, answer.replayed)


async def cancel(
    client: GatewayClient, merchant_id: str, key: str, payment_id: str, **rest: Any
) -> Answer:
    """Cancel. A cancel has no identifier of its own in the contract."""
    answer = await client.cancel(
        merchant_id=merchant_id, idempotency_key=key, payment_id=payment_id, **rest
    )
    return Answer(Told(merchant_id, key, "", operation_state(answer.state)), answer.replayed)


async def refund(
    client: GatewayClient, merchant_id: str, key: str, payment_id: str, **rest: Any
) -> Answer:
    """Refund."""
    answer = await client.refund(
        merchant_id=merchant_id, idempotency_key=key, payment_id=payment_id, **rest
    )
    told = Told(merchant_id, key, answer.refund.refund_id, operation_state(answer.refund.state))
    return Answer(told, answer.replayed)


def payment_state(payment: Payment) -> str:
    """Name a payment's state as the rows do."""
    return PaymentState.Name(payment.state).removeprefix("PAYMENT_STATE_")


def operation_state(state: Any) -> str:
    """Name an operation's state as the rows do."""
    return OperationState.Name(state).removeprefix("OPERATION_STATE_")


async def settled(
    send: Callable[[GatewayClient], Awaitable[Answer]],
    clients: Sequence[GatewayClient],
    *,
    within_s: float = DEADLINE_S,
) -> Answer:
    """Follow the callers' rule: the same key again, to whoever answers, until it has ended.

    Raises what says that the same key may not be sent again, and Unsettled.
    """
    end, last = time.monotonic() + within_s, ""
    for client in itertools.cycle(clients):
        try:
            answer = await send(client)
        except GatewayError as error:
            if error.same_key is not SameKey.SAFE:
                raise
            last = str(error)
        else:
            if answer.state in ENDED:
                return answer
            last = answer.state
        if time.monotonic() > end:
            raise Unsettled(f"not settled within {within_s:.0f} s: {last}")
        await asyncio.sleep(PAUSE_S)
    raise Unsettled("there is nobody to ask")
