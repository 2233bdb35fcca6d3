"""Calls of RefundService: give captured money back, read and list refunds."""

from collections.abc import AsyncGenerator
from datetime import datetime

import grpc

from paymentgateway.calls import Calls, pages, timestamp
from paymentgateway.transport import Retry
from paymentgateway.v1 import refund_pb2, refund_service_pb2, refund_service_pb2_grpc
from paymentgateway.v1.money_pb2 import Money
from paymentgateway.v1.refund_pb2 import OperationState, Refund


class RefundCalls(Calls):
    """Refunds of a merchant's payments."""

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float, retry: Retry) -> None:
        """Bind the stub to the channel."""
        super().__init__(channel, deadline_s, retry)
        self._refunds = refund_service_pb2_grpc.RefundServiceStub(channel)

    async def refund(
        self,
        *,
        merchant_id: str,
        idempotency_key: str,
        payment_id: str,
        amount: Money | None = None,
        description: str = "",
        deadline_s: float | None = None,
    ) -> refund_service_pb2.RefundResponse:
        """Give back `amount`, or all that remains.

        A refund above what remains is an answer with state FAILED. Raises GatewayError.
        """
        request = refund_service_pb2.RefundRequest(
            merchant_id=merchant_id,
            idempotency_key=idempotency_key,
            payment_id=payment_id,
            amount=amount,
            description=description,
        )
        return await self._call(self._refunds.Refund, request, deadline_s)

    async def get_refund(
        self,
        *,
        merchant_id: str,
        refund_id: str | None = None,
        idempotency_key: str | None = None,
        deadline_s: float | None = None,
    ) -> Refund:
        """Read a refund by its id or by the key that created it; give exactly one.

        Raises GatewayError. NotFound by key means "not yet": only sending the same key again
        settles it.
        """
        request = refund_service_pb2.GetRefundRequest(merchant_id=merchant_id)
        if refund_id is not None and idempotency_key is None:
            request.refund_id = refund_id
        elif idempotency_key is not None and refund_id is None:
            request.idempotency_key = idempotency_key
        else:
            raise ValueError("give exactly one of refund_id and idempotency_key.")
        return (await self._call(self._refunds.GetRefund, request, deadline_s)).refund

    async def list_refunds_page(
        self,
        *,
        merchant_id: str,
        payment_id: str = "",
        state: OperationState.ValueType = refund_pb2.OPERATION_STATE_UNSPECIFIED,
        create_time_from: datetime | None = None,
        create_time_to: datetime | None = None,
        page_size: int = 0,
        page_token: str = "",
        deadline_s: float | None = None,
    ) -> refund_service_pb2.ListRefundsResponse:
        """Read one page of the refunds that match every filter, newest first.

        `page_size` 0 means 50; at most 500. Raises GatewayError.
        """
        request = refund_service_pb2.ListRefundsRequest(
            merchant_id=merchant_id,
            payment_id=payment_id,
            state=state,
            create_time_from=timestamp(create_time_from),
            create_time_to=timestamp(create_time_to),
            page_size=page_size,
            page_token=page_token,
        )
        return await self._call(self._refunds.ListRefunds, request, deadline_s)

    async def list_refunds(
        self,
        *,
        merchant_id: str,
        payment_id: str = "",
        state: OperationState.ValueType = refund_pb2.OPERATION_STATE_UNSPECIFIED,
        create_time_from: datetime | None = None,
        create_time_to: datetime | None = None,
        page_size: int = 0,
        deadline_s: float | None = None,
    ) -> AsyncGenerator[Refund]:
        """Walk over all pages of `list_refunds_page`.

        The deadline holds for each page. Raises GatewayError.
        """

        async def read(token: str) -> refund_service_pb2.ListRefundsResponse:
            return await self.list_refunds_page(
                merchant_id=merchant_id,
                payment_id=payment_id,
                state=state,
                create_time_from=create_time_from,
                create_time_to=create_time_to,
                page_size=page_size,
                page_token=token,
                deadline_s=deadline_s,
            )

        async for page in pages(read, lambda page: page.next_page_token):
            for refund in page.refunds:
                yield refund
