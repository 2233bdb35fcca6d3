"""Lists: newest first, every filter, pages that neither lose nor repeat."""

from datetime import timedelta

import pytest

from gateway.domain.operation import OperationKind, OperationState
from gateway.domain.payment import PaymentMethod, PaymentState
from gateway.domain.ports import OperationFilter, PaymentFilter
from tests.store import builders
from tests.store.scenes import open_under, paid_one


@pytest.fixture
async def payments(database):
    """Twelve payments of m_1, an hour apart, oldest first, some alike; and one of m_2."""
    for merchant_id in ("m_1", "m_2"):
        await database.merchants.create_merchant(builders.merchant(merchant_id))
    made = []
    for number in range(12):
        item = builders.payment(
            create_time=builders.day(1) + timedelta(hours=number // 2),  # two at each moment
            order_id=f"o-{number % 3}",
            method=PaymentMethod("sandbox" if number % 4 else "other"),
        )
        item = builders.failed(item) if number % 2 else item
        change = builders.opening(item)
        await open_under(database, builders.claim(item), change)
        made.append(change.payment)
    other = builders.payment("m_2")
    await open_under(database, builders.claim(other), builders.opening(other))
    return made


def _newest_first(items):
    return sorted(items, key=lambda item: (item.create_time, item.payment_id), reverse=True)


@pytest.mark.parametrize(
    ("chosen", "keeps"),
    [
        ({}, lambda _: True),
        ({"order_id": "o-1"}, lambda item: item.order_id == "o-1"),
        ({"state": PaymentState.FAILED}, lambda item: item.state is PaymentState.FAILED),
        ({"channel": "other"}, lambda item: item.method.channel == "other"),
        (
            {"order_id": "o-0", "state": PaymentState.PROCESSING, "channel": "sandbox"},
            lambda item: (
                item.order_id == "o-0"
                and item.state is PaymentState.PROCESSING
                and item.method.channel == "sandbox"
            ),
        ),
        (
            {"state": PaymentState.PROCESSING, "channel": "other"},
            lambda item: item.state is PaymentState.PROCESSING and item.method.channel == "other",
        ),
        (
            {
                "create_time_from": builders.day(1) + timedelta(hours=1),
                "create_time_to": builders.day(1) + timedelta(hours=4),
            },
            lambda item: 1 <= item.create_time.hour < 4,
        ),
        ({"order_id": "o-9"}, lambda _: False),
    ],
)
async def test_a_list_has_what_its_filter_names(database, payments, chosen, keeps):
    """Each filter, alone and with others, gives exactly the payments that meet it, newest first."""
    expected = _newest_first(item for item in payments if keeps(item))
    wanted = PaymentFilter("m_1", **chosen)
    assert await database.payments.list_payments(wanted, None, 100) == expected


@pytest.mark.parametrize("chosen", [{}, {"order_id": "o-1"}, {"state": PaymentState.FAILED}])
async def test_pages_neither_lose_nor_repeat(database, payments, chosen):
    """Page after page gives what one long list gives, also where times are equal."""
    wanted = PaymentFilter("m_1", **chosen)
    whole = await database.payments.list_payments(wanted, None, 100)
    read, before = [], None
    while page := await database.payments.list_payments(wanted, before, 1):
        read += page
        before = page[-1].payment_id
    assert read == whole


async def test_a_page_before_nothing_is_empty(database, payments):
    """A page token that names no payment of this merchant gives nothing."""
    [other] = await database.payments.list_payments(PaymentFilter("m_2"), None, 10)
    wanted = PaymentFilter("m_1")
    assert await database.payments.list_payments(wanted, other.payment_id, 10) == []
    assert await database.payments.list_payments(wanted, builders.clock.new_id(), 10) == []


async def test_a_page_token_does_not_widen_the_times(database, payments):
    """A page before a payment that is newer than the range begins at the range's end."""
    newest = _newest_first(payments)[0]
    wanted = PaymentFilter("m_1", create_time_to=builders.day(1) + timedelta(hours=2))
    page = await database.payments.list_payments(wanted, newest.payment_id, 100)
    assert page == await database.payments.list_payments(wanted, None, 100)
    assert len(page) == 4


async def test_operations_are_listed_by_kind_payment_and_state(database):
    """Refunds are listed newest first, of all payments, of one, and in one state."""
    made = {}
    for number in range(4):
        paid = await paid_one(database, order_id=f"o-{number}")
        for key in ("a", "b"):
            amount = 10 if key == "a" else 5000
            claim = builders.refund_claim(paid, f"{key}-{number}", amount)
            await database.payments.change_payment(
                "m_1", paid.payment_id, builders.refund(claim, amount), claim=claim
            )
            made[claim.object_id] = (paid.payment_id, key)
    everything = OperationFilter("m_1", OperationKind.REFUND)
    listed = await database.payments.list_operations(everything, None, 100)
    times = [(item.create_time, item.operation_id) for item in listed]
    assert {item.operation_id for item in listed} == made.keys()
    assert times == sorted(times, reverse=True)

    payment_id = listed[0].payment_id
    of_one = OperationFilter("m_1", OperationKind.REFUND, payment_id=payment_id)
    found = await database.payments.list_operations(of_one, None, 100)
    assert found == [item for item in listed if item.payment_id == payment_id]

    refused = OperationFilter("m_1", OperationKind.REFUND, state=OperationState.FAILED)
    found = await database.payments.list_operations(refused, None, 100)
    assert found == [item for item in listed if made[item.operation_id][1] == "b"]

    second = await database.payments.list_operations(everything, listed[2].operation_id, 2)
    assert second == listed[3:5]
    none = OperationFilter("m_1", OperationKind.CAPTURE)
    assert await database.payments.list_operations(none, None, 10) == []
    late = OperationFilter("m_1", OperationKind.REFUND, create_time_to=builders.day(1))
    assert await database.payments.list_operations(late, None, 10) == []


@pytest.mark.parametrize(
    "narrowed",
    [{}, {"order_id": "o-1"}, {"state": PaymentState.SUCCEEDED}, {"channel": "sandbox"}],
)
async def test_however_it_is_read_it_is_the_same(database, narrowed):
    """Alone, whole or in a list, a payment says the same, where its money came from too."""
    paid = await paid_one(database)
    assert paid.funding_source == builders.FUNDING_SOURCE
    assert await database.payments.find_payment("m_1", paid.payment_id) == paid
    assert (await database.payments.load("m_1", paid.payment_id)).payment == paid
    chosen = PaymentFilter("m_1", **narrowed)
    assert await database.payments.list_payments(chosen, None, 10) == [paid]
