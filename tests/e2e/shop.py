"""A merchant and how it calls: with the client that callers use, through any of the gateways.

Whatever terminal answer it gets is noted, so that the end of the session can hold every one of
them against the rows.
"""

from typing import TYPE_CHECKING, Any

from paymentgateway.client import GatewayClient, money, new_idempotency_key
from paymentgateway.v1.merchant_pb2 import Merchant
from paymentgateway.v1.money_pb2 import Money
from paymentgateway.v1.payment_pb2 import (
    CAPTURE_MODE_AUTOMATIC,
    CAPTURE_MODE_MANUAL,
    SCENE_WEB,
    Payment,
    PaymentMethod,
    PaymentState,
    SandboxMethod,
    SandboxScript,
)
from paymentgateway.v1.payment_service_pb2 import CancelResponse, CaptureResponse, PayResponse
from paymentgateway.v1.refund_pb2 import OperationState, Refund
from paymentgateway.v1.refund_service_pb2 import RefundResponse
from tests.e2e.waiting import WITHIN_S, until

if TYPE_CHECKING:
    from tests.e2e.house import House

UNSETTLED = {"PROCESSING", "REQUIRES_ACTION", "AUTHORIZED"}


def state(payment: Payment) -> str:
    """Name the state of a payment."""
    return PaymentState.Name(payment.state).removeprefix("PAYMENT_STATE_")


def done(operation_state: Any) -> str:
    """Name the state of a capture, cancel or refund."""
    return OperationState.Name(operation_state).removeprefix("OPERATION_STATE_")


class Shop:
    """One merchant of its own for each test."""

    def __init__(self, house: "House", merchant: Merchant) -> None:
        self.house = house
        self.merchant = merchant
        self.merchant_id = merchant.merchant_id

    def client(self, via: int | GatewayClient = 0) -> GatewayClient:
        """Give the client to a gateway: by its index, or one of the test's own."""
        return self.house.clients[via] if isinstance(via, int) else via

    async def pay(
        self,
        amount: str | Money = "10.00",
        script: SandboxScript | None = None,
        *,
        via: int | GatewayClient = 0,
        key: str = "",
        capture: SandboxScript | None = None,
        refund: SandboxScript | None = None,
        manual: bool = False,
        currency: str = "CNY",
        **fields: Any,
    ) -> PayResponse:
        """Pay. Scripts say how the sandbox behaves for the charge, its captures and refunds."""
        method = SandboxMethod(charge=script, capture=capture, refund=refund)
        asked: dict[str, Any] = {
            "order_id": "o-1",
            "payer": "payer-1",
            "scene": SCENE_WEB,
            "capture_mode": CAPTURE_MODE_MANUAL if manual else CAPTURE_MODE_AUTOMATIC,
            "payment_method": PaymentMethod(sandbox=method),
            "amount": money(amount, currency) if isinstance(amount, str) else amount,
        }
        answer = await self.client(via).pay(
            merchant_id=self.merchant_id,
            idempotency_key=key or new_idempotency_key(),
            **asked | fields,
        )
        self.house.note(answer.payment)
        return answer

    async def capture(
        self,
        payment: Payment,
        amount: str = "",
        *,
        via: int | GatewayClient = 0,
        key: str = "",
        final: bool = False,
    ) -> CaptureResponse:
        """Capture an amount, or all that remains."""
        key = key or new_idempotency_key()
        answer = await self.client(via).capture(
            merchant_id=self.merchant_id,
            idempotency_key=key,
            payment_id=payment.payment_id,
            amount=money(amount, payment.amount.currency_code) if amount else None,
            final=final,
        )
        self.house.note(answer.payment)
        capture = answer.capture
        self.house.note_operation(self.merchant_id, key, capture.capture_id, capture.state)
        return answer

    async def cancel(
        self, payment: Payment, *, via: int | GatewayClient = 0, key: str = ""
    ) -> CancelResponse:
        """Cancel."""
        answer = await self.client(via).cancel(
            merchant_id=self.merchant_id,
            idempotency_key=key or new_idempotency_key(),
            payment_id=payment.payment_id,
        )
        self.house.note(answer.payment)
        return answer

    async def refund(
        self,
        payment: Payment,
        amount: str = "",
        *,
        via: int | GatewayClient = 0,
        key: str = "",
        **fields: Any,
    ) -> RefundResponse:
        """Refund an amount, or all that remains."""
        answer = await self.client(via).refund(
            merchant_id=self.merchant_id,
            idempotency_key=key or new_idempotency_key(),
            payment_id=payment.payment_id,
            amount=money(amount, payment.amount.currency_code) if amount else None,
            **fields,
        )
        self._note_refund(answer.refund)
        return answer

    async def get(self, payment: Payment, *, via: int | GatewayClient = 0) -> Payment:
        """Read a payment as it is now."""
        found = await self.client(via).get_payment(
            merchant_id=self.merchant_id, payment_id=payment.payment_id
        )
        self.house.note(found)
        return found

    async def settled(self, payment: Payment, *, within_s: float = WITHIN_S) -> Payment:
        """Wait until a payment is terminal or authorised."""
        return await until(
            lambda: self.get(payment),
            lambda found: state(found) not in {"PROCESSING", "REQUIRES_ACTION"},
            within_s=within_s,
        )

    async def reached(self, payment: Payment, wanted: str) -> Payment:
        """Wait until a payment is in this state."""
        return await until(lambda: self.get(payment), lambda found: state(found) == wanted)

    async def refund_now(self, refund: Refund) -> Refund:
        """Read a refund as it is now."""
        found = await self.client().get_refund(
            merchant_id=self.merchant_id, refund_id=refund.refund_id
        )
        self._note_refund(found)
        return found

    async def refunded(self, refund: Refund) -> Refund:
        """Wait until a refund has ended."""
        return await until(
            lambda: self.refund_now(refund), lambda found: done(found.state) != "PROCESSING"
        )

    async def balance(self, account: str = "merchant_unsettled", currency: str = "CNY") -> int:
        """Give the balance of an account that is the merchant's own, in minor units."""
        accounts = await self.client().list_accounts(self.merchant_id)
        return sum(
            found.balance_minor_units
            for found in accounts
            if (found.name.code, found.currency_code) == (account, currency)
        )

    def _note_refund(self, refund: Refund) -> None:
        key = refund.idempotency_key
        self.house.note_operation(self.merchant_id, key, refund.refund_id, refund.state)
