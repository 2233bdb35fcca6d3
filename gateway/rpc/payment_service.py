"""PaymentService: decode, call, encode."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from gateway.clock import Deadline
from gateway.domain.errors import GatewayError, InvalidRequest
from gateway.rpc import decode, encode, rules
from gateway.rpc.batches import chunks
from gateway.rpc.call import Call, Caller, Desk
from gateway.rpc.settings import ITEM_ANSWER_S, MARGIN_SHARE_MAX
from gateway.rpc.shape import read_request
from gateway.rpc.status import FAULT, verdict_on
from gateway.usecases.commands import PayCommand, PaymentAnswer
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


async def batch_pay(desk: Desk, call: Call, request: Any) -> bytes:
    """Take money many times, each item as if it had come alone. The items are still bytes."""
    items: list[PayCommand | InvalidRequest] = []
    async for chunk in chunks(request.payments):
        items.extend(_read_item(item, call.caller) for item in chunk)
    outcomes = await _pay_many(desk, items, _with_time_to_answer(call.deadline, len(items)))
    faults = sum(1 for outcome in outcomes if _is_fault(outcome))
    if faults:
        desk.log.error("rpc_item_faults", incident=call.incident, items=faults)
    call.fields["items"] = str(len(outcomes))
    return b"".join(
        [
            encode.batch_pay(part, call.incident).SerializeToString()
            async for part in chunks(outcomes)
        ]
    )


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


def _read_item(item: bytes, caller: Caller) -> PayCommand | InvalidRequest:
    try:
        request = read_request(PayRequest, item, rules.pay, money=True)
    except InvalidRequest as refusal:
        return refusal
    return decode.pay(request, caller)


async def _pay_many(
    desk: Desk, items: Sequence[PayCommand | InvalidRequest], deadline: Deadline
) -> Sequence[PaymentAnswer | GatewayError]:
    """Pay what can be paid, and put its outcomes between those of what could not be read."""
    commands = {at: item for at, item in enumerate(items) if isinstance(item, PayCommand)}
    paid = await desk.services.pay_many([*commands.values()], deadline) if commands else ()
    answers = dict(zip(commands, paid, strict=True))
    return [
        item if isinstance(item, InvalidRequest) else answers[at] for at, item in enumerate(items)
    ]


def _with_time_to_answer(deadline: Deadline, items: int) -> Deadline:
    """Keep back the time in which the results are written, at most a share of what is left."""
    return deadline.earlier(min(items * ITEM_ANSWER_S, deadline.remaining() * MARGIN_SHARE_MAX))


def _is_fault(outcome: PaymentAnswer | GatewayError) -> bool:
    return isinstance(outcome, GatewayError) and verdict_on(outcome) == FAULT
