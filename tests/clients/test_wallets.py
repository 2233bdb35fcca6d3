"""Calls about wallets: friendly arguments become the requests of the contract."""

from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from paymentgateway.client import GatewayClient, money
from paymentgateway.v1 import ledger_pb2, payment_pb2, wallet_pb2, wallet_service_pb2
from tests.clients.scripted_gateway import ScriptedGateway

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SANDBOX = payment_pb2.PaymentMethod(sandbox=payment_pb2.SandboxMethod())
NAMED = {"payer_id": "payer-1", "currency_code": "CNY"}
WALLET = wallet_pb2.Wallet(payer_id="payer-1", available=money("60", "CNY"))


async def test_open_and_get(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """A wallet is opened and read by its payer and currency."""
    gateway.script("OpenWallet", wallet_service_pb2.OpenWalletResponse(wallet=WALLET))
    gateway.script("GetWallet", wallet_service_pb2.GetWalletResponse(wallet=WALLET))
    assert await client.open_wallet(**NAMED) == WALLET
    assert await client.get_wallet(**NAMED) == WALLET
    assert [call.request for call in gateway.received] == [
        wallet_service_pb2.OpenWalletRequest(**NAMED),
        wallet_service_pb2.GetWalletRequest(**NAMED),
    ]


async def test_top_up(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """A top-up sends every argument in its field, and a bare payer id as a payer."""
    answer = wallet_service_pb2.TopUpResponse(replayed=True)
    gateway.script("TopUp", answer)
    got = await client.top_up(
        payer="payer-1",
        idempotency_key="k",
        amount=money("100", "CNY"),
        payment_method=SANDBOX,
        scene=payment_pb2.SCENE_APP,
        description="pocket money",
        expire_time=NOON,
    )
    assert got == answer
    assert gateway.requests("TopUp") == [
        wallet_service_pb2.TopUpRequest(
            payer=payment_pb2.Payer(payer_id="payer-1"),
            idempotency_key="k",
            amount=money("100", "CNY"),
            payment_method=SANDBOX,
            scene=payment_pb2.SCENE_APP,
            description="pocket money",
            expire_time=Timestamp(seconds=int(NOON.timestamp())),
        )
    ]


async def test_withdraw(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """So does a withdrawal."""
    answer = wallet_service_pb2.WithdrawResponse(replayed=True)
    gateway.script("Withdraw", answer)
    about = {
        "payer_id": "payer-1",
        "idempotency_key": "k",
        "amount": money("40", "CNY"),
        "payment_method": SANDBOX,
        "description": "home",
    }
    assert await client.withdraw(**about) == answer
    assert gateway.requests("Withdraw") == [wallet_service_pb2.WithdrawRequest(**about)]


async def test_lookups(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """A top-up or withdrawal is read by its id or by its key."""
    top_up, withdrawal = wallet_pb2.TopUp(version=1), wallet_pb2.Withdrawal(version=2)
    gateway.script("GetTopUp", *[wallet_service_pb2.GetTopUpResponse(top_up=top_up)] * 2)
    found = wallet_service_pb2.GetWithdrawalResponse(withdrawal=withdrawal)
    gateway.script("GetWithdrawal", *[found] * 2)
    top_ups = [{"top_up_id": "top_1"}, {"idempotency_key": "k"}]
    withdrawals = [{"withdrawal_id": "wdr_1"}, {"idempotency_key": "k"}]
    for name in top_ups:
        assert await client.get_top_up(payer_id="p", **name) == top_up
    for name in withdrawals:
        assert await client.get_withdrawal(payer_id="p", **name) == withdrawal
    assert [call.request for call in gateway.received] == [
        *(wallet_service_pb2.GetTopUpRequest(payer_id="p", **name) for name in top_ups),
        *(wallet_service_pb2.GetWithdrawalRequest(payer_id="p", **name) for name in withdrawals),
    ]


async def test_a_lookup_needs_exactly_one_name(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """A lookup by nothing, or by id and key at once, is refused before it is sent."""
    for read, name in ((client.get_top_up, "top_up_id"), (client.get_withdrawal, "withdrawal_id")):
        with pytest.raises(ValueError, match="exactly one"):
            await read(payer_id="p")
        with pytest.raises(ValueError, match="exactly one"):
            await read(payer_id="p", idempotency_key="k", **{name: "x"})
    assert not gateway.received


async def test_all_pages_of_entries(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """Entries are listed over all pages of one wallet."""
    entries = [ledger_pb2.Entry(entry_id=f"ent_{number}") for number in range(3)]
    gateway.script(
        "ListWalletEntries",
        wallet_service_pb2.ListWalletEntriesResponse(entries=entries[:2], next_page_token="t"),
        wallet_service_pb2.ListWalletEntriesResponse(entries=entries[2:]),
    )
    listed = client.list_wallet_entries(**NAMED, page_size=2)
    assert [entry async for entry in listed] == entries
    assert gateway.requests("ListWalletEntries") == [
        wallet_service_pb2.ListWalletEntriesRequest(**NAMED, page_size=2, page_token=token)
        for token in ("", "t")
    ]
