"""Opening payments: a key makes one payment, whoever sends it how often, on both servers."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from gateway.domain.errors import Reason, Refused
from gateway.domain.idempotency import ClaimKind
from gateway.domain.payment import Payer, PaymentState
from tests.store import builders
from tests.store.scenes import open_one, open_under, opened, paid_one, rows_of, value_of


async def test_a_payment_comes_back_as_it_was_written(database):
    """Everything a payment was asked for and became is read back unchanged."""
    made = await paid_one(
        database,
        attributes={"a": "ä\"'\\", "b": ""},
        description="猫%s",
        payer=Payer("p-1", device_id='\t"\\\u2028', ip_address="::1", region="中"),
    )
    loaded = await database.payments.load("m_1", made.payment_id)
    assert loaded.payment == made
    assert loaded.serial == 1
    assert loaded.operations == {}
    assert [attempt.number for attempt in loaded.attempts.values()] == [made.attempt_number]


async def test_the_key_tells_what_it_stands_for(database):
    """A claim is read back unchanged; a key that was never used stands for nothing."""
    made = builders.payment()
    claim = builders.claim(made)
    await open_under(database, claim, builders.opening(made))
    assert await database.payments.find_claim("m_1", made.idempotency_key) == claim
    assert await database.payments.find_claim("m_2", made.idempotency_key) is None
    assert await database.payments.find_claim("m_1", "other") is None


async def test_a_used_key_writes_nothing(database, urls):
    """A second payment under a key is not made; its caller gets the first one's claim."""
    first, second = builders.payment(), builders.payment()
    claim = builders.claim(first)
    assert await open_under(database, claim, builders.opening(first)) is None
    other = builders.claim(second, idempotency_key=first.idempotency_key)
    assert await open_under(database, other, builders.opening(second)) == claim
    for table in ("payments", "attempts", "events", "operations"):
        assert await value_of(urls.owner, f"select count(*) from {table}") == 1


async def test_fifty_identical_calls_make_one_payment(each_urls):
    """Fifty calls at once with one key, over two pools, make one payment and agree on it."""
    async with opened(each_urls) as one, opened(each_urls) as two:
        made = [builders.payment(idempotency_key="k") for _ in range(50)]
        answers = await asyncio.gather(
            *(
                open_under((one, two)[number % 2], builders.claim(item), builders.opening(item))
                for number, item in enumerate(made)
            )
        )
    assert answers.count(None) == 1
    winner = made[answers.index(None)]
    assert {answer.object_id for answer in answers if answer} == {winner.payment_id}
    for table in ("payments", "attempts", "events", "operations"):
        assert await value_of(each_urls.owner, f"select count(*) from {table}") == 1


async def test_a_racing_twin_with_another_fingerprint_loses(urls):
    """Of two different requests racing with one key one is made, and the other sees whose it is."""
    async with opened(urls) as database:
        for number in range(10):
            made = [builders.payment(idempotency_key=f"k-{number}") for _ in range(2)]
            claims = [
                builders.claim(item, fingerprint=builders.fingerprint(str(index)))
                for index, item in enumerate(made)
            ]
            answers = await asyncio.gather(
                *(
                    open_under(database, claim, builders.opening(item))
                    for claim, item in zip(claims, made, strict=True)
                )
            )
            winner = answers.index(None)
            assert answers[1 - winner] == claims[winner]
            assert not answers[1 - winner].same_request(claims[1 - winner])


async def test_merchants_do_not_share_keys(database):
    """The same key of two merchants stands for two payments."""
    made = [builders.payment(merchant_id, idempotency_key="k") for merchant_id in ("m_1", "m_2")]
    for item in made:
        assert await open_under(database, builders.claim(item), builders.opening(item)) is None
    for item in made:
        claim = await database.payments.find_claim(item.merchant_id, "k")
        assert claim.object_id == item.payment_id


async def test_one_key_for_two_methods_at_once(database):
    """A key used for Pay and for Refund at the same moment stands for one of them."""
    paid = await paid_one(database)
    kinds = Counter()
    for number in range(10):
        key = f"both-{number}"
        made, claim = builders.payment(idempotency_key=key), builders.refund_claim(paid, key, 10)
        opening, changed = await asyncio.gather(
            open_under(database, builders.claim(made), builders.opening(made)),
            database.payments.change_payment(
                "m_1", paid.payment_id, builders.refund(claim, 10), claim=claim
            ),
        )
        kept = await database.payments.find_claim("m_1", key)
        kinds[kept.kind] += 1
        if kept.kind is ClaimKind.PAY:
            assert (opening, changed.existing, changed.written) == (None, kept, False)
        else:
            assert (opening, changed.existing, changed.written) == (kept, None, True)
    refunds = (await database.payments.load("m_1", paid.payment_id)).operations
    assert len(refunds) == kinds[ClaimKind.REFUND]


async def test_an_order_is_paid_once(database, urls):
    """Of twenty payments for one order at once one is made; the refusals stay under their keys."""
    made = [builders.payment(one_per_order=True) for _ in range(20)]
    answers = await asyncio.gather(
        *(open_under(database, builders.claim(item), builders.opening(item)) for item in made),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert answers.count(None) == 1
    assert len(refused) == 19
    assert all(item.reason is Reason.ORDER_ALREADY_PAID and item.key_bound for item in refused)
    assert await value_of(urls.owner, "select count(*) from payments") == 1
    loser = made[next(index for index, answer in enumerate(answers) if answer)]
    kept = await database.payments.find_claim("m_1", loser.idempotency_key)
    assert (kept.refusal, kept.object_id) == (Reason.ORDER_ALREADY_PAID, loser.payment_id)


async def test_a_refused_order_stays_refused_for_its_key(database):
    """Sending a refused key again gives the refusal that was kept, even once the order is free."""
    first = await open_one(database, one_per_order=True)
    second = builders.payment(one_per_order=True)
    with pytest.raises(Refused):
        await open_under(database, builders.claim(second), builders.opening(second))
    await database.payments.change_payment("m_1", first.payment_id, builders.decline)
    again = replace(builders.claim(second), object_id=builders.clock.new_id())
    existing = await open_under(database, again, builders.opening(second))
    assert existing.refusal is Reason.ORDER_ALREADY_PAID


async def test_a_failed_payment_frees_its_order(database):
    """Once a payment has failed, its order can be paid under another key."""
    first = await open_one(database, one_per_order=True)
    await database.payments.change_payment("m_1", first.payment_id, builders.decline)
    second = await paid_one(database, one_per_order=True)
    assert second.state is PaymentState.SUCCEEDED


async def test_many_payments_per_order_where_the_merchant_wants_it(database):
    """Without the merchant's wish an order may have any number of payments."""
    for _ in range(3):
        await open_one(database, order_id="same")


async def test_a_payment_refused_at_once_is_kept(database, urls):
    """A payment that is FAILED from the start has its row and event, and no attempt."""
    await database.merchants.create_merchant(builders.merchant())
    made = builders.failed(builders.payment())
    assert await open_under(database, builders.claim(made), builders.opening(made)) is None
    assert (await database.payments.load("m_1", made.payment_id)).payment == made
    assert await value_of(urls.owner, "select count(*) from attempts") == 0


async def test_a_lease_runs_by_the_clock_of_the_database(database, urls):
    """When an attempt is due does not depend on the clock of the process that wrote it."""
    made = builders.payment()
    change = builders.opening(made)
    now = change.event.create_time
    wrong = now.replace(year=now.year + 10)
    attempt = replace(change.attempts[0], due_time=wrong + builders.LEASE)
    skewed = replace(change, event=replace(change.event, create_time=wrong), attempts=(attempt,))
    await open_under(database, builders.claim(made), skewed)
    [row] = await rows_of(urls.owner, "select due_time - now() as left from attempts")
    assert 0 < row["left"].total_seconds() <= builders.LEASE.total_seconds()
