"""MerchantService over a real connection: what use cases are asked, and what callers get."""

from dataclasses import replace

from paymentgateway.v1 import merchant_pb2
from paymentgateway.v1.merchant_service_pb2 import (
    CreateMerchantResponse,
    GetMerchantRequest,
    GetMerchantResponse,
    ListMerchantsRequest,
    ListMerchantsResponse,
    UpdateMerchantResponse,
)
from tests.rpc import samples
from tests.rpc.fakes import NOW, House


def _kept() -> merchant_pb2.Merchant:
    """The sample merchant as a caller sees it once the gateway keeps it."""
    message = samples.merchant_message()
    message.version = 1
    message.create_time.FromDatetime(NOW)
    message.update_time.FromDatetime(NOW)
    return message


def test_the_sample_forgets_no_field() -> None:
    """What is compared below is every field that a merchant and its parts have."""
    kept = _kept()
    for part in (kept, kept.fee_schedules[0], kept.payment_limits[0]):
        assert {item.name for item, _ in part.ListFields()} == set(part.DESCRIPTOR.fields_by_name)


async def test_create_merchant(house: House) -> None:
    """Every field reaches the use case, which gives the times and the version."""
    answer = await house.send("CreateMerchant", samples.create_request())
    assert CreateMerchantResponse.FromString(answer).merchant == _kept()
    assert house.asked == [("create_merchant", samples.merchant())]


async def test_update_merchant(house: House) -> None:
    """The version that was read goes along; the times of the request do not count."""
    request = samples.update_request()
    request.merchant.create_time.FromDatetime(samples.moment(-99))
    answer = await house.send("UpdateMerchant", request)
    assert UpdateMerchantResponse.FromString(answer).merchant == _kept()
    assert house.asked == [("update_merchant", replace(samples.merchant(), version=4))]


async def test_get_merchant(house: House) -> None:
    """A merchant is found by its id."""
    answer = await house.send("GetMerchant", GetMerchantRequest(merchant_id="shop"))
    assert GetMerchantResponse.FromString(answer).merchant == _kept()
    assert house.asked == [("get_merchant", "shop")]


async def test_list_merchants(house: House) -> None:
    """Pages of merchants go on after the last id, and keep the prefix."""
    house.use_cases.answers["list_merchants"] = [samples.merchant(f"s{n}") for n in range(3)]
    request = ListMerchantsRequest(merchant_id="s", page_size=2)
    answer = await house.send("ListMerchants", request)
    page = ListMerchantsResponse.FromString(answer)
    assert [item.merchant_id for item in page.merchants] == ["s0", "s1"]
    request.page_token = page.next_page_token
    await house.send("ListMerchants", request)
    assert house.asked == [("list_merchants", "s", "", 3), ("list_merchants", "s", "s1", 3)]
