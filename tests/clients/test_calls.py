"""Friendly arguments become the requests of the contract, and answers come back as messages."""

from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from paymentgateway.client import GatewayClient, money, new_idempotency_key
from paymentgateway.v1 import (
    ledger_pb2,
    ledger_service_pb2,
    merchant_pb2,
    merchant_service_pb2,
    payment_pb2,
    payment_service_pb2,
    refund_pb2,
    refund_service_pb2,
)
from tests.clients.scripted_gateway import ScriptedGateway

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOON_TIMESTAMP = Timestamp(seconds=int(NOON.timestamp()))
SANDBOX = payment_pb2.PaymentMethod(sandbox=payment_pb2.SandboxMethod())
MERCHANT = merchant_pb2.Merchant(merchant_id="m_demo", version=2)


async def test_pay(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """Pay sends every argument in its field, a bare payer id as a payer, and capture at once."""
    answer = payment_service_pb2.PayResponse(replayed=True)
    gateway.script("Pay", answer)
    got = await client.pay(
        merchant_id="m_demo",
        idempotency_key="key-1",
        order_id="o-1",
        amount=money("12.50", "CNY"),
        payment_method=SANDBOX,
        payer="payer-1",
        scene=payment_pb2.SCENE_APP,
        description="茶",
        attributes={"a": "b"},
        expire_time=NOON,
    )
    assert got == answer
    assert gateway.requests("Pay") == [
        payment_service_pb2.PayRequest(
            merchant_id="m_demo",
            idempotency_key="key-1",
            order_id="o-1",
            amount=money("12.50", "CNY"),
            payment_method=SANDBOX,
            capture_mode=payment_pb2.CAPTURE_MODE_AUTOMATIC,
            payer=payment_pb2.Payer(payer_id="payer-1"),
            scene=payment_pb2.SCENE_APP,
            description="茶",
            attributes={"a": "b"},
            expire_time=NOON_TIMESTAMP,
        )
    ]


async def test_capture_cancel_refund(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """What moves money on an existing payment carries key, payment and amount; no amount is all."""
    gateway.script("Capture", payment_service_pb2.CaptureResponse(replayed=True))
    gateway.script("Cancel", payment_service_pb2.CancelResponse(replayed=True))
    gateway.script("Refund", *[refund_service_pb2.RefundResponse(replayed=True)] * 2)
    about = {"merchant_id": "m_demo", "idempotency_key": "k", "payment_id": "pay_1"}
    half = money("6", "CNY")
    captured = await client.capture(**about, amount=half, final=True)
    cancelled = await client.cancel(**about)
    refunded = await client.refund(**about, amount=half, description="late")
    await client.refund(**about)
    assert captured.replayed
    assert cancelled.replayed
    assert refunded.replayed
    assert [call.request for call in gateway.received] == [
        payment_service_pb2.CaptureRequest(**about, amount=half, final=True),
        payment_service_pb2.CancelRequest(**about),
        refund_service_pb2.RefundRequest(**about, amount=half, description="late"),
        refund_service_pb2.RefundRequest(**about),
    ]


async def test_lookups(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """A payment or refund is read by its id or by its key."""
    payment = payment_pb2.Payment(payment_id="pay_1")
    refund = refund_pb2.Refund(refund_id="ref_1")
    gateway.script("GetPayment", *[payment_service_pb2.GetPaymentResponse(payment=payment)] * 2)
    gateway.script("GetRefund", *[refund_service_pb2.GetRefundResponse(refund=refund)] * 2)
    for name in ({"payment_id": "pay_1"}, {"idempotency_key": "k"}):
        assert await client.get_payment(merchant_id="m_demo", **name) == payment
    for name in ({"refund_id": "ref_1"}, {"idempotency_key": "k"}):
        assert await client.get_refund(merchant_id="m_demo", **name) == refund
    assert [call.request for call in gateway.received] == [
        payment_service_pb2.GetPaymentRequest(merchant_id="m_demo", payment_id="pay_1"),
        payment_service_pb2.GetPaymentRequest(merchant_id="m_demo", idempotency_key="k"),
        refund_service_pb2.GetRefundRequest(merchant_id="m_demo", refund_id="ref_1"),
        refund_service_pb2.GetRefundRequest(merchant_id="m_demo", idempotency_key="k"),
    ]


async def test_a_lookup_needs_exactly_one_name(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """A lookup by nothing, or by id and key at once, is refused before it is sent."""
    with pytest.raises(ValueError, match="exactly one"):
        await client.get_payment(merchant_id="m_demo")
    with pytest.raises(ValueError, match="exactly one"):
        await client.get_payment(merchant_id="m_demo", payment_id="p", idempotency_key="k")
    with pytest.raises(ValueError, match="exactly one"):
        await client.get_refund(merchant_id="m_demo")
    with pytest.raises(ValueError, match="exactly one"):
        await client.get_refund(merchant_id="m_demo", refund_id="r", idempotency_key="k")
    assert not gateway.received


async def test_all_pages_of_payments(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """Listing walks over every page with the same filters, and ends at the page without a token."""
    payments = [payment_pb2.Payment(payment_id=f"pay_{number}") for number in range(3)]
    pages = [
        payment_service_pb2.ListPaymentsResponse(payments=payments[:2], next_page_token="t-1"),
        payment_service_pb2.ListPaymentsResponse(next_page_token="t-2"),
        payment_service_pb2.ListPaymentsResponse(payments=payments[2:]),
    ]
    gateway.script("ListPayments", *pages)
    filters = {
        "merchant_id": "m_demo",
        "order_id": "o-1",
        "state": payment_pb2.PAYMENT_STATE_SUCCEEDED,
        "channel": "sandbox",
        "page_size": 2,
    }
    listed = client.list_payments(**filters, create_time_from=NOON, create_time_to=NOON)
    assert [payment async for payment in listed] == payments
    times = {"create_time_from": NOON_TIMESTAMP, "create_time_to": NOON_TIMESTAMP}
    assert gateway.requests("ListPayments") == [
        payment_service_pb2.ListPaymentsRequest(**filters, **times, page_token=token)
        for token in ("", "t-1", "t-2")
    ]


async def test_all_pages_of_refunds_and_merchants(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """Refunds and merchants are listed over all pages as payments are."""
    refunds = [refund_pb2.Refund(refund_id=f"ref_{number}") for number in range(2)]
    gateway.script(
        "ListRefunds",
        refund_service_pb2.ListRefundsResponse(refunds=refunds[:1], next_page_token="t"),
        refund_service_pb2.ListRefundsResponse(refunds=refunds[1:]),
    )
    gateway.script(
        "ListMerchants",
        merchant_service_pb2.ListMerchantsResponse(merchants=[MERCHANT], next_page_token="t"),
        merchant_service_pb2.ListMerchantsResponse(merchants=[MERCHANT]),
    )
    state = refund_pb2.OPERATION_STATE_FAILED
    listed = client.list_refunds(merchant_id="m_demo", payment_id="pay_1", state=state)
    assert [refund async for refund in listed] == refunds
    merchants = [merchant async for merchant in client.list_merchants(id_prefix="m_")]
    assert merchants == [MERCHANT, MERCHANT]
    assert gateway.requests("ListRefunds") == [
        refund_service_pb2.ListRefundsRequest(
            merchant_id="m_demo", payment_id="pay_1", state=state, page_token=token
        )
        for token in ("", "t")
    ]
    assert gateway.requests("ListMerchants") == [
        merchant_service_pb2.ListMerchantsRequest(merchant_id="m_", page_token=token)
        for token in ("", "t")
    ]


async def test_merchants(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """A merchant that was read can be changed and sent back; the gateway's own times stay out."""
    read = merchant_pb2.Merchant()
    read.CopyFrom(MERCHANT)
    read.create_time.CopyFrom(NOON_TIMESTAMP)
    read.update_time.CopyFrom(NOON_TIMESTAMP)
    gateway.script("CreateMerchant", merchant_service_pb2.CreateMerchantResponse(merchant=read))
    gateway.script("GetMerchant", merchant_service_pb2.GetMerchantResponse(merchant=read))
    gateway.script("UpdateMerchant", merchant_service_pb2.UpdateMerchantResponse(merchant=read))
    assert await client.create_merchant(MERCHANT) == read
    assert await client.get_merchant("m_demo") == read
    assert await client.update_merchant(read) == read
    assert [call.request for call in gateway.received] == [
        merchant_service_pb2.CreateMerchantRequest(merchant_id="m_demo", merchant=MERCHANT),
        merchant_service_pb2.GetMerchantRequest(merchant_id="m_demo"),
        merchant_service_pb2.UpdateMerchantRequest(merchant_id="m_demo", merchant=MERCHANT),
    ]


async def test_ledger(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """Accounts, entries and the trial balance come back as they are."""
    account = ledger_pb2.Account(currency_code="CNY")
    entry = ledger_pb2.Entry(entry_id="ent_1")
    balance = ledger_service_pb2.GetTrialBalanceResponse(accounts=[account], balanced=True)
    gateway.script("ListAccounts", ledger_service_pb2.ListAccountsResponse(accounts=[account]))
    gateway.script("ListEntries", ledger_service_pb2.ListEntriesResponse(entries=[entry]))
    gateway.script("GetTrialBalance", balance)
    assert list(await client.list_accounts("m_demo")) == [account]
    found = await client.list_entries(merchant_id="m_demo", payment_id="pay_1")
    assert list(found) == [entry]
    assert await client.trial_balance() == balance
    assert [call.request for call in gateway.received] == [
        ledger_service_pb2.ListAccountsRequest(merchant_id="m_demo"),
        ledger_service_pb2.ListEntriesRequest(merchant_id="m_demo", payment_id="pay_1"),
        ledger_service_pb2.GetTrialBalanceRequest(),
    ]


async def test_a_moment_needs_its_zone(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """A moment without a time zone is refused before it is sent."""
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        await client.list_payments_page(merchant_id="m_demo", create_time_from=naive)
    assert not gateway.received


def test_keys_are_new() -> None:
    """Each key that is made is another one, and one that the contract takes."""
    keys = {new_idempotency_key() for _ in range(1000)}
    assert len(keys) == 1000
    assert all(len(key) == 36 and key.isascii() for key in keys)
