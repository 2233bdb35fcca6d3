"""A counter at which bad input is handed in: requests that are right, and the proof of no trace.

It has one payment, one authorisation and one refund, all at rest, so that nothing moves by itself
while rows and requests are counted.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from paymentgateway.client import new_idempotency_key
from paymentgateway.errors import GatewayError
from paymentgateway.v1.payment_pb2 import CAPTURE_MODE_AUTOMATIC, SCENE_WEB, Payer, Payment
from paymentgateway.v1.payment_service_pb2 import PayRequest
from paymentgateway.v1.refund_service_pb2 import RefundRequest
from tests.e2e.shop import Shop
from tests.e2e.wire import refusal


class Counter:
    """One shop for all rows, because none of them may leave a trace."""

    @classmethod
    async def open(cls, shop: Shop) -> "Counter":
        """Make what is needed, and let it come to rest."""
        paid = (await shop.pay("5.00")).payment
        refund = (await shop.refund(paid, "1.00")).refund
        held = (await shop.pay("5.00", manual=True)).payment
        return cls(shop, paid, held, refund.refund_id)

    def __init__(self, shop: Shop, paid: Payment, held: Payment, refund_id: str) -> None:
        self.shop, self.house = shop, shop.house
        self.paid, self.held, self.refund_id = paid, held, refund_id

    def pay(self) -> PayRequest:
        """Make a request that is right."""
        request = PayRequest(
            merchant_id=self.shop.merchant_id,
            idempotency_key=new_idempotency_key(),
            order_id="o-1",
            capture_mode=CAPTURE_MODE_AUTOMATIC,
            payer=Payer(payer_id="payer-1"),
            scene=SCENE_WEB,
        )
        request.amount.currency_code, request.amount.minor_units = "CNY", 100
        request.payment_method.sandbox.SetInParent()
        return request

    def operation(self, kind: type[Any], **fields: Any) -> Any:
        """Make a capture, cancel or refund that is right."""
        payment = self.paid if kind is RefundRequest else self.held
        wanted = {
            "merchant_id": self.shop.merchant_id,
            "idempotency_key": new_idempotency_key(),
            "payment_id": payment.payment_id,
        }
        return kind(**wanted | fields)

    async def refused(self, method: str, data: bytes, *violations: str) -> GatewayError:
        """Send bytes; they are INVALID_ARGUMENT for exactly these fields, and leave no trace."""
        async with self.no_trace():
            refused = await refusal(self.house.channels[0], method, data)
        assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
        assert refused.violations.keys() == set(violations)
        assert refused.retry_after_s is None
        return refused

    @asynccontextmanager
    async def no_trace(self) -> AsyncIterator[None]:
        """Hold that nothing is kept anywhere and the channel hears nothing."""
        before = await self.house.row_counts(), await self.house.posts()
        yield
        assert (await self.house.row_counts(), await self.house.posts()) == before
