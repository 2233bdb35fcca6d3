"""A shop that pays through the gateway: the demo's caller, with the client that callers use."""

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
    SCENE_WEB,
    Payment,
    PaymentMethod,
    PaymentState,
    SandboxMethod,
    SandboxScript,
)
from paymentgateway.v1.payment_service_pb2 import PayResponse

MERCHANT = "m_demo"


class Shop:
    """One merchant and how it calls."""

    def __init__(self, client: GatewayClient) -> None:
        self.client = client

    async def open(self) -> Merchant:
        """Create the merchant: all of CNY and JPY through the sandbox, at 0.6 %."""
        schedule = FeeSchedule(
            channel="sandbox",
            currency_code="CNY",
            effective_time={"seconds": 1},
            rate_millionths=6_000,
            returned_on_refund=True,
        )
        merchant = Merchant(
            merchant_id=MERCHANT,
            display_name="Demo shop",
            currency_codes=["CNY", "JPY"],
            channels=["sandbox"],
            fee_schedules=[schedule],
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
        deadline_s: float | None = None,
    ) -> PayResponse:
        """Pay an amount of CNY for an order."""
        return await self.client.pay(
            merchant_id=MERCHANT,
            idempotency_key=key or new_idempotency_key(),
            order_id=order_id,
            amount=money(amount, "CNY"),
            payment_method=PaymentMethod(sandbox=SandboxMethod(charge=script)),
            payer="payer-1",
            scene=SCENE_WEB,
            capture_mode=mode,
            deadline_s=deadline_s,
        )


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
