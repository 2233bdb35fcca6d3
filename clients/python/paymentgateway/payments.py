"""Calls of PaymentService: take money, end payments, read, list and watch them."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from datetime import datetime

import grpc

from paymentgateway.calls import Calls, pages, timestamp
from paymentgateway.errors import GatewayError, from_status
from paymentgateway.transport import Retry
from paymentgateway.v1 import payment_pb2, payment_service_pb2, payment_service_pb2_grpc
from paymentgateway.v1.money_pb2 import Money
from paymentgateway.v1.payment_pb2 import CaptureMode, Payer, Payment, PaymentMethod, PaymentState
from paymentgateway.watch import DEFAULT_BOUNDS, WatchBounds, watch


class PaymentCalls(Calls):
    """Payments of a merchant.

    Every call that moves money needs its key, made once per intent by the caller.
    """

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float, retry: Retry) -> None:
        """Bind the stub to the channel."""
        super().__init__(channel, deadline_s, retry)
        self._payments = payment_service_pb2_grpc.PaymentServiceStub(channel)

    async def pay(
        self,
        *,
        merchant_id: str,
        idempotency_key: str,
        order_id: str,
        amount: Money,
        payment_method: PaymentMethod,
        payer: Payer | str,
        scene: payment_pb2.Scene.ValueType,
        capture_mode: CaptureMode.ValueType = payment_pb2.CAPTURE_MODE_AUTOMATIC,
        description: str = "",
        attributes: Mapping[str, str] | None = None,
        expire_time: datetime | None = None,
        deadline_s: float | None = None,
    ) -> payment_service_pb2.PayResponse:
        """Take `amount` from `payer`, given as a message or as a bare payer id.

        The answer is a payment in any state: PROCESSING means that the outcome is not yet known,
        FAILED that the payment was refused. The key stands for every argument but `deadline_s` and
        the payer's device, IP address and region; for `expire_time` too: send it again unchanged.

        Raises:
            GatewayError: no answer; `same_key` says whether the same key may be sent again.
            ValueError: a moment without time zone, or text that is not UTF-8. Nothing was sent.
        """
        request = payment_service_pb2.PayRequest(
            merchant_id=merchant_id,
            idempotency_key=idempotency_key,
            order_id=order_id,
            amount=amount,
            payment_method=payment_method,
            capture_mode=capture_mode,
            payer=Payer(payer_id=payer) if isinstance(payer, str) else payer,
            scene=scene,
            description=description,
            attributes=attributes,
            expire_time=timestamp(expire_time),
        )
        return await self._call(self._payments.Pay, request, deadline_s)

    async def batch_pay(
        self,
        payments: Iterable[payment_service_pb2.PayRequest],
        *,
        deadline_s: float | None = None,
    ) -> list[payment_service_pb2.PayResponse | GatewayError]:
        """Make 1 to 4,000 payments in one call, of up to 4 MiB together.

        Gives for each item, in order, what `pay` would have answered or raised; errors of items are
        values here, and no item is sent again by itself. The call as a whole is, with all its keys,
        as any other is: what it executed before comes back as a replay.

        Raises:
            GatewayError: no answer about any item; `same_key` holds for all their keys.
        """
        request = payment_service_pb2.BatchPayRequest(payments=payments)
        answer = await self._call(self._payments.BatchPay, request, deadline_s)
        return [
            result.response if result.HasField("response") else from_status(result.error)
            for result in answer.results
        ]

    async def capture(
        self,
        *,
        merchant_id: str,
        idempotency_key: str,
        payment_id: str,
        amount: Money | None = None,
        final: bool = False,
        deadline_s: float | None = None,
    ) -> payment_service_pb2.CaptureResponse:
        """Take authorised money: `amount`, or all that remains.

        `final` releases the rest. Raises GatewayError.
        """
        request = payment_service_pb2.CaptureRequest(
            merchant_id=merchant_id,
            idempotency_key=idempotency_key,
            payment_id=payment_id,
            amount=amount,
            final=final,
        )
        return await self._call(self._payments.Capture, request, deadline_s)

    async def cancel(
        self,
        *,
        merchant_id: str,
        idempotency_key: str,
        payment_id: str,
        deadline_s: float | None = None,
    ) -> payment_service_pb2.CancelResponse:
        """End a payment before money is taken. Raises GatewayError."""
        request = payment_service_pb2.CancelRequest(
            merchant_id=merchant_id, idempotency_key=idempotency_key, payment_id=payment_id
        )
        return await self._call(self._payments.Cancel, request, deadline_s)

    async def get_payment(
        self,
        *,
        merchant_id: str,
        payment_id: str | None = None,
        idempotency_key: str | None = None,
        deadline_s: float | None = None,
    ) -> Payment:
        """Read a payment by its id or by the key that created it; give exactly one.

        Raises GatewayError. NotFound by key means "not yet", never "it was not executed": only
        sending the same key again settles it.
        """
        request = payment_service_pb2.GetPaymentRequest(merchant_id=merchant_id)
        if payment_id is not None and idempotency_key is None:
            request.payment_id = payment_id
        elif idempotency_key is not None and payment_id is None:
            request.idempotency_key = idempotency_key
        else:
            raise ValueError("give exactly one of payment_id and idempotency_key.")
        return (await self._call(self._payments.GetPayment, request, deadline_s)).payment

    async def list_payments_page(
        self,
        *,
        merchant_id: str,
        order_id: str = "",
        state: PaymentState.ValueType = payment_pb2.PAYMENT_STATE_UNSPECIFIED,
        channel: str = "",
        create_time_from: datetime | None = None,
        create_time_to: datetime | None = None,
        page_size: int = 0,
        page_token: str = "",
        deadline_s: float | None = None,
    ) -> payment_service_pb2.ListPaymentsResponse:
        """Read one page of the payments that match every filter, newest first.

        `page_size` 0 means 50; at most 500. Raises GatewayError.
        """
        request = payment_service_pb2.ListPaymentsRequest(
            merchant_id=merchant_id,
            order_id=order_id,
            state=state,
            channel=channel,
            create_time_from=timestamp(create_time_from),
            create_time_to=timestamp(create_time_to),
            page_size=page_size,
            page_token=page_token,
        )
        return await self._call(self._payments.ListPayments, request, deadline_s)

    async def list_payments(
        self,
        *,
        merchant_id: str,
        order_id: str = "",
        state: PaymentState.ValueType = payment_pb2.PAYMENT_STATE_UNSPECIFIED,
        channel: str = "",
        create_time_from: datetime | None = None,
        create_time_to: datetime | None = None,
        page_size: int = 0,
        deadline_s: float | None = None,
    ) -> AsyncGenerator[Payment]:
        """Walk over all pages of `list_payments_page`.

        The deadline holds for each page. Raises GatewayError.
        """

        async def read(token: str) -> payment_service_pb2.ListPaymentsResponse:
            return await self.list_payments_page(
                merchant_id=merchant_id,
                order_id=order_id,
                state=state,
                channel=channel,
                create_time_from=create_time_from,
                create_time_to=create_time_to,
                page_size=page_size,
                page_token=token,
                deadline_s=deadline_s,
            )

        async for page in pages(read, lambda page: page.next_page_token):
            for payment in page.payments:
                yield payment

    def watch_payments(
        self,
        *,
        merchant_id: str,
        cursor: str = "",
        heartbeats: bool = False,
        bounds: WatchBounds = DEFAULT_BOUNDS,
    ) -> AsyncGenerator[payment_service_pb2.WatchPaymentsResponse]:
        """Follow the changes of a merchant's payments across lost connections.

        Begins at `cursor`, or now where it is empty. Yields each message that carries an event,
        with the cursor to go on from after a restart of the caller. `heartbeats` yields messages
        without an event too, the first of which brings a cursor before anything has happened. An
        event may come again after a lost connection: `event_id` tells. Raises GatewayError for a
        refusal, and once `bounds` are used up.
        """
        request = payment_service_pb2.WatchPaymentsRequest(merchant_id=merchant_id, cursor=cursor)
        return watch(self._payments.WatchPayments, request, heartbeats=heartbeats, bounds=bounds)
