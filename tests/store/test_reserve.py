"""The reserve proof: it adds up what was booked, ages receivables, and stays what it was."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from gateway.domain.errors import Contended, InvalidRequest
from gateway.domain.money import Money
from gateway.domain.reserve import Receivable
from gateway.store import reserve
from tests.store import builders, wallet_scenes
from tests.store.scenes import opened, paid_one, rows_of, value_of
from tests.store.wallet_scenes import PAID

DAYS_3 = timedelta(days=3)
MICROSECOND = timedelta(microseconds=1)
AGO = timedelta(minutes=5)

COLUMNS = (
    "insert into transfers (owner_id, entry_id, position, event, book, debit_code, debit_key, "
    "credit_code, credit_key, currency, amount, create_time) values "
)


async def proven(database, as_of=None, overdue_after=DAYS_3):
    """The proof in the one currency that is booked on."""
    proof = await database.ledger.prove_reserve(as_of, overdue_after)
    [found] = proof.reserves
    return found


def stamped(when, *legs):
    """The statement that books transfers (debit, key, credit, key, amount) stamped so."""
    rows = ", ".join(
        f"('m_1', gen_random_uuid(), 0, 'x', 'C', '{debit}', '{debit_key}', '{credit}', "
        f"'{credit_key}', 'CNY', {amount}, '{when.isoformat()}')"
        for debit, debit_key, credit, credit_key, amount in legs
    )
    return COLUMNS + rows


def owed(amount, channel="sandbox"):
    """A channel takes a payment for a merchant."""
    return ("channel_receivable", channel, "merchant_unsettled", "m_1", amount)


def funded(amount, channel="sandbox"):
    """A channel pays what it owes."""
    return ("reserve_bank", "main", "channel_receivable", channel, amount)


async def test_everything_that_was_booked_is_proven(database):
    """What is owed to whom, what covers it and what is ours, is what the bookings say."""
    await paid_one(database)
    await wallet_scenes.top_up(database, 500)
    await wallet_scenes.pay(database, 120)
    await wallet_scenes.hold(database, 80)
    gone = await wallet_scenes.withdraw(database, 30)
    await wallet_scenes.answer(database, gone, PAID)
    await wallet_scenes.withdraw(database, 20)
    await database.ledger.fund(Money("CNY", 7), "k")
    found = await proven(database)
    assert {code: amount for code, amount in found.owed.items() if amount} == {
        "wallet": 250,
        "wallet_held": 80,
        "merchant_unsettled": 1120,
        "payout_in_transit": 20,
    }
    assert found.bank == 7 - 30
    assert found.receivables == [Receivable("sandbox", "CNY", 1500, 0)]
    assert (found.due_to_own, found.due_from_reserve, found.surplus) == (7, 7, 7)
    assert found.problems == ()


async def test_nothing_booked_is_nothing_owed(database):
    """An empty journal is a proof without currencies, and it holds."""
    proof = await database.ledger.prove_reserve(None, DAYS_3)
    assert (proof.holds, proof.reserves) == (True, [])
    assert abs(proof.as_of - builders.clock.now()) < timedelta(minutes=1)


async def test_a_merchant_below_zero_covers_nobody(database, urls):
    """What one account is below zero is not taken from what another is owed."""
    now = builders.clock.now()
    below = ("merchant_unsettled", "m_2", "merchant_unsettled", "m_1", 30)
    await rows_of(urls.owner, stamped(now, owed(100), below))
    found = await proven(database)
    assert (found.owed["merchant_unsettled"], found.overdrawn) == (130, 30)
    assert found.problems == ("30 minor units owed to customers are not covered",)


@pytest.mark.parametrize(
    ("bookings", "outstanding", "overdue"),
    [
        ([(5, owed(100))], 100, 100),
        ([(2, owed(100))], 100, 0),
        ([(5, owed(100)), (2, owed(10))], 110, 100),
        ([(5, owed(100)), (4, owed(40)), (2, owed(10)), (1, funded(120))], 30, 20),
        ([(5, owed(100)), (2, owed(10)), (1, funded(100))], 10, 0),
        ([(5, owed(100)), (2, owed(10)), (1, funded(105))], 5, 0),
        ([(5, owed(100)), (1, funded(130))], -30, 0),
        ([(9, funded(50)), (5, owed(100))], 50, 50),
    ],
)
async def test_what_a_channel_pays_settles_the_oldest_first(
    database, urls, bookings, outstanding, overdue
):
    """Overdue is what the channel owed so many days ago and has not paid since."""
    moment = builders.clock.now() - AGO
    for days, leg in bookings:
        await rows_of(urls.owner, stamped(moment - timedelta(days=days), leg))
    found = await proven(database, moment)
    assert found.receivables == [Receivable("sandbox", "CNY", outstanding, overdue)]


async def test_channels_do_not_pay_for_each_other(database, urls):
    """Each channel's receivable ages for itself."""
    old = builders.clock.now() - timedelta(days=5)
    await rows_of(urls.owner, stamped(old, owed(100), owed(50, "other"), funded(70, "other")))
    assert (await proven(database)).receivables == [
        Receivable("other", "CNY", -20, 0),
        Receivable("sandbox", "CNY", 100, 100),
    ]


async def test_overdue_begins_right_after_its_time(database, urls):
    """A receivable of exactly the span given is not overdue; a microsecond older it is."""
    moment = builders.clock.now() - AGO
    await rows_of(urls.owner, stamped(moment - DAYS_3, owed(10)))
    await rows_of(urls.owner, stamped(moment - DAYS_3 - MICROSECOND, owed(3)))
    assert (await proven(database, moment)).receivables[0].overdue == 3
    assert (await proven(database, moment, timedelta(days=4))).receivables[0].overdue == 0
    assert (await proven(database, moment, timedelta(0))).receivables[0].overdue == 13


async def test_a_moment_is_what_was_stamped_before_it(database, urls):
    """What is stamped exactly with the moment comes after it."""
    moment = builders.clock.now() - AGO
    await rows_of(urls.owner, stamped(moment - MICROSECOND, owed(1)))
    await rows_of(urls.owner, stamped(moment, owed(10)))
    assert (await proven(database, moment)).owed_in_all == 1
    assert (await proven(database, moment + MICROSECOND)).owed_in_all == 11
    assert (await database.ledger.prove_reserve(moment - AGO, DAYS_3)).reserves == []


async def test_an_answer_once_given_never_changes(each_urls):
    """What is committed after a moment was proven counts in later moments only, though older."""
    async with opened(each_urls) as database:
        moment = builders.clock.now() - AGO
        await rows_of(each_urls.owner, stamped(moment - AGO, owed(100)))
        first = await database.ledger.prove_reserve(moment, DAYS_3)
        await rows_of(each_urls.owner, stamped(moment - AGO, owed(5)))
        assert await database.ledger.prove_reserve(moment, DAYS_3) == first
        assert (await proven(database, moment + MICROSECOND)).owed_in_all == 105
        assert (await proven(database)).owed_in_all == 105
        assert await database.ledger.prove_reserve(moment, DAYS_3) == first


async def test_an_answer_waits_for_what_runs(each_urls):
    """A transaction that runs when a moment is first asked for is decided before it is answered."""
    async with opened(each_urls) as database:
        moment = builders.clock.now() - AGO
        slow = await asyncpg.connect(each_urls.owner)
        await slow.execute("begin")
        await slow.execute(stamped(moment - AGO, owed(100)))
        # A later one that ends first: what is committed has to count, whatever still runs below it.
        await rows_of(each_urls.owner, stamped(moment - AGO, owed(1)))
        asked = asyncio.create_task(proven(database, moment))
        await asyncio.sleep(0.3)
        assert not asked.done()
        await slow.execute("commit")
        await slow.close()
        assert (await asked).owed_in_all == 101
        assert (await proven(database, moment)).owed_in_all == 101


async def test_who_never_ends_is_told(database, urls, monkeypatch):
    """A transaction that does not end in time is an error that keeps nothing."""
    monkeypatch.setattr(reserve, "DECIDED_LOOKS_MAX", 3)
    slow = await asyncpg.connect(urls.owner)
    await slow.execute("begin")
    await slow.execute(stamped(builders.clock.now(), owed(1)))
    await rows_of(urls.owner, stamped(builders.clock.now(), owed(1)))
    with pytest.raises(Contended, match="end it, or ask again"):
        await database.ledger.prove_reserve(builders.clock.now() - AGO, DAYS_3)
    await slow.close()
    assert await value_of(urls.owner, "select count(*) from reserve_moments") == 0


async def test_twenty_first_askers_get_one_answer(each_urls):
    """Asked twenty times at once while others book, a moment has one answer."""
    async with opened(each_urls) as one, opened(each_urls) as two:
        moment = builders.clock.now() - AGO
        booked = stamped(moment - AGO, owed(1))

        async def book():
            for _ in range(10):
                await rows_of(each_urls.owner, booked)

        answers, *_ = await asyncio.gather(
            asyncio.gather(
                *(
                    (one, two)[number % 2].ledger.prove_reserve(moment, DAYS_3)
                    for number in range(20)
                )
            ),
            *(book() for _ in range(3)),
        )
        assert all(answer == answers[0] for answer in answers)
        assert await one.ledger.prove_reserve(moment, DAYS_3) == answers[0]
        assert (await proven(one, moment + MICROSECOND)).owed_in_all == 30


@pytest.mark.parametrize("ago", [timedelta(seconds=55), timedelta(0), timedelta(days=-1)])
async def test_a_moment_is_proven_only_when_it_has_passed(database, urls, ago):
    """What is to come, or too young for all of it to be committed, is refused and not kept."""
    with pytest.raises(InvalidRequest, match="ask for it later"):
        await database.ledger.prove_reserve(builders.clock.now() - ago, DAYS_3)
    assert await value_of(urls.owner, "select count(*) from reserve_moments") == 0


async def test_the_books_are_judged_apart(database, urls):
    """Our own part that the two books tell differently is no proof."""
    now = builders.clock.now()
    await rows_of(urls.owner, stamped(now, ("reserve_bank", "main", "due_to_own", "", 5)))
    assert (await proven(database)).problems == (
        "our own part is 5 minor units in the customers' book, 0 in our own",
    )
