"""PaymentService: decode, call, encode."""

from contextlib import aclosing

from gateway.rpc import decode, encode
from gateway.rpc.call import Call, Desk
from paymentgateway.v1.payment_service_pb2 import (
    CancelRequest,
    CancelResponse,
    CaptureRequest,
    CaptureResponse,
    GetPaymentRequest,
    GetPaymentResponse,
    ListPaymentsRequest,
    ListPaymentsResponse,
    PayRequest,
    PayResponse,
    WatchPaymentsRequest,
)


async def pay(desk: Desk, call: Call, request: PayRequest) -> PayResponse:
    """Take money from a payer."""
    answer = await desk.services.pay(decode.pay(request, call.caller), call.deadline)
    response = encode.pay(answer)
    call.fields["payment_id"] = response.payment.payment_id
    return response


async def capture(desk: Desk, call: Call, request: CaptureRequest) -> CaptureResponse:
    """Take authorised money."""
    answer = await desk.services.capture(decode.capture(request, call.caller), call.deadline)
    return encode.capture(answer)


async def cancel(desk: Desk, call: Call, request: CancelRequest) -> CancelResponse:
    """End a payment before money is taken."""
    answer = await desk.services.cancel(decode.cancel(request, call.caller), call.deadline)
    return encode.cancel(answer)


async def get_payment(desk: Desk, call: Call, request: GetPaymentRequest) -> GetPaymentResponse:
    """Read one payment."""
    found = await desk.services.get_payment(decode.payment_lookup(request))
    response = encode.get_payment(found)
    call.fields["payment_id"] = response.payment.payment_id
    return response


async def list_payments(
    desk: Desk, _call: Call, request: ListPaymentsRequest
) -> ListPaymentsResponse:
    """Read a page of payments."""
    page, chosen = desk.pages.open(request), decode.payment_filter(request)
    found = await desk.services.list_payments(chosen, page.start_id, page.limit)
    shown, token = page.cut(found, lambda last: last.payment_id.bytes)
    return encode.list_payments(shown, token)


async def watch_payments(desk: Desk, call: Call, request: WatchPaymentsRequest) -> None:
    """Send the changes of a merchant's payments until the reader leaves or the server drains."""
    merchant_id = request.merchant_id
    start = desk.cursors.decode(merchant_id, request.cursor)
    feed = desk.services.watch_payments(merchant_id, start)
    async with desk.gate.stream(), aclosing(feed):
        async for position, event in feed:
            cursor = desk.cursors.encode(merchant_id, position)
            await call.send(encode.watch_payments(cursor, event))
