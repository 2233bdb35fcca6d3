"""WalletService over a real connection: what use cases are asked, and what callers get."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from gateway.clock import Deadline
from gateway.domain.errors import top_up_not_found, wallet_not_found
from gateway.domain.ids import to_text
from gateway.domain.ledger import Entry, Transfer, customer
from gateway.domain.money import Money
from gateway.domain.payment import Payer, PaymentMethod, Purpose, Scene
from gateway.domain.wallet import WalletRef, owner_of
from gateway.usecases.commands import TopUpCommand, WithdrawCommand
from gateway.usecases.services import Lookup
from paymentgateway.v1 import wallet_pb2
from paymentgateway.v1.wallet_service_pb2 import (
    GetTopUpRequest,
    GetTopUpResponse,
    GetWalletRequest,
    GetWalletResponse,
    GetWithdrawalRequest,
    GetWithdrawalResponse,
    ListWalletEntriesRequest,
    ListWalletEntriesResponse,
    OpenWalletRequest,
    OpenWalletResponse,
    TopUpResponse,
    WithdrawResponse,
)
from tests.rpc import samples
from tests.rpc.fakes import NOW, House

OWNER = owner_of("payer-1")
REF = WalletRef(OWNER, "CNY")
DECLINE = {"sandbox": {"charge": {"outcome": "SANDBOX_OUTCOME_DECLINE"}}}
WALLET = {
    "payer_id": "payer-1",
    "currency_code": "CNY",
    "available": {"currency_code": "CNY", "minor_units": "6000"},
    "held": {"currency_code": "CNY", "minor_units": "99"},
    "create_time": "2026-03-01T12:30:15.123456Z",
    "update_time": "2026-03-01T12:30:16.123456Z",
}
TRANSFER = {
    "payer_id": "payer-1",
    "idempotency_key": "key-1",
    "amount": {"currency_code": "CNY", "minor_units": "1250"},
    "payment_method": DECLINE,
    "description": "tea",
    "state": "PAYMENT_STATE_AUTHORIZED",
    "failure": {"reason": "FAILURE_REASON_DECLINED", "channel_code": "E1", "message": "no"},
    "channel": "sandbox",
    "attempt_number": "0" * 28,
    "channel_number": "c-1",
    "create_time": "2026-03-01T12:30:15.123456Z",
    "update_time": "2026-03-01T12:30:16.123456Z",
    "version": "3",
}
WITHDRAWAL = TRANSFER | {"withdrawal_id": samples.WITHDRAWAL_TEXT}
TOP_UP = TRANSFER | {
    "top_up_id": samples.TOP_UP_TEXT,
    "scene": "SCENE_IN_STORE",
    "next_action": {"qr_code": "qr", "expire_time": "2026-03-01T12:30:18.123456Z"},
    "expire_time": "2026-03-01T12:30:17.123456Z",
}
SCRIPT = {"charge": {"outcome": "SANDBOX_OUTCOME_DECLINE", "fault_count": 3}}


def _read(message: Any, data: bytes) -> dict[str, Any]:
    return MessageToDict(message.FromString(data), preserving_proto_field_name=True)


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (WALLET, wallet_pb2.Wallet),
        (TOP_UP, wallet_pb2.TopUp),
        (WITHDRAWAL, wallet_pb2.Withdrawal),
    ],
)
def test_the_samples_forget_no_field(sample: dict[str, Any], message: type[Message]) -> None:
    """What is compared below is every field that there is."""
    assert sample.keys() == set(message.DESCRIPTOR.fields_by_name)


async def test_open_wallet(house: House) -> None:
    """A wallet is opened for its payer, who owns it, and answered with both balances."""
    request = OpenWalletRequest(payer_id="payer-1", currency_code="CNY")
    answer = await house.send("OpenWallet", request)
    assert _read(OpenWalletResponse, answer) == {"wallet": WALLET}
    assert house.asked == [("open_wallet", REF)]


async def test_get_wallet(house: House) -> None:
    """A wallet is read by its payer and currency; one without money has balances of zero."""
    house.use_cases.answers["get_wallet"] = replace(samples.wallet(), available=0, held=0)
    request = GetWalletRequest(payer_id="payer-1", currency_code="CNY")
    wallet = GetWalletResponse.FromString(await house.send("GetWallet", request)).wallet
    assert (wallet.available.currency_code, wallet.available.minor_units) == ("CNY", 0)
    assert (wallet.held.currency_code, wallet.held.minor_units) == ("CNY", 0)
    assert house.asked == [("get_wallet", REF)]


async def test_a_wallet_that_was_never_opened(house: House) -> None:
    """It is NOT_FOUND, with a reason of its own."""
    house.use_cases.answers["get_wallet"] = wallet_not_found()
    request = GetWalletRequest(payer_id="payer-1", currency_code="CNY")
    refusal = await house.refusal("GetWallet", request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "WALLET_NOT_FOUND")


async def test_top_up(house: House) -> None:
    """TopUp hands every field of the request to the use case, and every field of its answer back.

    The log names the top-up, and nothing of its payer.
    """
    answer = await house.send("TopUp", samples.top_up_request())
    assert _read(TopUpResponse, answer) == {"top_up": TOP_UP, "replayed": True}
    ((name, command, deadline),) = house.asked
    assert name == "top_up"
    assert isinstance(deadline, Deadline)
    assert command == TopUpCommand(
        payer=Payer("payer-1", "d-1", "192.0.2.7", "CN-31"),
        idempotency_key="key-5",
        amount=Money("CNY", 10_000),
        method=PaymentMethod("sandbox", SCRIPT),
        scene=Scene.APP,
        description="pocket money",
        expire_time=samples.moment(60),
        caller_id="anonymous",
    )
    ((_, fields),) = house.log.calls()
    assert fields["top_up_id"] == samples.TOP_UP_TEXT
    assert "payer-1" not in str(fields)


async def test_top_up_leaves_the_default_expiry_to_the_use_case(house: House) -> None:
    """A top-up without a time to end has none, rather than the beginning of time."""
    request = samples.top_up_request()
    request.ClearField("expire_time")
    await house.send("TopUp", request)
    assert house.asked[0][1].expire_time is None


async def test_withdraw(house: House) -> None:
    """Withdraw hands every field over and back; the log names the withdrawal."""
    answer = await house.send("Withdraw", samples.withdraw_request())
    assert _read(WithdrawResponse, answer) == {"withdrawal": WITHDRAWAL, "replayed": True}
    ((name, command, deadline),) = house.asked
    assert name == "withdraw"
    assert isinstance(deadline, Deadline)
    assert command == WithdrawCommand(
        payer_id="payer-1",
        idempotency_key="key-6",
        amount=Money("CNY", 4_000),
        method=PaymentMethod("sandbox", SCRIPT),
        description="home",
        caller_id="anonymous",
    )
    ((_, fields),) = house.log.calls()
    assert fields["withdrawal_id"] == samples.WITHDRAWAL_TEXT


@pytest.mark.parametrize(
    ("by", "lookup"),
    [
        ({"top_up_id": samples.TOP_UP_TEXT}, Lookup(OWNER, object_id=samples.PAYMENT_ID)),
        ({"idempotency_key": "key-5"}, Lookup(OWNER, idempotency_key="key-5")),
    ],
    ids=["by id", "by key"],
)
async def test_get_top_up(house: House, by: dict[str, str], lookup: Lookup) -> None:
    """A top-up is found by its id or by its key, among those of its payer."""
    answer = await house.send("GetTopUp", GetTopUpRequest(payer_id="payer-1", **by))
    assert _read(GetTopUpResponse, answer) == {"top_up": TOP_UP}
    assert house.asked == [("get_transfer", lookup, Purpose.TOP_UP)]


@pytest.mark.parametrize(
    ("by", "lookup"),
    [
        ({"withdrawal_id": samples.WITHDRAWAL_TEXT}, Lookup(OWNER, object_id=samples.PAYMENT_ID)),
        ({"idempotency_key": "key-6"}, Lookup(OWNER, idempotency_key="key-6")),
    ],
    ids=["by id", "by key"],
)
async def test_get_withdrawal(house: House, by: dict[str, str], lookup: Lookup) -> None:
    """So is a withdrawal."""
    answer = await house.send("GetWithdrawal", GetWithdrawalRequest(payer_id="payer-1", **by))
    assert _read(GetWithdrawalResponse, answer) == {"withdrawal": WITHDRAWAL}
    assert house.asked == [("get_transfer", lookup, Purpose.WITHDRAWAL)]


async def test_a_top_up_that_does_not_exist(house: House) -> None:
    """What the use case does not find is NOT_FOUND."""
    house.use_cases.answers["get_transfer"] = top_up_not_found()
    request = GetTopUpRequest(payer_id="payer-1", top_up_id=samples.TOP_UP_TEXT)
    refusal = await house.refusal("GetTopUp", request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "TOP_UP_NOT_FOUND")


def _entry(owner_id: str, event: str, entry_id: int = 1 << 97) -> Entry:
    transfer = Transfer(customer("wallet", "payer-1"), customer("wallet_held", "payer-1"), 99)
    operation_id = samples.OPERATION_ID if event == "hold_released" else None
    return Entry(
        owner_id=owner_id,
        entry_id=UUID(int=entry_id),
        event=event,
        currency="CNY",
        transfers=(transfer,),
        create_time=NOW,
        payment_id=samples.PAYMENT_ID,
        operation_id=operation_id,
    )


@pytest.mark.parametrize(
    ("owner_id", "event", "payment_id", "operation_id"),
    [
        ("shop", "payment_captured", samples.PAYMENT_TEXT, ""),
        ("shop", "hold_released", samples.PAYMENT_TEXT, to_text("can", samples.OPERATION_ID)),
        (OWNER, "payment_captured", samples.TOP_UP_TEXT, ""),
        (OWNER, "withdrawal_accepted", samples.WITHDRAWAL_TEXT, ""),
        (OWNER, "late_withdrawal", samples.WITHDRAWAL_TEXT, ""),
    ],
)
async def test_list_wallet_entries(
    house: House, owner_id: str, event: str, payment_id: str, operation_id: str
) -> None:
    """An entry names the payment, top-up or withdrawal it belongs to as its caller knows it."""
    house.use_cases.answers["list_wallet_entries"] = [_entry(owner_id, event)]
    request = ListWalletEntriesRequest(payer_id="payer-1", currency_code="CNY")
    answer = await house.send("ListWalletEntries", request)
    (entry,) = ListWalletEntriesResponse.FromString(answer).entries
    assert (entry.event, entry.payment_id, entry.operation_id) == (event, payment_id, operation_id)
    (transfer,) = entry.transfers
    assert (transfer.debit.code, transfer.credit.code) == ("wallet", "wallet_held")
    assert (transfer.currency_code, transfer.minor_units) == ("CNY", 99)
    assert house.asked == [("list_wallet_entries", REF, None, 51)]


async def test_pages_of_wallet_entries(house: House) -> None:
    """The next page begins after the last entry shown, and only for the same wallet."""
    house.use_cases.answers["list_wallet_entries"] = [
        _entry("shop", "payment_captured", entry_id) for entry_id in (3, 2, 1)
    ]
    request = ListWalletEntriesRequest(payer_id="payer-1", currency_code="CNY", page_size=2)
    answer = await house.send("ListWalletEntries", request)
    page = ListWalletEntriesResponse.FromString(answer)
    assert len(page.entries) == 2
    request.page_token = page.next_page_token
    await house.send("ListWalletEntries", request)
    assert house.asked[1] == ("list_wallet_entries", REF, UUID(int=2), 3)
    request.payer_id = "payer-2"
    refusal = await house.refusal("ListWalletEntries", request)
    assert refusal.reason == "INVALID_PAGE_TOKEN"
