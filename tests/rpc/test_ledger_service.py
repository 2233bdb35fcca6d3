"""LedgerService over a real connection: what use cases are asked, and what callers get."""

from typing import Any
from uuid import UUID

import pytest
from google.protobuf.json_format import MessageToDict

from gateway.domain.ids import to_text
from gateway.domain.ledger import AccountSum, Entry, Transfer, customer, own
from paymentgateway.v1.ledger_service_pb2 import (
    GetTrialBalanceRequest,
    GetTrialBalanceResponse,
    ListAccountsRequest,
    ListAccountsResponse,
    ListEntriesRequest,
    ListEntriesResponse,
)
from tests.rpc import samples
from tests.rpc.fakes import NOW, House

RECEIVABLE = customer("channel_receivable", "sandbox")
UNSETTLED = customer("merchant_unsettled", "shop")
ENTRY_ID = UUID(int=1 << 97)


def _entry(event: str, operation_id: UUID | None) -> Entry:
    transfer = Transfer(RECEIVABLE, UNSETTLED, 350)
    return Entry("shop", ENTRY_ID, event, "CNY", (transfer,), NOW, samples.PAYMENT_ID, operation_id)


def _read(message: Any, data: bytes) -> dict[str, Any]:
    return MessageToDict(message.FromString(data), preserving_proto_field_name=True)


async def test_list_accounts(house: House) -> None:
    """An account has both sums, and its balance on the side on which it grows."""
    house.use_cases.answers["list_accounts"] = [AccountSum(UNSETTLED, "CNY", 50, 350)]
    answer = await house.send("ListAccounts", ListAccountsRequest(merchant_id="shop"))
    assert _read(ListAccountsResponse, answer) == {
        "accounts": [
            {
                "name": {"book": "BOOK_CUSTOMER", "code": "merchant_unsettled", "key": "shop"},
                "kind": "ACCOUNT_KIND_LIABILITY",
                "currency_code": "CNY",
                "debit_minor_units": "50",
                "credit_minor_units": "350",
                "balance_minor_units": "300",
            }
        ]
    }
    assert house.asked == [("list_accounts", "shop")]


@pytest.mark.parametrize(
    ("event", "operation_id", "text"),
    [
        ("payment_captured", None, None),
        ("payment_captured", samples.OPERATION_ID, to_text("cap", samples.OPERATION_ID)),
        ("refund_accepted", samples.OPERATION_ID, to_text("ref", samples.OPERATION_ID)),
    ],
)
async def test_list_entries(
    house: House, event: str, operation_id: UUID | None, text: str | None
) -> None:
    """An entry names its event, its payment, what it was about, and its transfers."""
    house.use_cases.answers["list_entries"] = [_entry(event, operation_id)]
    request = ListEntriesRequest(merchant_id="shop", payment_id=samples.PAYMENT_TEXT)
    answer = await house.send("ListEntries", request)
    entry = {
        "entry_id": to_text("ent", ENTRY_ID),
        "event": event,
        "payment_id": samples.PAYMENT_TEXT,
        "transfers": [
            {
                "debit": {
                    "book": "BOOK_CUSTOMER",
                    "code": "channel_receivable",
                    "key": "sandbox",
                },
                "credit": {"book": "BOOK_CUSTOMER", "code": "merchant_unsettled", "key": "shop"},
                "currency_code": "CNY",
                "minor_units": "350",
            }
        ],
        "create_time": "2026-03-01T12:30:15.123456Z",
    } | ({"operation_id": text} if text else {})
    assert _read(ListEntriesResponse, answer) == {"entries": [entry]}
    assert house.asked == [("list_entries", "shop", samples.PAYMENT_ID)]


@pytest.mark.parametrize(
    ("sums", "balanced"),
    [
        ([], True),
        ([AccountSum(RECEIVABLE, "CNY", 5, 0), AccountSum(UNSETTLED, "CNY", 0, 5)], True),
        ([AccountSum(RECEIVABLE, "CNY", 5, 0), AccountSum(UNSETTLED, "CNY", 0, 4)], False),
        ([AccountSum(RECEIVABLE, "CNY", 5, 0), AccountSum(UNSETTLED, "JPY", 0, 5)], False),
        ([AccountSum(RECEIVABLE, "CNY", 5, 0), AccountSum(own("fee_income"), "CNY", 0, 5)], False),
    ],
    ids=["nothing", "balanced", "amounts", "currencies", "books"],
)
async def test_get_trial_balance(house: House, sums: list[AccountSum], balanced: bool) -> None:
    """The books balance only if each of them does, in each currency."""
    house.use_cases.answers["trial_balance"] = sums
    answer = await house.send("GetTrialBalance", GetTrialBalanceRequest())
    read = GetTrialBalanceResponse.FromString(answer)
    assert (len(read.accounts), read.balanced) == (len(sums), balanced)
    assert read.read_time.ToJsonString() == "2026-03-01T12:30:15.123456Z"
    assert house.asked == [("trial_balance", "")]
