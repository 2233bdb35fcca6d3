"""TopUp: a payer's own payment into his wallet, through a channel, like any other payment."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.channel import AttemptKind, Notice, Outcome
from gateway.domain.errors import GatewayError, InvalidRequest, Reason, Refused
from gateway.domain.ids import parse_channel_number
from gateway.domain.money import Money
from gateway.domain.payment import FailureReason, Payer, PaymentMethod, PaymentState, Purpose, Scene
from gateway.domain.wallet import WalletRef
from tests.domain.lives import ACTING, DECLINED, DONE, HELD, NOT_SENT, PAID, QR, SILENT, WAITING
from tests.domain.samples import START
from tests.usecases.rows import OWNER_SERIAL_MIN
from tests.usecases.world import EXPIRY, World

S = PaymentState


@pytest.mark.parametrize(
    ("outcome", "state", "available"),
    [
        (PAID, S.SUCCEEDED, 3_000),
        (ACTING, S.REQUIRES_ACTION, 0),
        (WAITING, S.PROCESSING, 0),
        (SILENT, S.PROCESSING, 0),
        (DECLINED, S.FAILED, 0),
        (NOT_SENT, S.FAILED, 0),
    ],
)
async def test_the_answer_is_what_the_channel_said(
    world: World, outcome: Outcome, state: PaymentState, available: int
) -> None:
    """Each outcome is answered with its state, and only a success is in the wallet."""
    answer = await world.topping_up(outcome)

    assert (answer.payment.state, answer.replayed) == (state, False)
    assert answer.payment == world.now(answer.payment)
    assert world.wallet() == (available, 0)


async def test_money_that_came_in_is_booked(world: World) -> None:
    """The channel owes it to us, and we to the payer; no merchant and no fee is in it."""
    payment = (await world.topping_up(PAID)).payment

    assert world.rows.balances() == {"channel_receivable": 3_000, "wallet": 3_000}
    assert (payment.fee_terms, payment.fee_millionths) == (None, 0)


async def test_a_top_up_is_the_payers_own(world: World) -> None:
    """Its owner is the payer, it carries what was asked, and its number names the owner."""
    fields: dict[str, Any] = {
        "payer": Payer("p-1", "device", "203.0.113.9", "CN"),
        "method": PaymentMethod("sandbox", {"script": {"outcome": "SUCCEED"}}),
        "amount": Money("CNY", 1_250),
        "scene": Scene.WEB,
        "description": "Pocket money",
        "caller_id": "app",
    }

    payment = (await world.topping_up(ACTING, **fields)).payment

    assert {name: getattr(payment, name) for name in fields} == fields
    assert (payment.merchant_id, payment.purpose) == ("@p-1", Purpose.TOP_UP)
    assert (payment.idempotency_key, payment.next_action) == ("top-up-1", QR)
    assert payment.expire_time == START + EXPIRY.default
    parsed = parse_channel_number(payment.attempt_number)
    assert parsed
    assert parsed[0] == OWNER_SERIAL_MIN
    (request,) = world.channel.requested("send")
    assert (request.kind, request.money) == (AttemptKind.CHARGE, payment.amount)
    assert request.description == "Pocket money"


async def test_the_wallet_is_open_before_the_money_comes(world: World) -> None:
    """A first top-up opens the wallet of its currency."""
    await world.topping_up(SILENT, amount=Money("USD", 1))

    assert list(world.rows.wallets) == [WalletRef("@p-1", "USD")]


async def test_a_notification_finds_the_payers_top_up(world: World) -> None:
    """Our number leads to its owner, so that what the channel tells by itself is booked, once."""
    payment = (await world.topping_up(ACTING)).payment
    notice = Notice(AttemptKind.CHARGE, payment.attempt_number, PAID)

    for _ in range(2):
        assert await world.notified("sandbox", notice)

    assert world.now(payment).state is S.SUCCEEDED
    assert world.wallet() == (3_000, 0)
    assert world.rows.reviews == {}


async def test_a_worker_finds_out_what_became_of_it(world: World) -> None:
    """A top-up that was left open is asked about like any charge."""
    payment = (await world.topping_up(SILENT)).payment

    await world.recovering(PAID)

    assert world.now(payment).state is S.SUCCEEDED
    assert world.wallet() == (3_000, 0)


async def test_a_late_success_goes_back_and_not_into_the_wallet(world: World) -> None:
    """What had failed stays so: the money is kept apart, returned, and a person is told."""
    payment = (await world.topping_up(DECLINED)).payment

    await world.notified("sandbox", Notice(AttemptKind.CHARGE, payment.attempt_number, PAID))
    assert world.now(payment).state is S.FAILED
    assert world.wallet() == (0, 0)
    assert world.rows.balances() == {"channel_receivable": 3_000, "refund_in_transit": 3_000}

    await world.recovering(DONE)
    assert world.rows.balances() == {}
    assert [case.kind for case in world.observer.reviews] == ["LATE_SUCCESS"]


async def test_a_return_that_is_refused_stays_in_suspense(world: World) -> None:
    """Late money that the channel does not take back is nobody's until a person decides."""
    payment = (await world.topping_up(DECLINED)).payment
    await world.notified("sandbox", Notice(AttemptKind.CHARGE, payment.attempt_number, PAID))

    await world.recovering(DECLINED)

    assert world.rows.balances() == {"channel_receivable": 3_000, "suspense": 3_000}
    assert world.wallet() == (0, 0)


FREE: dict[str, tuple[dict[str, Any], type[GatewayError], Reason]] = {
    "a wallet": ({"method": PaymentMethod("wallet")}, Refused, Reason.CHANNEL_NOT_ENABLED),
    "no such channel": ({"method": PaymentMethod("other")}, Refused, Reason.CHANNEL_NOT_ENABLED),
    "currency": ({"amount": Money("EUR", 1)}, Refused, Reason.CURRENCY_NOT_ENABLED),
    "too much": ({"amount": Money("CNY", 1_000_001)}, Refused, Reason.AMOUNT_NOT_ENABLED),
    "expiry": (
        {"expire_time": START + 2 * EXPIRY.longest},
        InvalidRequest,
        Reason.INVALID_REQUEST,
    ),
}


@pytest.mark.parametrize("row", FREE)
async def test_what_cannot_be_asked_for_leaves_the_key_free(world: World, row: str) -> None:
    """Nothing is kept or sent, and the same key may top up later."""
    fields, kind, reason = FREE[row]

    with pytest.raises(kind) as refused:
        await world.topping_up(**fields)

    assert (refused.value.reason, refused.value.key_bound) == (reason, False)
    assert (world.rows.claims, world.rows.wallets, world.channel.requests) == ({}, {}, [])
    assert (await world.topping_up(PAID)).payment.state is S.SUCCEEDED


async def test_a_top_up_that_comes_too_late_has_failed(world: World) -> None:
    """After its expire_time it is kept as FAILED under its key, and nobody is asked."""
    answer = await world.topping_up(expire_time=START)

    assert answer.payment.failure
    assert answer.payment.failure.reason is FailureReason.EXPIRED
    assert world.channel.requests == []


async def test_keys_belong_to_the_payer(world: World) -> None:
    """The same key of another payer, or of a merchant, is another key."""
    one = await world.topping_up(PAID)
    other = await world.topping_up(PAID, payer=Payer("p-2"))
    merchants = await world.paying(PAID, idempotency_key="top-up-1")

    ids = {answer.payment.payment_id for answer in (one, other, merchants)}
    assert len(ids) == 3
    assert (world.wallet("p-1"), world.wallet("p-2")) == ((3_000, 0), (3_000, 0))


async def test_a_hold_is_no_money(world: World) -> None:
    """Where a channel holds instead of taking, nothing is in the wallet."""
    answer = await world.topping_up(HELD)

    assert answer.payment.state is S.AUTHORIZED
    assert world.wallet() == (0, 0)


async def test_a_wrong_amount_changes_nothing(world: World) -> None:
    """A success over another amount goes to a person, and the wallet stays as it is."""
    await world.topping_up(replace(PAID, money=Money("CNY", 30_000)))

    assert [case.kind for case in world.observer.reviews] == ["MISMATCH"]
    assert world.wallet() == (0, 0)
