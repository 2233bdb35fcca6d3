"""Merchants: created once, replaced only by who knows the version, listed by id."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from gateway.domain.fees import FeeSchedule, FeeTerms
from gateway.domain.ids import SERIAL_MAX
from gateway.domain.merchant import OrderPolicy, PaymentLimit, RefundPolicy
from tests.store import builders, wallet_scenes
from tests.store.scenes import rows_of


async def test_a_merchant_comes_back_as_it_was_written(database):
    """Every setting is read back unchanged, with a serial number of its own."""
    schedule = FeeSchedule("sandbox", "CNY", builders.day(1), FeeTerms(6_000, 1, 2, 3, True), 1, 9)
    made = builders.merchant(
        display_name="猫",
        currencies=("CNY", "USD"),
        channels=("sandbox", "other"),
        order_policy=OrderPolicy.ONE_PAYMENT,
        refund_policy=RefundPolicy.ADVANCE,
        disabled=True,
        fee_schedules=(schedule,),
        payment_limits=(PaymentLimit("CNY", 1, 100),),
    )
    kept = await database.merchants.create_merchant(made)
    assert kept == replace(made, serial=kept.serial)
    assert kept.serial >= 1
    assert await database.merchants.get_merchant("m_1") == kept
    assert await database.merchants.get_merchant("m_2") is None


async def test_merchants_that_are_wanted_at_once_are_one_question(database, monkeypatch):
    """A hundred readers of ten merchants, half of them missing, cost the server one statement."""
    made = [builders.merchant(merchant_id=f"m_{number}") for number in range(5)]
    kept = [await database.merchants.create_merchant(merchant) for merchant in made]
    read, questions = database._pool.read, []

    async def counted(work):
        questions.append(work)
        return await read(work)

    monkeypatch.setattr(database._pool, "read", counted)
    names = [f"m_{number % 10}" for number in range(100)]
    found = await asyncio.gather(*map(database.merchants.get_merchant, names))
    assert found == (kept + [None] * 5) * 10
    assert len(questions) == 1


async def test_a_merchant_that_cannot_be_read_is_nobody_elses_trouble(database, urls):
    """Whoever asks at the same time for one with settings of an unknown kind is told his own."""
    kept = [
        await database.merchants.create_merchant(builders.merchant(merchant_id=f"m_{number}"))
        for number in range(8)
    ]
    odd = 'update merchants set settings = settings || \'{"order_policy": "ODD"}\''
    await rows_of(urls.superuser, odd + " where merchant_id = 'm_5' returning 1")
    names = [f"m_{number}" for number in range(8)] * 2
    calls = map(database.merchants.get_merchant, names)
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert [at for at, one in enumerate(found) if isinstance(one, ValueError)] == [5, 13]
    assert [one for one in found if not isinstance(one, ValueError)] == (kept[:5] + kept[6:]) * 2


async def test_a_serial_number_names_one_owner(database, urls):
    """Merchants and payers are found by numbers that the other kind never has."""
    merchant = await database.merchants.create_merchant(builders.merchant())
    payer = await wallet_scenes.wallet_of(database)
    assert merchant.serial < 1 << 35 <= payer.serial <= SERIAL_MAX
    find = database.merchants.find_owner_by_serial
    assert await find(merchant.serial) == "m_1"
    assert await find(payer.serial) == "@p-1"
    assert await find(merchant.serial + 1) is None
    assert await find(payer.serial + 1) is None
    assert await find(SERIAL_MAX) is None
    for table, serial in (("merchants", 1 << 35), ("wallet_owners", (1 << 35) - 1)):
        with pytest.raises(asyncpg.CheckViolationError):
            await rows_of(
                urls.superuser,
                f"insert into {table} overriding system value "
                f"select (jsonb_populate_record(t, '{{\"serial\": {serial}}}')).* from {table} t",
            )


async def test_an_id_is_taken_once(database):
    """Twenty creations of one id at once make one merchant, and all are answered with it."""
    wishes = [builders.merchant(display_name=str(number)) for number in range(20)]
    kept = await asyncio.gather(*(database.merchants.create_merchant(wish) for wish in wishes))
    assert all(item == kept[0] for item in kept)


async def test_a_merchant_is_replaced_only_by_who_knows_its_version(database):
    """Of ten replacements of one version at once one is made."""
    first = await database.merchants.create_merchant(builders.merchant())
    wishes = [replace(first, display_name=str(number), version=2) for number in range(10)]
    made = await asyncio.gather(
        *(database.merchants.update_merchant(wish, expected_version=1) for wish in wishes)
    )
    [winner] = [item for item in made if item]
    assert await database.merchants.get_merchant("m_1") == winner
    assert winner in wishes


async def test_merchants_are_listed_by_id(database):
    """A list begins with a prefix, is in order of ids, and goes on after the one named."""
    for merchant_id in ("b", "a_1", "a-2", "a_3", "az", "a"):
        await database.merchants.create_merchant(builders.merchant(merchant_id))

    async def ids(prefix, after, limit=10):
        found = await database.merchants.list_merchants(prefix, after, limit)
        return [item.merchant_id for item in found]

    assert await ids("", "") == ["a", "a-2", "a_1", "a_3", "az", "b"]
    assert await ids("a_", "") == ["a_1", "a_3"]
    assert await ids("a", "a_1") == ["a_3", "az"]
    assert await ids("", "a", 2) == ["a-2", "a_1"]
    assert await ids("c", "") == []
