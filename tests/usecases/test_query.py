"""Query: our own rows, by id or by key, of one merchant only; a channel is never asked."""

from typing import Any

import pytest

from gateway.domain.errors import NotFound, Reason, Refused
from gateway.domain.payment import PaymentState
from gateway.usecases.services import Lookup
from tests.domain.lives import DECLINED, DONE, PAID, SILENT
from tests.usecases.world import World


async def test_a_payment_is_found_by_id_and_by_key(world: World) -> None:
    """Both ways give the payment as it is now, without asking the channel."""
    payment = (await world.paying(SILENT)).payment
    asked = len(world.channel.requests)

    by_id = await world.query.payment(Lookup("m_1", payment.payment_id))
    by_key = await world.query.payment(Lookup("m_1", idempotency_key="pay-1"))

    assert by_id == by_key == world.now(payment)
    assert len(world.channel.requests) == asked


@pytest.mark.parametrize("outcome", [DONE, DECLINED, SILENT])
async def test_a_refund_is_found_by_id_and_by_key(world: World, outcome: Any) -> None:
    """Both ways give the refund as it is now, failed ones too."""
    refund = await world.refunding(await world.paid(), outcome)

    by_id = await world.query.refund(Lookup("m_1", refund.operation.operation_id))
    by_key = await world.query.refund(Lookup("m_1", idempotency_key="refund-1"))

    assert by_id == by_key == refund.operation


async def test_a_payment_that_is_not_there_is_not_found(world: World) -> None:
    """Unknown ids and keys, another merchant's, and keys of other methods name no payment."""
    payment = await world.paid()
    await world.refunding(payment, DONE)

    for lookup in (
        Lookup("m_1", world.clock.new_id()),
        Lookup("m_2", payment.payment_id),
        Lookup("m_1", idempotency_key="pay-2"),
        Lookup("m_2", idempotency_key="pay-1"),
        Lookup("m_1", idempotency_key="refund-1"),
    ):
        with pytest.raises(NotFound) as refused:
            await world.query.payment(lookup)
        assert refused.value.reason is Reason.PAYMENT_NOT_FOUND


async def test_a_refund_that_is_not_there_is_not_found(world: World) -> None:
    """Unknown ids and keys, another merchant's, payments and captures are no refunds."""
    payment = await world.authorized()
    capture = await world.capturing(payment, DONE)
    refund = await world.refunding(payment, DONE)

    for lookup in (
        Lookup("m_1", world.clock.new_id()),
        Lookup("m_1", payment.payment_id),
        Lookup("m_1", capture.operation.operation_id),
        Lookup("m_2", refund.operation.operation_id),
        Lookup("m_1", idempotency_key="refund-2"),
        Lookup("m_1", idempotency_key="capture-1"),
        Lookup("m_1", idempotency_key="pay-1"),
    ):
        with pytest.raises(NotFound) as refused:
            await world.query.refund(lookup)
        assert refused.value.reason is Reason.REFUND_NOT_FOUND


async def test_a_refused_key_made_nothing(world: World) -> None:
    """A key that was refused for good names neither a payment nor a refund."""
    payment = (await world.paying(DECLINED)).payment
    with pytest.raises(Refused):
        await world.refunding(payment)

    with pytest.raises(NotFound):
        await world.query.refund(Lookup("m_1", idempotency_key="refund-1"))


async def test_entries_are_those_of_the_payment(world: World) -> None:
    """A payment's entries are given oldest first; another payment's are not."""
    payment = await world.paid()
    await world.paid(idempotency_key="pay-2")
    await world.refunding(payment, DONE)

    entries = await world.query.entries("m_1", payment.payment_id)

    assert [entry.event for entry in entries] == [
        "payment_captured",
        "refund_accepted",
        "refund_succeeded",
    ]
    assert {entry.payment_id for entry in entries} == {payment.payment_id}


async def test_entries_of_another_merchant_are_not_found(world: World) -> None:
    """Nobody reads the entries of a payment that is not his."""
    payment = await world.paid()

    with pytest.raises(NotFound) as refused:
        await world.query.entries("m_2", payment.payment_id)

    assert refused.value.reason is Reason.PAYMENT_NOT_FOUND


async def test_accounts_are_the_merchants_own(world: World) -> None:
    """A merchant sees what it has, and not what channels owe."""
    await world.paying(PAID)

    (account,) = await world.query.accounts("m_1")

    assert (account.account.code, account.balance) == ("merchant_unsettled", 3_000)
    assert await world.query.accounts("m_2") == []


async def test_a_query_is_not_a_promise(world: World) -> None:
    """What is still under way is told as such, not guessed."""
    payment = (await world.paying(SILENT)).payment

    found = await world.query.payment(Lookup("m_1", payment.payment_id))

    assert found.state is PaymentState.PROCESSING
