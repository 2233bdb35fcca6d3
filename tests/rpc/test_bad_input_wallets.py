"""Input about wallets that must be refused by its bytes alone; rows as in `test_bad_input`."""

from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from paymentgateway.v1.wallet_service_pb2 import (
    GetTopUpRequest,
    GetWalletRequest,
    GetWithdrawalRequest,
    ListWalletEntriesRequest,
    OpenWalletRequest,
)
from tests.rpc import samples
from tests.rpc.fakes import House
from tests.rpc.wrong_input import (
    AMOUNT_ROWS,
    EXPIRY_ROWS,
    KEY_ROWS,
    METHOD_ROWS,
    PAYER_ROWS,
    SCENE_ROWS,
    TEXT_ROWS,
    TOO_LARGE,
    Change,
    assert_refused,
    missing,
    wrong,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _from_wallet(request: Any) -> None:
    request.payment_method.wallet.SetInParent()


BOTH_ROWS = [
    *KEY_ROWS,
    *AMOUNT_ROWS,
    *METHOD_ROWS,
    *TEXT_ROWS,
    *missing("amount"),
    (_from_wallet, "payment_method"),
]
TOP_UP_ROWS = [*BOTH_ROWS, *PAYER_ROWS, *SCENE_ROWS, *EXPIRY_ROWS, *missing("payer")]
PAYER_ID_ROWS = wrong("payer_id", "", "p" * 65, "a@b", "p\x00", "@p", "p p")
READ_ROWS = [
    (kind, fields, path)
    for kind in (OpenWalletRequest, GetWalletRequest, ListWalletEntriesRequest)
    for fields, path in (
        ({"payer_id": "@payer"}, "payer_id"),
        ({"payer_id": ""}, "payer_id"),
        ({"currency_code": ""}, "currency_code"),
        ({"currency_code": "cny"}, "currency_code"),
        ({"currency_code": "XXX"}, "currency_code"),
    )
]
LOOKUP_ROWS = [
    (GetTopUpRequest, {}, "by"),
    (GetTopUpRequest, {"idempotency_key": " k"}, "idempotency_key"),
    (GetTopUpRequest, {"top_up_id": "x"}, "top_up_id"),
    (GetTopUpRequest, {"payer_id": "@p", "idempotency_key": "k"}, "payer_id"),
    (GetWithdrawalRequest, {}, "by"),
    (GetWithdrawalRequest, {"idempotency_key": " k"}, "idempotency_key"),
    (GetWithdrawalRequest, {"withdrawal_id": "x"}, "withdrawal_id"),
    (GetWithdrawalRequest, {"payer_id": "@p", "idempotency_key": "k"}, "payer_id"),
]


@pytest.fixture
def house(shared_house: House) -> House:
    """One server for all rows, because none of them may leave a trace."""
    shared_house.asked.clear()
    return shared_house


@pytest.mark.parametrize(("change", "path"), TOP_UP_ROWS)
async def test_top_up_refuses(house: House, change: Change, path: str) -> None:
    """A top-up with one thing wrong is refused for exactly that; a wallet cannot top itself up."""
    request = samples.top_up_request()
    change(request)
    await assert_refused(house, "TopUp", request, path)


@pytest.mark.parametrize(("change", "path"), [*BOTH_ROWS, *PAYER_ID_ROWS])
async def test_withdraw_refuses(house: House, change: Change, path: str) -> None:
    """So is a withdrawal, and it cannot be paid into a wallet."""
    request = samples.withdraw_request()
    change(request)
    await assert_refused(house, "Withdraw", request, path)


@pytest.mark.parametrize(
    ("kind", "fields", "path"),
    [*READ_ROWS, *LOOKUP_ROWS, (ListWalletEntriesRequest, {"page_size": -1}, "page_size")],
)
async def test_reads_refuse(
    house: House, kind: type[Message], fields: dict[str, Any], path: str
) -> None:
    """A payer is never an owner's name, a currency is one of the list."""
    known = kind.DESCRIPTOR.fields_by_name
    right = {"payer_id": "payer-1"} | ({"currency_code": "CNY"} if "currency_code" in known else {})
    method = kind.DESCRIPTOR.name.removesuffix("Request")
    await assert_refused(house, method, kind(**right | fields), path)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (GetTopUpRequest(top_up_id=samples.PAYMENT_TEXT), "TOP_UP_NOT_FOUND"),
        (GetTopUpRequest(top_up_id=samples.WITHDRAWAL_TEXT), "TOP_UP_NOT_FOUND"),
        (GetTopUpRequest(top_up_id=f"top_{TOO_LARGE}"), "TOP_UP_NOT_FOUND"),
        (GetWithdrawalRequest(withdrawal_id=samples.TOP_UP_TEXT), "WITHDRAWAL_NOT_FOUND"),
        (GetWithdrawalRequest(withdrawal_id=f"wdr_{TOO_LARGE}"), "WITHDRAWAL_NOT_FOUND"),
    ],
)
async def test_what_names_nothing_is_not_found(
    house: House, request_: GetTopUpRequest | GetWithdrawalRequest, reason: str
) -> None:
    """An id of another kind, or one that is too large, names nothing."""
    request_.payer_id = "payer-1"
    method = request_.DESCRIPTOR.name.removesuffix("Request")
    refusal = await house.refusal(method, request_)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, reason)
    assert house.asked == []


async def test_a_page_token_is_bounded(house: House) -> None:
    """A token that is longer than any of ours is not even tried."""
    request = ListWalletEntriesRequest(
        payer_id="payer-1", currency_code="CNY", page_token="t" * 513
    )
    await assert_refused(house, "ListWalletEntries", request, "page_token")
