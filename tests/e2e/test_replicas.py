"""Two gateway processes on one database, asked the same things at the same moment.

Neither knows the other. What decides is the database alone, and the sandbox's own book shows
whether any money moved twice.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any

import pytest

from paymentgateway.client import money, new_idempotency_key
from paymentgateway.errors import GatewayError, KeyMismatch, NotYet, Refused
from paymentgateway.v1.payment_pb2 import (
    CAPTURE_MODE_MANUAL,
    FAILURE_REASON_REFUND_EXCEEDS_CAPTURED,
    SCENE_APP,
    Payer,
    Payment,
    PaymentMethod,
    SandboxMethod,
    SandboxScript,
)
from tests.e2e.house import House
from tests.e2e.purse import Purse, moves, wallet_shop
from tests.e2e.shop import Shop, done, state
from tests.e2e.waiting import insist

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLOW = SandboxScript(reply_delay_ms=300)


async def _at_once(*calls: Awaitable[Any]) -> Sequence[Any]:
    """Make all calls at the same moment; give the answers, and the errors among them."""
    found = await asyncio.gather(*calls, return_exceptions=True)
    for item in found:
        if isinstance(item, BaseException) and not isinstance(item, GatewayError):
            raise item
    return found


async def test_fifty_identical_calls_make_one_payment(shop: Shop) -> None:
    """50 at once over two processes: one id, one charge; once terminal, answers alike."""
    key = new_idempotency_key()
    calls = [shop.pay(key=key, script=SLOW, via=n % 2) for n in range(50)]
    answers = await asyncio.gather(*calls)
    assert len({answer.payment.payment_id for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    paid = await shop.reached(answers[0].payment, "SUCCEEDED")
    again = await asyncio.gather(*(shop.pay(key=key, script=SLOW, via=n % 2) for n in range(50)))
    assert all(answer.replayed and answer.payment == paid for answer in again)
    charge = await shop.house.charge(paid)
    assert (charge["requests"], charge["effects"]["charged"]) == (1, 1_000)


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": money("10.01", "CNY")},
        {"amount": money("1000", "JPY")},
        {"order_id": "o-2"},
        {"payer": "payer-2"},
        {"scene": SCENE_APP},
        {"capture_mode": CAPTURE_MODE_MANUAL},
        {"description": "tea"},
        {"attributes": {"a": "b"}},
        {"payment_method": PaymentMethod(sandbox=SandboxMethod(refund=SLOW))},
    ],
    ids=",".join,
)
async def test_a_racing_twin_with_one_field_changed(shop: Shop, changed: dict[str, Any]) -> None:
    """Exactly one object is made, and the other request is refused as a mismatch."""
    key = new_idempotency_key()
    found = await _at_once(shop.pay(key=key), shop.pay(key=key, via=1, **changed))
    (made,) = [item for item in found if not isinstance(item, GatewayError)]
    (refused,) = [item for item in found if isinstance(item, GatewayError)]
    assert isinstance(refused, KeyMismatch)
    listed = shop.client().list_payments(merchant_id=shop.merchant_id)
    assert [payment.payment_id async for payment in listed] == [made.payment.payment_id]


async def test_what_a_key_does_not_stand_for_may_differ_in_a_twin(shop: Shop) -> None:
    """The payer's device, IP address and region may differ between two tries of one intent."""
    key = new_idempotency_key()
    payers = [
        Payer(payer_id="payer-1", device_id="d-1", ip_address="192.0.2.1", region="CN"),
        Payer(payer_id="payer-1", device_id="d-2", ip_address="2001:db8::1", region="FR"),
    ]
    calls = (shop.pay(key=key, payer=payer, via=n) for n, payer in enumerate(payers))
    one, other = await asyncio.gather(*calls)
    assert one.payment.payment_id == other.payment.payment_id
    assert {one.replayed, other.replayed} == {True, False}


async def test_the_same_key_of_two_merchants(house: House) -> None:
    """A key is a merchant's own: each makes its payment, and neither sees the other's."""
    shops = [await house.shop() for _ in range(2)]
    key = new_idempotency_key()
    answers = await asyncio.gather(*(shop.pay(key=key, via=n) for n, shop in enumerate(shops)))
    assert [answer.replayed for answer in answers] == [False, False]
    assert answers[0].payment.payment_id != answers[1].payment.payment_id
    for shop, answer in zip(shops, answers, strict=True):
        found = await shop.client().get_payment(merchant_id=shop.merchant_id, idempotency_key=key)
        assert found.payment_id == answer.payment.payment_id


async def test_the_same_key_on_pay_and_refund(shop: Shop) -> None:
    """Ten races: one of the two is executed, the other is a mismatch, whoever wins."""
    paid = (await shop.pay("1.00")).payment
    winners = Counter[str]()
    for n in range(10):
        key = new_idempotency_key()
        found = await _at_once(
            shop.pay("2.00", key=key, via=n % 2), shop.refund(paid, "0.10", key=key, via=1 - n % 2)
        )
        (made,) = [item for item in found if not isinstance(item, GatewayError)]
        (refused,) = [item for item in found if isinstance(item, GatewayError)]
        assert isinstance(refused, KeyMismatch)
        winners[type(made).__name__] += 1
    after = await shop.get(paid)
    assert after.refunded.minor_units == 10 * winners["RefundResponse"]
    listed = shop.client().list_payments(merchant_id=shop.merchant_id)
    assert len([payment async for payment in listed]) == 1 + winners["PayResponse"]


async def test_refunds_that_together_exceed_the_payment(shop: Shop) -> None:
    """100 at once, each of a fiftieth: fifty are given back, fifty refused, and not a fen more."""
    paid = (await shop.pay("10.00")).payment
    keys = [new_idempotency_key() for _ in range(100)]
    answers = await asyncio.gather(
        *(
            insist(lambda key=key, n=n: shop.refund(paid, "0.20", key=key, via=n % 2))
            for n, key in enumerate(keys)
        )
    )
    refunds = [await shop.refunded(answer.refund) for answer in answers]
    assert Counter(done(refund.state) for refund in refunds) == {"SUCCEEDED": 50, "FAILED": 50}
    refused = {refund.failure.reason for refund in refunds if done(refund.state) == "FAILED"}
    assert refused == {FAILURE_REASON_REFUND_EXCEEDS_CAPTURED}
    after = await shop.get(paid)
    assert after.refunded == after.captured
    assert (await shop.house.charge(paid))["effects"] == {"charged": 1_000, "refunded": 1_000}
    assert await shop.balance() == 0


async def test_capture_against_cancel(shop: Shop) -> None:
    """Ten races: the money is taken or let go, never both, and the channel agrees."""
    for n in range(10):
        held = (await shop.pay(manual=True)).payment
        found = await _at_once(shop.capture(held, via=n % 2), shop.cancel(held, via=1 - n % 2))
        (refused,) = [item for item in found if isinstance(item, GatewayError)]
        assert isinstance(refused, NotYet | Refused)
        assert refused.reason in {"OPERATION_IN_PROGRESS", "ILLEGAL_TRANSITION"}
        ended = await shop.settled(held)
        charge = await shop.house.charge(held)
        assert (state(ended), charge["state"], charge["effects"]["charged"]) in {
            ("SUCCEEDED", "SUCCEEDED", 1_000),
            ("CANCELED", "CLOSED", 0),
        }


async def test_many_writers_on_one_merchant(shop: Shop) -> None:
    """64 writers pay and refund at once through both processes: its balance is their sum."""

    async def write(n: int) -> Payment:
        pay, refund = new_idempotency_key(), new_idempotency_key()
        answer = await insist(partial(shop.pay, "5.00", key=pay, via=n % 2))
        paid = await shop.settled(answer.payment)
        assert state(paid) == "SUCCEEDED", paid
        given = await insist(partial(shop.refund, paid, "1.50", key=refund, via=1 - n % 2))
        assert done((await shop.refunded(given.refund)).state) == "SUCCEEDED"
        return paid

    payments = await asyncio.gather(*(write(n) for n in range(64)))
    assert {state(payment) for payment in payments} == {"SUCCEEDED"}
    assert await shop.balance() == 64 * 350


async def test_fifty_identical_calls_pay_once_from_a_wallet(house: House) -> None:
    """50 at once over two processes: one payment, taken from the wallet once, and told to all."""
    shop, purse, key = await wallet_shop(house), await _filled(house), new_idempotency_key()
    pay = partial(shop.pay, "3.00", key=key, **purse.spending())
    answers = await asyncio.gather(*(insist(partial(pay, via=n % 2)) for n in range(50)))
    assert len({answer.payment.payment_id for answer in answers}) == 1
    assert {state(answer.payment) for answer in answers} == {"SUCCEEDED"}
    assert [answer.replayed for answer in answers].count(False) == 1
    assert await purse.balance() == (700, 0)


async def test_a_wallet_spent_from_all_sides(house: House) -> None:
    """100 payments at once of a wallet that has enough for 14: it gives 14 and not a fen more."""
    shop, purse = await wallet_shop(house), await _filled(house)
    calls = (
        partial(shop.pay, "0.70", key=new_idempotency_key(), via=n % 2, **purse.spending())
        for n in range(100)
    )
    answers = await asyncio.gather(*(insist(call) for call in calls))
    states = Counter(state(answer.payment) for answer in answers)
    assert states == {"SUCCEEDED": 14, "FAILED": 86}
    assert await purse.balance() == (20, 0)
    assert await shop.balance() == 14 * 70


async def test_capture_against_cancel_of_a_hold(house: House) -> None:
    """Ten races: what a wallet holds is taken or let go, never both, and nothing stays held."""
    shop, purse = await wallet_shop(house), await _filled(house)
    taken = 0
    for n in range(10):
        held = (await shop.pay("1.00", **purse.spending(manual=True))).payment
        found = await _at_once(
            insist(partial(shop.capture, held, key=new_idempotency_key(), via=n % 2)),
            insist(partial(shop.cancel, held, key=new_idempotency_key(), via=1 - n % 2)),
        )
        (refused,) = [item for item in found if isinstance(item, GatewayError)]
        assert (type(refused), refused.reason) == (Refused, "ILLEGAL_TRANSITION")
        taken += state(await shop.get(held)) == "SUCCEEDED"
    assert await purse.balance(1) == (1_000 - 100 * taken, 0)
    assert await shop.balance() == 100 * taken


async def test_money_in_and_out_and_spent_at_once(house: House) -> None:
    """Top-ups, withdrawals and payments of one wallet at once through both: the sum is right."""
    shop, purse = await wallet_shop(house), await _filled(house)

    async def turn(n: int) -> int:
        keys, via = [new_idempotency_key() for _ in range(3)], n % 2
        found = await asyncio.gather(
            insist(partial(purse.top_up, "0.50", key=keys[0], via=via)),
            insist(partial(purse.withdraw, "0.90", key=keys[1], via=1 - via)),
            insist(partial(shop.pay, "0.70", key=keys[2], via=via, **purse.spending())),
        )
        top_up = await purse.topped_up(found[0].top_up)
        withdrawal = await purse.withdrawn(found[1].withdrawal)
        ended = [(top_up, 50), (withdrawal, -90), (found[2].payment, -70)]
        return sum(amount for made, amount in ended if state(made) == "SUCCEEDED")

    moved = sum(await asyncio.gather(*(turn(n) for n in range(24))))
    assert await purse.balance() == (1_000 + moved, 0)
    available = [sum(moves(entry)["available"] for entry in await purse.entries())]
    assert available == [1_000 + moved]


async def _filled(house: House) -> Purse:
    purse = Purse(house)
    assert state((await purse.top_up("10.00")).top_up) == "SUCCEEDED"
    return purse
