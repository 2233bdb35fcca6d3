"""Calls of MerchantService: create, read, change and list merchants."""

from collections.abc import AsyncGenerator

import grpc

from paymentgateway.calls import Calls, pages
from paymentgateway.transport import Retry
from paymentgateway.v1 import merchant_service_pb2, merchant_service_pb2_grpc
from paymentgateway.v1.merchant_pb2 import Merchant


class MerchantCalls(Calls):
    """Merchants. None of these calls has a key: the merchant id and its version do that work."""

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float, retry: Retry) -> None:
        """Bind the stub to the channel."""
        super().__init__(channel, deadline_s, retry)
        self._merchants = merchant_service_pb2_grpc.MerchantServiceStub(channel)

    async def create_merchant(
        self, merchant: Merchant, *, deadline_s: float | None = None
    ) -> Merchant:
        """Create a merchant under the id it carries.

        May be sent again. Raises AlreadyExists for an id with other content.
        """
        request = merchant_service_pb2.CreateMerchantRequest(
            merchant_id=merchant.merchant_id, merchant=merchant
        )
        return (await self._call(self._merchants.CreateMerchant, request, deadline_s)).merchant

    async def get_merchant(self, merchant_id: str, *, deadline_s: float | None = None) -> Merchant:
        """Read a merchant. Raises GatewayError."""
        request = merchant_service_pb2.GetMerchantRequest(merchant_id=merchant_id)
        return (await self._call(self._merchants.GetMerchant, request, deadline_s)).merchant

    async def update_merchant(
        self, merchant: Merchant, *, deadline_s: float | None = None
    ) -> Merchant:
        """Replace everything about a merchant that was read before, and changed.

        Its version guards it: Conflict means that somebody else was faster; read it again. The
        times, which are the gateway's own, are not sent.
        """
        request = merchant_service_pb2.UpdateMerchantRequest(
            merchant_id=merchant.merchant_id, merchant=merchant
        )
        request.merchant.ClearField("create_time")
        request.merchant.ClearField("update_time")
        return (await self._call(self._merchants.UpdateMerchant, request, deadline_s)).merchant

    async def list_merchants_page(
        self,
        *,
        id_prefix: str = "",
        page_size: int = 0,
        page_token: str = "",
        deadline_s: float | None = None,
    ) -> merchant_service_pb2.ListMerchantsResponse:
        """Read one page of merchants by id.

        `page_size` 0 means 50; at most 500. Raises GatewayError.
        """
        request = merchant_service_pb2.ListMerchantsRequest(
            merchant_id=id_prefix, page_size=page_size, page_token=page_token
        )
        return await self._call(self._merchants.ListMerchants, request, deadline_s)

    async def list_merchants(
        self, *, id_prefix: str = "", page_size: int = 0, deadline_s: float | None = None
    ) -> AsyncGenerator[Merchant]:
        """Walk over all pages of `list_merchants_page`.

        The deadline holds for each page. Raises GatewayError.
        """

        async def read(token: str) -> merchant_service_pb2.ListMerchantsResponse:
            return await self.list_merchants_page(
                id_prefix=id_prefix, page_size=page_size, page_token=token, deadline_s=deadline_s
            )

        async for page in pages(read, lambda page: page.next_page_token):
            for merchant in page.merchants:
                yield merchant
