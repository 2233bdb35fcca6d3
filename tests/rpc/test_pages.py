"""Page tokens and cursors: nobody can make one, and each is good for one thing only."""

from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import InvalidRequest, Reason
from gateway.domain.ports import FeedPosition
from gateway.rpc.pages import Cursors, Pages
from paymentgateway.v1 import payment_pb2
from paymentgateway.v1.merchant_service_pb2 import ListMerchantsRequest
from paymentgateway.v1.payment_service_pb2 import ListPaymentsRequest, ListPaymentsResponse
from paymentgateway.v1.refund_service_pb2 import ListRefundsRequest
from tests.rpc import samples
from tests.rpc.fakes import DEPLOYMENT, KEY, House

IDS = [UUID(int=(1 << 100) + n) for n in range(5)]
OTHER_FILTERS: dict[str, Any] = {
    "merchant_id": "other",
    "order_id": "order-2",
    "state": payment_pb2.PAYMENT_STATE_FAILED,
    "channel": "other",
    "create_time_from": Timestamp(seconds=1),
    "create_time_to": Timestamp(seconds=9_999_999_999),
}


def _request(**changes: Any) -> ListPaymentsRequest:
    filters = {"merchant_id": "shop", "order_id": "order-1", "page_size": 2}
    return ListPaymentsRequest(**filters | changes)


def _token(request: Any, key: bytes = KEY) -> str:
    """Make the token of the page after the one that a request asks for."""
    page = Pages(key).open(request)
    return page.cut(IDS[: page.limit], lambda last: last.bytes)[1]


def _assert_refused(request: Any, key: bytes = KEY) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Pages(key).open(request)
    assert caught.value.reason is Reason.INVALID_PAGE_TOKEN
    assert caught.value.violations.keys() == {"page_token"}


async def test_pages_follow_one_another(house: House) -> None:
    """Each page begins after the last object of the one before; the last one has no token."""
    asked = []

    async def list_payments(_chosen: Any, before: UUID | None, limit: int) -> list[Any]:
        asked.append(before)
        start = 0 if before is None else IDS.index(before) + 1
        return [samples.payment(payment_id) for payment_id in IDS[start : start + limit]]

    house.use_cases.answers["list_payments"] = list_payments
    sizes, token = [], ""
    while not sizes or token:
        answer = await house.send("ListPayments", _request(page_token=token))
        page = ListPaymentsResponse.FromString(answer)
        sizes.append(len(page.payments))
        token = page.next_page_token
    assert sizes == [2, 2, 1]
    assert asked == [None, IDS[1], IDS[3]]


async def test_a_forged_token_reaches_nobody(house: House) -> None:
    """A token that is not ours is bad input, and no use case is asked."""
    refusal = await house.refusal("ListPayments", _request(page_token="AAAA"))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.reason == "INVALID_PAGE_TOKEN"
    assert house.asked == []


def test_a_page_that_is_just_full_is_the_last() -> None:
    """A token promises another page that has something on it."""
    page = Pages(KEY).open(_request())
    assert page.cut(IDS[:2], lambda last: last.bytes) == (IDS[:2], "")


def test_the_other_filters_are_all_filters() -> None:
    """What is changed below is every filter that the request has."""
    fields = set(ListPaymentsRequest.DESCRIPTOR.fields_by_name)
    assert OTHER_FILTERS.keys() == fields - {"page_size", "page_token"}


@pytest.mark.parametrize("field", OTHER_FILTERS)
def test_a_token_is_bound_to_every_filter(field: str) -> None:
    """A token of one list leads into no other, and into no other merchant's."""
    token = _token(_request())
    _assert_refused(_request(page_token=token, **{field: OTHER_FILTERS[field]}))


def test_a_token_is_bound_to_its_method() -> None:
    """Requests that look alike do not share tokens."""
    token = _token(ListMerchantsRequest(merchant_id="shop", page_size=1))
    _assert_refused(ListRefundsRequest(merchant_id="shop", page_token=token))
    _assert_refused(ListPaymentsRequest(merchant_id="shop", page_token=token))


def test_a_token_is_bound_to_the_key() -> None:
    """Without the key nobody can make a token."""
    _assert_refused(_request(page_token=_token(_request(), b"x" * 32)))


@pytest.mark.parametrize("size", [1, 2, 500])
def test_the_page_size_may_change(size: int) -> None:
    """How much a page holds is no filter."""
    page = Pages(KEY).open(_request(page_token=_token(_request()), page_size=size))
    assert page.start_id == IDS[1]


def test_every_byte_of_a_token_counts() -> None:
    """No character can be changed, cut off or added."""
    token = _token(_request())
    for at, character in enumerate(token[:-1]):
        changed = "A" if character != "A" else "B"
        _assert_refused(_request(page_token=token[:at] + changed + token[at + 1 :]))
        _assert_refused(_request(page_token=token[:at] or "A"))
    for added in ("A", "AAAA", " ", "é"):
        _assert_refused(_request(page_token=token + added))


POSITION = FeedPosition(DEPLOYMENT, 12_345, samples.PAYMENT_ID)


@given(st.uuids(), st.integers(0, 2**64 - 1), st.uuids(), st.text(max_size=64))
def test_a_cursor_is_read_as_it_was_made(
    deployment: UUID, transaction: int, event: UUID, merchant_id: str
) -> None:
    """A cursor names exactly the position that it was made of."""
    cursors, position = Cursors(KEY, deployment), FeedPosition(deployment, transaction, event)
    assert cursors.decode(merchant_id, cursors.encode(merchant_id, position)) == position


def test_no_cursor_means_from_now_on() -> None:
    """An empty cursor is no position."""
    assert Cursors(KEY, DEPLOYMENT).decode("shop", "") is None


def test_a_cursor_is_bound() -> None:
    """No cursor is good for another merchant, database or key, nor is a page token one."""
    cursors = Cursors(KEY, DEPLOYMENT)
    cursor = cursors.encode("shop", POSITION)
    elsewhere = FeedPosition(UUID(int=8), 1, samples.PAYMENT_ID)
    for merchant_id, text, reader in (
        ("other", cursor, cursors),
        ("shop", cursor, Cursors(b"x" * 32, DEPLOYMENT)),
        ("shop", cursor, Cursors(KEY, UUID(int=8))),
        ("shop", cursors.encode("shop", elsewhere), cursors),
        ("shop", cursor[:-2], cursors),
        ("shop", f"{cursor}AAAA", cursors),
        ("shop", "é", cursors),
        ("shop", _token(ListPaymentsRequest(merchant_id="shop", page_size=1)), cursors),
    ):
        with pytest.raises(InvalidRequest) as caught:
            reader.decode(merchant_id, text)
        assert caught.value.reason is Reason.INVALID_CURSOR
        assert caught.value.violations.keys() == {"cursor"}


def test_tokens_fit_their_fields() -> None:
    """The longest tokens are within what requests may carry, 512 bytes."""
    page = Pages(KEY).open(ListMerchantsRequest(page_size=1))
    token = page.cut(["m" * 64, ""], str.encode)[1]
    assert 0 < len(token) <= 512
    assert len(Cursors(KEY, DEPLOYMENT).encode("m" * 64, POSITION)) <= 512
