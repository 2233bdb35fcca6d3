"""Spend: a payment from a wallet is decided and done in one commit, and nobody outside is asked."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

import pytest

from gateway.clock import Deadline
from gateway.domain.errors import (
    DeadlinePassed,
    GatewayError,
    InvalidRequest,
    NotFound,
    Overloaded,
    Reason,
    Refused,
    Unavailable,
)
from gateway.domain.fees import FeeSchedule, FeeTerms
from gateway.domain.merchant import OrderPolicy, PaymentLimit
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, FailureReason, Payer, PaymentState
from gateway.usecases.commands import PaymentAnswer
from tests.domain.samples import START
from tests.usecases.methods import kept
from tests.usecases.world import (
    EXPIRY,
    HOLD_LIFETIME,
    World,
    patience,
    pay_command,
    wallet_command,
)

S, F = PaymentState, FailureReason
AWAY = Unavailable(Reason.DATABASE_UNAVAILABLE, "Away.", retry_after_s=1)
FULL = Overloaded(Reason.OVERLOADED, "Full.", retry_after_s=0.5)
TURNS_MAX = 50
"""Turns of the loop that no call here takes."""


async def spending(world: World, **fields: Any) -> PaymentAnswer:
    """Pay from the wallet."""
    return await world.pay(wallet_command(**fields), patience())


async def test_what_is_paid_is_paid_at_once(world: World) -> None:
    """The first answer is the last: the merchant has it, the wallet less, and no one is asked."""
    world.fund(5_000)

    answer = await spending(world)

    assert (answer.payment.state, answer.replayed) == (S.SUCCEEDED, False)
    assert answer.payment == world.now(answer.payment)
    assert world.wallet() == (2_000, 0)
    assert world.rows.balances()["merchant_unsettled"] == 3_000
    assert world.channel.requests == world.rows.open_attempts() == []
    assert world.observer.payments == [answer.payment]
    assert len(world.rows.events) == 1


async def test_what_is_held_counts_against_what_is_available(world: World) -> None:
    """A held amount is not the merchant's yet, and pays nothing else meanwhile."""
    world.fund(5_000)

    payment = await world.held()
    other = await world.spent(idempotency_key="pay-2", amount=Money("CNY", 2_001))

    assert payment.state is S.AUTHORIZED
    assert payment.capture_before_time == START + HOLD_LIFETIME
    assert world.wallet() == (2_000, 3_000)
    assert "merchant_unsettled" not in world.rows.balances()
    assert other.failure
    assert other.failure.reason is F.INSUFFICIENT_FUNDS


async def test_too_little_is_bound_to_the_key(world: World) -> None:
    """The payment has failed for ever under its key; after a top-up a new key pays."""
    world.fund(2_999)
    first = await spending(world)
    world.fund(1)

    again = await spending(world)
    fresh = await spending(world, idempotency_key="pay-2")

    assert first.payment.failure
    assert first.payment.failure.reason is F.INSUFFICIENT_FUNDS
    assert (again.payment, again.replayed) == (first.payment, True)
    assert fresh.payment.state is S.SUCCEEDED
    assert world.wallet() == (0, 0)


async def test_a_wallet_that_was_never_opened_has_nothing(world: World) -> None:
    """Paying from it fails like paying from an empty one."""
    answer = await spending(world)

    assert answer.payment.failure
    assert answer.payment.failure.reason is F.INSUFFICIENT_FUNDS
    assert world.rows.wallets == {}


async def test_a_wallet_is_that_of_payer_and_currency(world: World) -> None:
    """Money in another currency, or another payer's, pays nothing."""
    world.fund(9_000, currency="USD")
    world.fund(9_000, payer_id="p-2")

    ours = await spending(world)
    theirs = await spending(world, idempotency_key="pay-2", payer=Payer("p-2"))
    dollars = await spending(world, idempotency_key="pay-3", amount=Money("USD", 9_000))

    states = [answer.payment.state for answer in (ours, theirs, dollars)]
    assert states == [S.FAILED, S.SUCCEEDED, S.SUCCEEDED]
    assert world.wallet("p-2") == (6_000, 0)
    assert world.wallet(currency="USD") == (0, 0)


async def test_of_many_at_once_as_many_as_it_covers_are_paid(world: World) -> None:
    """However many draw on a wallet at the same time, it is never below zero."""
    world.fund(1_000)
    commands = [
        wallet_command(idempotency_key=f"pay-{n}", amount=Money("CNY", 300)) for n in range(20)
    ]

    answers = await asyncio.gather(*(world.pay(command, patience()) for command in commands))

    states = [answer.payment.state for answer in answers]
    assert (states.count(S.SUCCEEDED), states.count(S.FAILED)) == (3, 17)
    assert world.wallet() == (100, 0)


async def test_the_merchants_terms_hold(world: World) -> None:
    """Fees accrue by the schedule of the channel "wallet", and limits refuse for good."""
    schedule = FeeSchedule("wallet", "CNY", START, FeeTerms(1_000))
    world.change_merchant(
        fee_schedules=(schedule,), payment_limits=(PaymentLimit("CNY", maximum=3_000),)
    )
    world.fund(9_000)

    paid = await world.spent()
    refused = await world.spent(idempotency_key="pay-2", amount=Money("CNY", 3_001))

    assert (paid.fee_terms, paid.fee_millionths) == (FeeTerms(1_000), 3_000_000)
    assert refused.failure
    assert refused.failure.reason is F.LIMIT_EXCEEDED


FREE: dict[str, tuple[dict[str, Any], dict[str, Any], type[GatewayError], Reason]] = {
    "merchant disabled": ({"disabled": True}, {}, Refused, Reason.MERCHANT_DISABLED),
    "currency": ({"currencies": ()}, {}, Refused, Reason.CURRENCY_NOT_ENABLED),
    "no wallets": ({"channels": ("sandbox",)}, {}, Refused, Reason.CHANNEL_NOT_ENABLED),
    "no such merchant": ({}, {"merchant_id": "m_2"}, NotFound, Reason.MERCHANT_NOT_FOUND),
    "expiry too far ahead": (
        {},
        {"expire_time": START + EXPIRY.longest + timedelta(minutes=1)},
        InvalidRequest,
        Reason.INVALID_REQUEST,
    ),
}


@pytest.mark.parametrize("row", FREE)
async def test_what_was_not_decided_leaves_the_key_free(world: World, row: str) -> None:
    """A refusal before any intent keeps nothing, and the same key may pay later."""
    merchant, fields, kind, reason = FREE[row]
    world.fund(3_000)
    world.change_merchant(**merchant)
    before = kept(world)

    with pytest.raises(kind) as refused:
        await spending(world, **fields)

    assert (refused.value.reason, refused.value.key_bound) == (reason, False)
    assert kept(world) == before
    world.change_merchant(disabled=False, currencies=("CNY",), channels=("wallet",))
    assert (await spending(world)).payment.state is S.SUCCEEDED


async def test_a_replay_executes_nothing_whatever_changed(world: World) -> None:
    """The key is looked at before whatever time or state can change: funds, terms, the merchant."""
    world.fund(3_000)
    first = await spending(world)

    for change in (
        {},
        {"disabled": True},
        {"channels": ()},
        {"payment_limits": (PaymentLimit("CNY", maximum=1),)},
    ):
        world.change_merchant(**change)
        world.clock.advance(timedelta(days=400))
        before = kept(world)
        again = await spending(world)
        assert (again.replayed, again.payment) == (True, first.payment)
        assert kept(world) == before
    assert len(world.observer.payments) == 1


async def test_of_twins_at_the_same_moment_one_pays(world: World) -> None:
    """However many send the same at once, the wallet is charged once and all get the same."""
    world.fund(9_000)

    answers = await asyncio.gather(*(spending(world) for _ in range(10)))

    assert len({answer.payment.payment_id for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert world.wallet() == (6_000, 0)


@pytest.mark.parametrize(
    "fields", [{"amount": Money("CNY", 1)}, {"capture_mode": CaptureMode.MANUAL}]
)
async def test_a_key_stands_for_one_request(world: World, fields: dict[str, Any]) -> None:
    """One changed field, the channel too, makes another request, and nothing is executed."""
    world.fund(9_000)
    await spending(world)
    before = kept(world)

    for command in (wallet_command(**fields), pay_command()):
        with pytest.raises(Refused) as refused:
            await world.pay(command, patience())
        assert refused.value.reason is Reason.IDEMPOTENCY_KEY_MISMATCH
    assert kept(world) == before


async def test_a_key_that_paid_by_a_channel_pays_from_no_wallet(world: World) -> None:
    """The other way round it is a mismatch as well."""
    world.fund(9_000)
    payment = await world.paid()
    await world.refunding(payment, idempotency_key="refund-1")

    for key in ("pay-1", "refund-1"):
        with pytest.raises(Refused) as refused:
            await spending(world, idempotency_key=key)
        assert refused.value.reason is Reason.IDEMPOTENCY_KEY_MISMATCH
    assert world.wallet() == (9_000, 0)


async def test_an_order_is_paid_once(world: World) -> None:
    """Where an order may have one payment, a wallet and a channel are alike."""
    world.change_merchant(order_policy=OrderPolicy.ONE_PAYMENT)
    world.fund(9_000)
    await spending(world)

    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await spending(world, idempotency_key="pay-2")
        assert (refused.value.reason, refused.value.key_bound) == (Reason.ORDER_ALREADY_PAID, True)
    with pytest.raises(Refused):
        await world.paid(idempotency_key="pay-3")
    assert world.wallet() == (6_000, 0)


async def test_a_caller_may_cancel_at_every_turn(world: World) -> None:
    """Wherever he leaves, nothing was asked for yet, or the payment is made without him."""
    fates = []
    for turns in range(TURNS_MAX):
        fresh = World(world.clock)
        fresh.fund(3_000)
        call = asyncio.create_task(spending(fresh))
        for _ in range(turns):
            await asyncio.sleep(0)
        cancelled = call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call
        await fresh.store.drain()
        fates.append(fresh.wallet())
        if not cancelled:
            break

    assert (fates[0], fates[-1]) == ((3_000, 0), (0, 0))
    assert set(fates) == {(3_000, 0), (0, 0)}
    assert len(fates) < TURNS_MAX


async def test_a_deadline_before_the_commit_is_known_is_no_answer(world: World) -> None:
    """Nothing can be said of what is not yet committed; it goes on, and its key finds it out."""
    world.fund(3_000)
    gate = world.store.hooks.hold("open_payment")

    with pytest.raises(Unavailable) as unknown:
        await world.pay(wallet_command(), Deadline.after(0.5))
    gate.opened.set()
    await world.store.drain()

    assert (unknown.value.reason, unknown.value.key_bound) == (Reason.COMMIT_UNKNOWN, False)
    assert unknown.value.retry_after_s
    assert world.wallet() == (0, 0)
    assert (await spending(world)).replayed


@pytest.mark.parametrize("known", [False, True])
async def test_without_time_nothing_is_asked_for(world: World, *, known: bool) -> None:
    """A deadline that has passed keeps nothing, whether or not the merchant has to be read."""
    world.fund(3_000)
    if known:
        await world.merchants.get("m_1")
    before = kept(world)

    with pytest.raises(DeadlinePassed):
        await world.pay(wallet_command(), Deadline.after(-1.0))
    await world.store.drain()

    assert kept(world) == before


@pytest.mark.parametrize("fault", [AWAY, FULL, RuntimeError("a bug")])
@pytest.mark.parametrize("where", ["get_merchant", "open_payment"])
async def test_what_fails_before_the_commit_keeps_nothing(
    world: World, where: str, fault: Exception
) -> None:
    """Without its commit nothing is kept, and the caller learns why."""
    world.fund(3_000)
    before = kept(world)
    world.store.hooks.fail(where, fault)

    with pytest.raises(type(fault)) as raised:
        await spending(world)

    assert raised.value is fault
    assert kept(world) == before
    assert (await spending(world)).payment.state is S.SUCCEEDED


async def test_a_lost_reply_is_settled_by_the_same_key(world: World) -> None:
    """Where nobody knows whether it was committed, the key finds it, and it is paid once."""
    world.fund(9_000)
    lost = Unavailable(Reason.COMMIT_UNKNOWN, "Unknown.", retry_after_s=1)
    world.store.hooks.fail("open_payment's reply", lost)
    with pytest.raises(Unavailable):
        await spending(world)

    again = await spending(world)

    assert (again.replayed, again.payment.state) == (True, S.SUCCEEDED)
    assert world.wallet() == (6_000, 0)


async def test_a_remembered_merchant_costs_no_read(world: World) -> None:
    """Of many payments to one merchant the first reads it, and the others wait for one commit."""
    world.fund(9_000)
    await spending(world)
    world.store.hooks.fail("get_merchant", AWAY)

    assert (await spending(world, idempotency_key="pay-2")).payment.state is S.SUCCEEDED
