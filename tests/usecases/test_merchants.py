"""Merchants: a retried change is made once, a stale one is refused, and memory is short."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.errors import AlreadyExists, Contended, NotFound, Reason
from gateway.domain.merchant import Merchant, OrderPolicy, PaymentLimit, RefundPolicy
from gateway.domain.wallet import WalletRef
from gateway.usecases import merchants
from gateway.usecases.merchants import MEMORY_LIFETIME_S
from tests.domain import samples
from tests.usecases.world import World

CONTENT: dict[str, Any] = {
    "display_name": "Another",
    "currencies": ("USD",),
    "channels": (),
    "order_policy": OrderPolicy.ONE_PAYMENT,
    "refund_policy": RefundPolicy.ADVANCE,
    "disabled": True,
    "payment_limits": (PaymentLimit("CNY", 1, 2),),
}
LIFETIME = timedelta(seconds=MEMORY_LIFETIME_S)


def shop(world: World, **fields: Any) -> Merchant:
    """A merchant as a caller describes it."""
    now = world.clock.now()
    described = samples.merchant(merchant_id="m_3", create_time=now, update_time=now, serial=0)
    return replace(described, **fields)


def _changed(world: World, **fields: Any) -> None:
    """Change the merchant behind the gateway's back."""
    world.rows.merchants["m_1"] = replace(world.rows.merchants["m_1"], **fields)


async def test_a_new_merchant_gets_its_number(world: World) -> None:
    """What the caller described is kept, with a serial number of the gateway's."""
    made = await world.merchants.create(shop(world))

    assert made == replace(shop(world), serial=made.serial)
    assert made.serial > 0


async def test_a_retried_creation_finds_what_it_made(world: World) -> None:
    """The same again, later, is answered with the merchant as it was made."""
    made = await world.merchants.create(shop(world))
    world.clock.advance(timedelta(hours=1))

    assert await world.merchants.create(shop(world)) == made


async def test_an_id_names_one_merchant(world: World) -> None:
    """Other content under a known id is refused, and changes nothing."""
    made = await world.merchants.create(shop(world))

    for field, value in CONTENT.items():
        with pytest.raises(AlreadyExists) as refused:
            await world.merchants.create(shop(world, **{field: value}))
        assert refused.value.reason is Reason.MERCHANT_EXISTS

    assert await world.merchants.read("m_3") == made


async def test_a_replacement_is_the_next_version(world: World) -> None:
    """What is replaced keeps its number and its beginning, and gets the next version."""
    made = await world.merchants.create(shop(world))
    world.clock.advance(timedelta(hours=1))

    changed = await world.merchants.update(replace(made, **CONTENT))

    expected = replace(made, **CONTENT, version=2, update_time=world.clock.now())
    assert changed == expected
    assert await world.merchants.read("m_3") == expected


async def test_a_retried_replacement_finds_what_it_made(world: World) -> None:
    """A replacement that was made already is answered with it, and not made twice."""
    made = await world.merchants.create(shop(world))
    changed = await world.merchants.update(replace(made, disabled=True))
    world.clock.advance(timedelta(hours=1))

    assert await world.merchants.update(replace(made, disabled=True)) == changed


async def test_a_stale_replacement_is_refused(world: World) -> None:
    """Who did not see the last change does not undo it."""
    made = await world.merchants.create(shop(world))
    changed = await world.merchants.update(replace(made, disabled=True))

    with pytest.raises(Contended) as refused:
        await world.merchants.update(replace(made, display_name="Another"))

    assert refused.value.reason is Reason.VERSION_CONFLICT
    assert "version 2" in refused.value.message
    assert await world.merchants.read("m_3") == changed


async def test_a_retry_after_later_changes_is_refused(world: World) -> None:
    """A replacement that others built upon since is not taken for the current one."""
    made = await world.merchants.create(shop(world))
    changed = await world.merchants.update(replace(made, disabled=True))
    await world.merchants.update(replace(changed, display_name="Another"))

    with pytest.raises(Contended):
        await world.merchants.update(replace(made, disabled=True))


async def test_what_does_not_exist_is_not_found(world: World) -> None:
    """No merchant is read or replaced that was never made."""
    for call in (
        world.merchants.get("m_3"),
        world.merchants.read("m_3"),
        world.merchants.update(shop(world)),
    ):
        with pytest.raises(NotFound) as refused:
            await call
        assert refused.value.reason is Reason.MERCHANT_NOT_FOUND


async def test_memory_spares_reads_for_a_moment(world: World) -> None:
    """A merchant that was read is known for its lifetime, and read anew after that."""
    before = await world.merchants.get("m_1")
    _changed(world, disabled=True)

    world.clock.advance(LIFETIME - timedelta(microseconds=1))
    assert await world.merchants.get("m_1") == before
    world.clock.advance(timedelta(microseconds=1))
    assert (await world.merchants.get("m_1")).disabled


async def test_reading_now_asks_the_database(world: World) -> None:
    """Callers who ask for a merchant get it as it is, and memory learns of it."""
    await world.merchants.get("m_1")
    _changed(world, disabled=True)

    assert (await world.merchants.read("m_1")).disabled
    assert (await world.merchants.get("m_1")).disabled


async def test_a_change_of_ones_own_is_known_at_once(world: World) -> None:
    """The process that replaced a merchant does not act on the old one."""
    known = await world.merchants.get("m_1")
    await world.merchants.update(replace(known, disabled=True))

    assert (await world.merchants.get("m_1")).disabled


async def test_serial_numbers_are_remembered(world: World) -> None:
    """Whose number it is is looked up once, wallets' owners too; an unknown one is nobody's."""
    serial = world.rows.open_wallet(WalletRef("@p-1", "CNY")).serial
    assert await world.merchants.owner_of_serial(serial) == "@p-1"
    assert await world.merchants.owner_of_serial(7) == "m_1"
    world.rows.merchants.clear()
    world.rows.owners.clear()

    assert await world.merchants.owner_of_serial(7) == "m_1"
    assert await world.merchants.owner_of_serial(serial) == "@p-1"
    assert await world.merchants.owner_of_serial(9) is None


async def test_memory_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is full it starts anew, and everything is still found."""
    monkeypatch.setattr(merchants, "MEMORY_ENTRIES_MAX", 2)
    ids = [f"m_{number}" for number in range(3, 9)]
    for merchant_id in ids:
        await world.merchants.create(shop(world, merchant_id=merchant_id))

    assert [(await world.merchants.get(merchant_id)).merchant_id for merchant_id in ids] == ids
    assert len(world.merchants._memory) <= 2
    assert len(world.merchants._owners) <= 2


async def test_merchants_are_listed_by_id(world: World) -> None:
    """A page holds merchants whose ids begin so, after the one named."""
    for merchant_id in ("m_3", "n_1", "m_2"):
        await world.merchants.create(shop(world, merchant_id=merchant_id))

    page = await world.merchants.list("m_", "m_1", 10)
    first = await world.merchants.list("", "", 2)

    assert [item.merchant_id for item in page] == ["m_2", "m_3"]
    assert [item.merchant_id for item in first] == ["m_1", "m_2"]
