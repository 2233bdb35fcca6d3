"""MerchantService: decode, call, encode."""

from gateway.rpc import decode, encode_merchant
from gateway.rpc.call import Call, Desk
from paymentgateway.v1.merchant_service_pb2 import (
    CreateMerchantRequest,
    CreateMerchantResponse,
    GetMerchantRequest,
    GetMerchantResponse,
    ListMerchantsRequest,
    ListMerchantsResponse,
    UpdateMerchantRequest,
    UpdateMerchantResponse,
)


async def create_merchant(
    desk: Desk, _call: Call, request: CreateMerchantRequest
) -> CreateMerchantResponse:
    """Make a merchant."""
    wanted = decode.merchant(request.merchant, desk.clock.now())
    return encode_merchant.create_merchant(await desk.services.create_merchant(wanted))


async def get_merchant(desk: Desk, _call: Call, request: GetMerchantRequest) -> GetMerchantResponse:
    """Read one merchant."""
    found = await desk.services.get_merchant(request.merchant_id)
    return encode_merchant.get_merchant(found)


async def update_merchant(
    desk: Desk, _call: Call, request: UpdateMerchantRequest
) -> UpdateMerchantResponse:
    """Replace a merchant."""
    wanted = decode.merchant(request.merchant, desk.clock.now())
    return encode_merchant.update_merchant(await desk.services.update_merchant(wanted))


async def list_merchants(
    desk: Desk, _call: Call, request: ListMerchantsRequest
) -> ListMerchantsResponse:
    """Read a page of merchants."""
    page = desk.pages.open(request)
    after, prefix = page.start.decode(), request.merchant_id
    found = await desk.services.list_merchants(prefix, after, page.limit)
    shown, token = page.cut(found, lambda last: last.merchant_id.encode())
    return encode_merchant.list_merchants(shown, token)
