"""A shop that pays through the gateway: the demo's caller, with the client that callers use."""

import asyncio
import time
from typing import Any

from paymentgateway.client import GatewayClient, money, money_text, new_idempotency_key
from paymentgateway.v1.merchant_pb2 import (
    ORDER_POLICY_MANY_PAYMENTS,
    REFUND_POLICY_REFUSE,
    FeeSchedule,
    Merchant,
)
from paymentgateway.v1.payment_pb2 import (
    CAPTURE_MODE_AUTOMATIC,
    PAYMENT_STATE_PROCESSING,
    PAYMENT_STATE_REQUIRES_ACTION,
    SCENE_WEB,
    Payment,
    PaymentMethod,
    PaymentState,
    SandboxMethod,
    SandboxScript,
)
from paymentgateway.v1.payment_service_pb2 import PayResponse
from paymentgateway.v1.refund_pb2 import OPERATION_STATE_PROCESSING, Refund

MERCHANT = "m_demo"
CHANNELS = ("sandbox", "wechat", "alipay")
POLL_S = 0.05
RESOLVED_WITHIN_S = 10.0


class Shop:
    """One merchant and how it calls."""

    def __init__(self, client: GatewayClient) -> None:
        self.client = client

    async def open(self) -> Merchant:
        """Create the merchant: CNY and JPY through all its channels, CNY at 0.6 %."""
        schedules = [
            FeeSchedule(
                channel=channel,
                currency_code="CNY",
                effective_time={"seconds": 1},
                rate_millionths=6_000,
                returned_on_refund=True,
            )
            for channel in CHANNELS
        ]
        merchant = Merchant(
            merchant_id=MERCHANT,
            display_name="Demo shop",
            currency_codes=["CNY", "JPY"],
            channels=CHANNELS,
            fee_schedules=schedules,
            order_policy=ORDER_POLICY_MANY_PAYMENTS,
            refund_policy=REFUND_POLICY_REFUSE,
        )
        return await self.client.create_merchant(merchant)

    async def pay(
        self,
        amount: str,
        order_id: str,
        *,
        key: str = "",
        mode: Any = CAPTURE_MODE_AUTOMATIC,
        script: SandboxScript | None = None,
        method: PaymentMethod | None = None,
        description: str = "",
        deadline_s: float | None = None,
    ) -> PayResponse:
        """Pay an amount of CNY for an order, through the sandbox where no method is named."""
        return await self.client.pay(
            merchant_id=MERCHANT,
            idempotency_key=key or new_idempotency_key(),
            order_id=order_id,
            amount=money(amount, "CNY"),
            payment_method=method or PaymentMethod(sandbox=SandboxMethod(charge=script)),
            payer="payer-1",
            scene=SCENE_WEB,
            capture_mode=mode,
            description=description,
            deadline_s=deadline_s,
        )

    async def ended(self, payment_id: str) -> Payment:
        """Wait until a payment has ended, at most so long; give it as it is then."""
        end = time.monotonic() + RESOLVED_WITHIN_S
        open_states = (PAYMENT_STATE_PROCESSING, PAYMENT_STATE_REQUIRES_ACTION)
        while True:
            payment = await self.client.get_payment(merchant_id=MERCHANT, payment_id=payment_id)
            if payment.state not in open_states or time.monotonic() > end:
                return payment
            await asyncio.sleep(POLL_S)

    async def refund(self, payment: Payment, amount: str) -> Refund:
        """Ask to give an amount of CNY back."""
        answer = await self.client.refund(
            merchant_id=MERCHANT,
            idempotency_key=new_idempotency_key(),
            payment_id=payment.payment_id,
            amount=money(amount, "CNY"),
        )
        return answer.refund

    async def refunded(self, refund: Refund) -> Refund:
        """Wait until a refund has ended, at most so long; give it as it is then."""
        end = time.monotonic() + RESOLVED_WITHIN_S
        while refund.state == OPERATION_STATE_PROCESSING and time.monotonic() < end:
            await asyncio.sleep(POLL_S)
            refund = await self.client.get_refund(merchant_id=MERCHANT, refund_id=refund.refund_id)
        return refund


def state(payment: Payment) -> str:
    """Name a payment's state as people say it."""
    return PaymentState.Name(payment.state).removeprefix("PAYMENT_STATE_")


def line(payment: Payment) -> str:
    """Show a payment on one line."""
    return (
        f"{payment.payment_id}  {payment.order_id:<8} {money_text(payment.amount):>12}  "
        f"{state(payment):<15} captured {money_text(payment.captured)}, "
        f"refunded {money_text(payment.refunded)}"
    )
