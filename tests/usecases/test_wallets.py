"""Wallets: opened once, read as they are, with what was booked on them; transfers by purpose."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.errors import NotFound, Reason
from gateway.domain.money import Money
from gateway.domain.payment import Payer, Purpose
from gateway.domain.wallet import Wallet, WalletRef, owner_of, payer_of
from gateway.usecases.services import Lookup
from tests.domain.lives import DONE, PAID
from tests.domain.samples import START
from tests.usecases.world import World

OURS = WalletRef("@p-1", "CNY")


def test_an_owner_is_a_payer_or_a_merchant() -> None:
    """A payer's name as an owner leads back to him; a merchant's id names no payer."""
    assert owner_of("p-1") == "@p-1"
    assert payer_of("@p-1") == "p-1"
    assert payer_of("m_1") is None


async def test_opening_is_idempotent_by_nature(world: World) -> None:
    """A wallet is empty when it is opened; opened again, it is read as it is."""
    first = await world.wallets.open(OURS)
    world.fund(5_000)
    world.clock.advance(timedelta(hours=1))

    again = await world.wallets.open(OURS)

    assert first == Wallet("p-1", "CNY", 0, 0, START, START, first.serial)
    assert again == replace(first, available=5_000)
    assert await world.wallets.get(OURS) == again


async def test_wallets_of_one_payer_have_one_owner(world: World) -> None:
    """Each currency has its wallet, and all of them the owner's one number."""
    yuan = await world.wallets.open(OURS)
    dollars = await world.wallets.open(WalletRef("@p-1", "USD"))
    other = await world.wallets.open(WalletRef("@p-2", "CNY"))

    assert yuan.serial == dollars.serial != other.serial


async def test_a_wallet_that_was_never_opened_is_not_found(world: World) -> None:
    """Another payer's, or another currency's, is none of his."""
    await world.wallets.open(OURS)

    for ref in (WalletRef("@p-2", "CNY"), WalletRef("@p-1", "USD")):
        with pytest.raises(NotFound) as refused:
            await world.wallets.get(ref)
        assert refused.value.reason is Reason.WALLET_NOT_FOUND


async def test_entries_are_those_of_the_wallet(world: World) -> None:
    """Whatever moved it is listed, newest first, page by page; what moved others is not."""
    await world.topping_up(PAID, amount=Money("CNY", 9_000))
    await world.topping_up(PAID, payer=Payer("p-2"))
    payment = await world.spent()
    hold = await world.held(idempotency_key="pay-2")
    await world.refunding(payment, idempotency_key="r-1")
    await world.canceling(hold)
    await world.withdrawing(DONE)
    await world.paid(idempotency_key="pay-3")

    entries = await world.wallets.entries(OURS, None, 50)
    first = await world.wallets.entries(OURS, None, 2)
    rest = await world.wallets.entries(OURS, first[-1].entry_id, 50)

    assert [entry.event for entry in entries] == [
        "withdrawal_accepted",
        "hold_released",
        "refund_succeeded",
        "payment_held",
        "payment_captured",
        "payment_captured",
    ]
    assert [*first, *rest] == entries


async def test_a_transfer_is_found_by_id_and_by_key(world: World) -> None:
    """Both ways give it as it is now, of its owner and for its purpose only."""
    top_up = (await world.topping_up(PAID)).payment
    withdrawal = (await world.withdrawing(DONE)).payment

    for purpose, made, key in (
        (Purpose.TOP_UP, top_up, "top-up-1"),
        (Purpose.WITHDRAWAL, withdrawal, "withdraw-1"),
    ):
        by_id = await world.query.transfer(Lookup("@p-1", made.payment_id), purpose)
        by_key = await world.query.transfer(Lookup("@p-1", idempotency_key=key), purpose)
        assert by_id == by_key == made == world.now(made)


@pytest.mark.parametrize(
    ("purpose", "reason", "other"),
    [
        (Purpose.TOP_UP, Reason.TOP_UP_NOT_FOUND, "withdraw-1"),
        (Purpose.WITHDRAWAL, Reason.WITHDRAWAL_NOT_FOUND, "top-up-1"),
    ],
)
async def test_a_transfer_that_is_not_there_is_not_found(
    world: World, purpose: Purpose, reason: Reason, other: str
) -> None:
    """Unknown ids and keys, another owner's, and those of another purpose name none."""
    made = [(await world.topping_up(PAID)).payment, (await world.withdrawing(DONE)).payment]
    sale = await world.paid()
    (wrong,) = (payment for payment in made if payment.purpose is not purpose)
    (right,) = (payment for payment in made if payment.purpose is purpose)

    for lookup in (
        Lookup("@p-1", world.clock.new_id()),
        Lookup("@p-1", wrong.payment_id),
        Lookup("@p-2", right.payment_id),
        Lookup("m_1", sale.payment_id),
        Lookup("@p-1", idempotency_key=other),
        Lookup("@p-1", idempotency_key="nothing"),
        Lookup("m_1", idempotency_key="pay-1"),
    ):
        with pytest.raises(NotFound) as refused:
            await world.query.transfer(lookup, purpose)
        assert refused.value.reason is reason
