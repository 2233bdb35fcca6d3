"""RefundService: decode, call, encode."""

from gateway.rpc import decode, encode_refund
from gateway.rpc.call import Call, Desk
from paymentgateway.v1.refund_service_pb2 import (
    GetRefundRequest,
    GetRefundResponse,
    ListRefundsRequest,
    ListRefundsResponse,
    RefundRequest,
    RefundResponse,
)


async def refund(desk: Desk, call: Call, request: RefundRequest) -> RefundResponse:
    """Give captured money back."""
    answer = await desk.services.refund(decode.refund(request, call.caller), call.deadline)
    return encode_refund.refund(answer)


async def get_refund(desk: Desk, _call: Call, request: GetRefundRequest) -> GetRefundResponse:
    """Read one refund."""
    found = await desk.services.get_refund(decode.refund_lookup(request))
    return encode_refund.get_refund(found)


async def list_refunds(desk: Desk, _call: Call, request: ListRefundsRequest) -> ListRefundsResponse:
    """Read a page of refunds."""
    page, chosen = desk.pages.open(request), decode.refund_filter(request)
    found = await desk.services.list_refunds(chosen, page.start_id, page.limit)
    shown, token = page.cut(found, lambda last: last.operation_id.bytes)
    return encode_refund.list_refunds(shown, token)
