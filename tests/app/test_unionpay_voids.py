"""UnionPay's voids against its stand-in: what is given back on its own day, where that is chosen.

Whether a refund is a void depends on the time in Beijing, and the stand-in takes only times of now:
so the times of the attempts are chosen near now, and well before the channel's day ends.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.app.channels.opening import open_channels
from gateway.channels.client import HttpChannel
from gateway.config import load_settings
from gateway.domain.channel import AttemptKind, ChannelRequest, Outcome, OutcomeClass
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, Scene
from gateway.emulators.unionpay import serve_unionpay
from tests.e2e.waiting import until

BEIJING = timezone(timedelta(hours=8))
MONEY = Money("CNY", 1_000)


class Place:
    """The stand-in that runs in this process, and a gateway's channel to it."""

    def __init__(self, url: str, port: HttpChannel) -> None:
        self._url = url
        self._port = port

    async def did(self, request: ChannelRequest) -> Outcome:
        """Ask for an effect, and wait until it is there."""
        sent = await self._port.send(request)
        assert sent.outcome is OutcomeClass.PENDING, sent.evidence
        return await until(
            lambda: self._port.ask(request),
            lambda found: found.outcome is OutcomeClass.SUCCESS,
        )

    async def orders(self) -> list[dict[str, Any]]:
        """The channel's own book."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self._url}/control/orders") as reply,
        ):
            return list((await reply.json())["orders"])


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    stop = asyncio.Event()
    ready: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()

    def tell(host: str, port: int, printed: Mapping[str, str]) -> None:
        ready.set_result({"url": f"http://{host}:{port}", **printed})

    serving = asyncio.create_task(
        serve_unionpay(host="127.0.0.1", port=0, data_dir=tmp_path, ready=tell, stop=stop)
    )
    given = await ready | {"token_requester_id": "99988877766", "void_until": "23:00"}
    environ = {f"GATEWAY_UNIONPAY_{name.upper()}": value for name, value in given.items()}
    async with open_channels(load_settings(environ)) as channels:
        yield Place(given["url"], channels["unionpay"].port)
    stop.set()
    await serving


def near_now() -> datetime:
    """A time at most half an hour from now, at which voids are made and the day does not end."""
    now = datetime.now(BEIJING)
    late = now.replace(hour=22, minute=58)
    if now <= late:
        return now
    soon = (now + timedelta(hours=1)).replace(minute=0, second=30)
    return late if now - late < timedelta(minutes=30) else soon


def charge(mode: CaptureMode) -> ChannelRequest:
    made = near_now().astimezone(UTC)
    return ChannelRequest(
        kind=AttemptKind.CHARGE,
        number="0" * 27 + "1",
        charge_number="0" * 27 + "1",
        money=MONEY,
        capture_mode=mode,
        scene=Scene.OFF_SESSION,
        payer_pseudonym="p",
        description="",
        expire_time=made + timedelta(days=1),
        details={"back": {"account_token": "6235240000020757577"}},
        create_time=made,
        charge_money=MONEY,
        charge_create_time=made,
    )


async def test_a_whole_charge_of_the_day_is_voided(place: Place) -> None:
    """The refund of all that was charged is a void, and the money goes back at once."""
    paid = charge(CaptureMode.AUTOMATIC)
    told = await place.did(paid)
    known = replace(paid, charge_channel_number=told.channel_number)
    await place.did(replace(known, kind=AttemptKind.REFUND, number="0" * 27 + "2"))
    own, void = await place.orders()
    assert own["effects"] == {"charge": 1_000, "refund": 0, "return": 1_000}
    assert (void["txn_type"], void["orig_seq"]) == ("31", own["seq"])


async def test_a_completion_of_the_day_is_voided(place: Place) -> None:
    """The refund of a whole pre-authorisation that was captured is a void of its completion."""
    held = charge(CaptureMode.MANUAL)
    told = await place.did(held)
    assert told.authorized
    known = replace(held, charge_channel_number=told.channel_number)
    taken = await place.did(replace(known, kind=AttemptKind.CAPTURE, number="0" * 27 + "2"))
    known = replace(known, kind=AttemptKind.REFUND, capture_channel_number=taken.channel_number)
    await place.did(replace(known, number="0" * 27 + "3"))
    own, completion, void = await place.orders()
    assert completion["effects"] == {"charge": 1_000, "refund": 0, "return": 1_000}
    assert (own["txn_type"], void["txn_type"]) == ("02", "33")
