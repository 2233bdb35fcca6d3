"""BatchPay over the wire: many payments in one call, each as if it had come alone."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from paymentgateway.client import new_idempotency_key
from paymentgateway.errors import GatewayError, InvalidRequest, KeyMismatch, NotFound, SameKey
from paymentgateway.v1.payment_pb2 import (
    FAILURE_REASON_INSUFFICIENT_FUNDS,
    PaymentMethod,
    SandboxMethod,
)
from paymentgateway.v1.payment_service_pb2 import PayRequest, PayResponse
from tests.e2e.house import House
from tests.e2e.purse import Purse, request, wallet_shop
from tests.e2e.shop import Shop, state
from tests.e2e.waiting import insist

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAYERS, PRICE, GOOD = 10, "0.25", 280
DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"

Result = PayResponse | GatewayError


@dataclass
class Mixed:
    """A batch of everything there is, and where in it what stands."""

    items: list[PayRequest] = field(default_factory=list)
    places: dict[str, list[int]] = field(default_factory=dict)

    def add(self, kind: str, item: PayRequest) -> None:
        """Put an item at the end."""
        self.places.setdefault(kind, []).append(len(self.items))
        self.items.append(item)

    def of(self, kind: str, results: Sequence[Result]) -> list[Result]:
        """Give the results of one kind of items."""
        return [results[place] for place in self.places[kind]]


def mixed(shop: Shop, purses: Sequence[Purse], poor: Purse) -> Mixed:
    """Put bad items of every kind between good ones."""
    batch = Mixed()
    for n in range(GOOD):
        item = purses[n % PAYERS].item(shop, PRICE, new_idempotency_key())
        batch.add("good", item)
        if n % 56 == 0:
            batch.add("twin", item)
            batch.add("mismatch", request(shop, item.payer.payer_id, "0.26", item.idempotency_key))
            batch.add("poor", poor.item(shop, "1.01", new_idempotency_key()))
            broken = purses[0].item(shop, PRICE, new_idempotency_key())
            broken.amount.minor_units = 0
            batch.add("malformed", broken)
            stray = purses[0].item(shop, PRICE, new_idempotency_key())
            stray.merchant_id = "m_nobody"
            batch.add("stray", stray)
            channel = purses[0].item(shop, PRICE, new_idempotency_key())
            channel.payment_method.CopyFrom(PaymentMethod(sandbox=SandboxMethod()))
            batch.add("channel", channel)
    return batch


async def filled(house: House, amount: str) -> Purse:
    """A wallet with money in it."""
    purse = Purse(house)
    assert state((await purse.top_up(amount)).top_up) == "SUCCEEDED"
    return purse


def paid(results: Sequence[Result], house: House) -> list[PayResponse]:
    """Take results that are answers, and note them."""
    errors = [result for result in results if isinstance(result, GatewayError)]
    assert not errors, errors
    answers = [result for result in results if isinstance(result, PayResponse)]
    for answer in answers:
        house.note(answer.payment)
    return answers


def check_errors(batch: Mixed, results: Sequence[Result]) -> None:
    """What can be no payment is refused alone, each for its own reason."""
    assert {type(error) for error in batch.of("mismatch", results)} == {KeyMismatch}
    assert {type(error) for error in batch.of("malformed", results)} == {InvalidRequest}
    broken = batch.of("malformed", results)[0]
    assert isinstance(broken, InvalidRequest)
    assert [*broken.violations] == ["amount.minor_units"]
    assert {type(error) for error in batch.of("stray", results)} == {NotFound}


async def test_a_batch_of_everything(house: House) -> None:
    """Each item has its own answer, and the same batch to the other gateway executes nothing."""
    shop = await wallet_shop(house)
    purses = [await filled(house, "10.00") for _ in range(PAYERS)]
    poor = await filled(house, "1.00")
    batch = mixed(shop, purses, poor)
    results = await house.clients[0].batch_pay(batch.items)
    check_errors(batch, results)
    good = paid(batch.of("good", results), house)
    assert {(state(one.payment), one.replayed) for one in good} == {("SUCCEEDED", False)}
    assert len({one.payment.payment_id for one in good}) == GOOD
    assert [one.payment.idempotency_key for one in good] == [
        batch.items[place].idempotency_key for place in batch.places["good"]
    ]
    first = {one.payment.idempotency_key: one.payment for one in good}
    for twin in paid(batch.of("twin", results), house):
        assert twin.replayed
        assert twin.payment == first[twin.payment.idempotency_key]
    failed = paid(batch.of("poor", results), house)
    assert {one.payment.failure.reason for one in failed} == {FAILURE_REASON_INSUFFICIENT_FUNDS}
    through = paid(batch.of("channel", results), house)
    assert {state(one.payment) for one in through} == {"SUCCEEDED"}
    again = await house.clients[1].batch_pay(batch.items)
    check_errors(batch, again)
    for kind in ("good", "twin", "poor", "channel"):
        replays = paid(batch.of(kind, again), house)
        assert all(one.replayed for one in replays)
        told = paid(batch.of(kind, results), house)
        assert [one.payment for one in replays] == [one.payment for one in told]
    assert {await purse.balance() for purse in purses} == {(1_000 - 25 * GOOD // PAYERS, 0)}
    assert await poor.balance() == (100, 0)
    assert await shop.balance() == 25 * (GOOD + len(through))


async def test_the_same_batch_to_both_at_once(house: House) -> None:
    """Every item is executed by one of the two gateways, and both answer alike."""
    shop = await wallet_shop(house)
    purses = [await filled(house, "10.00") for _ in range(4)]
    items = [purses[n % 4].item(shop, "0.30", new_idempotency_key()) for n in range(120)]
    one, other = await asyncio.gather(*(_answered(house, items, via) for via in range(2)))
    for first, second in zip(one, other, strict=True):
        assert first.payment == second.payment
    assert {await purse.balance() for purse in purses} == {(1_000 - 30 * 30, 0)}
    assert await shop.balance() == 120 * 30


async def test_batches_that_cross(house: House) -> None:
    """Batches that want the same wallets in opposite orders never wait for each other for ever."""
    shop = await wallet_shop(house)
    purses = [await filled(house, "1.00") for _ in range(30)]
    before = (await house.fetch(DEADLOCKS))[0][0]
    keys = [[new_idempotency_key() for _ in purses] for _ in range(8)]
    calls = [
        _answered(
            house,
            [purse.item(shop, "0.15", key) for purse, key in zip(order, own, strict=True)],
            n % 2,
        )
        for n, own in enumerate(keys)
        for order in [purses if n % 2 else purses[::-1]]
    ]
    answers = [one for call in await asyncio.gather(*calls) for one in call]
    states = Counter(state(one.payment) for one in answers)
    assert states == {"SUCCEEDED": 30 * 6, "FAILED": 30 * 2}
    assert {await purse.balance() for purse in purses} == {(100 - 6 * 15, 0)}
    assert (await house.fetch(DEADLOCKS))[0][0] == before


async def _answered(house: House, items: Sequence[PayRequest], via: int) -> list[PayResponse]:
    """Send a batch again, as callers are told to, until every item has its answer."""

    async def send() -> list[Result]:
        results = await house.clients[via].batch_pay(items)
        for error in results:
            if isinstance(error, GatewayError) and error.same_key is SameKey.SAFE:
                raise error
        return results

    return paid(await insist(send), house)
