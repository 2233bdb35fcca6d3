"""Watching: whoever comes back with the last cursor, wherever, has missed nothing.

The oracle is the table of events itself, in which every change of every payment has its version.
"""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing

import grpc
import pytest

from gateway.domain.ids import from_text
from paymentgateway.client import GatewayClient, WatchBounds
from paymentgateway.errors import InvalidRequest, Overloaded, Unavailable, from_rpc_error
from paymentgateway.v1.payment_service_pb2 import (
    PaymentEvent,
    WatchPaymentsRequest,
    WatchPaymentsResponse,
)
from tests.e2e.gateways import Extra
from tests.e2e.house import House
from tests.e2e.scripts import later
from tests.e2e.shop import Shop
from tests.e2e.waiting import insist
from tests.e2e.wire import PACKAGE, stream_refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONE_STREAM = WatchBounds(reopens_max=0)
"""A watch that ends where its stream ends."""

SEED = 11


class Watcher:
    """Reads one merchant's events over many streams, each going on from the last cursor."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.cursor = ""
        self.seen: list[PaymentEvent] = []

    async def read(self, client: GatewayClient, count: int, within_s: float = 2.0) -> None:
        """Read up to so many events from one stream, or for so long."""
        stream = client.watch_payments(
            merchant_id=self.shop.merchant_id,
            cursor=self.cursor,
            heartbeats=True,
            bounds=ONE_STREAM,
        )
        try:
            async with asyncio.timeout(within_s), aclosing(stream):
                async for message in stream:
                    self.take(message)
                    count -= message.HasField("event")
                    if count <= 0:
                        return
        except (TimeoutError, Unavailable):
            pass  # the stream ended, or the gateway did: the next one goes on

    def take(self, message: WatchPaymentsResponse) -> None:
        """Note a message."""
        self.cursor = message.cursor
        if message.HasField("event"):
            self.seen.append(message.event)

    async def has_all(self) -> bool:
        """Tell whether it has seen as many events as there are."""
        query = "select count(*) from events where merchant_id = $1"
        (row,) = await self.shop.house.fetch(query, self.shop.merchant_id)
        return len(self.seen) >= row["count"]

    async def assert_complete(self) -> None:
        """Hold what was seen against the table of events: all of it, once, in order."""
        rows = await self.shop.house.fetch(
            "select event_id, payment_id, version from events where merchant_id = $1"
            " order by xid, event_id",
            self.shop.merchant_id,
        )
        expected = [(row["event_id"], row["payment_id"], row["version"]) for row in rows]
        seen = [
            (from_text("evt", event.event_id), from_text("pay", event.payment_id), event.version)
            for event in self.seen
        ]
        assert seen == expected
        for payment_id in {event.payment_id for event in self.seen}:
            versions = [item.version for item in self.seen if item.payment_id == payment_id]
            assert versions == list(range(1, len(versions) + 1))


async def _write(shop: Shop, n: int) -> None:
    """Pay and refund through both gateways."""
    paying = later(100) if n % 3 == 0 else None
    paid = (await shop.pay("2.00", script=paying, via=n % 2)).payment
    paid = await shop.reached(paid, "SUCCEEDED")
    await insist(lambda: shop.refund(paid, "1.00", via=1 - n % 2, key=f"r-{n}"))


async def test_resuming_across_replicas_and_restarts_misses_nothing(
    extra: Extra, shop: Shop
) -> None:
    """Streams end at random, at any replica, one of which is killed: every event is seen once."""
    chance, watcher = random.Random(SEED), Watcher(shop)
    first = GatewayClient(extra.target)
    await watcher.read(first, 1, within_s=0.3)
    assert watcher.cursor
    writers = [asyncio.create_task(_write(shop, n)) for n in range(30)]
    await watcher.read(first, 5)
    await extra.service.kill()
    await watcher.read(first, 5)
    await first.close()
    while not (all(task.done() for task in writers) and await watcher.has_all()):
        client = shop.client(chance.randrange(2))
        await watcher.read(client, chance.randint(1, 12), within_s=chance.uniform(0.1, 0.6))
    await asyncio.gather(*writers)
    await watcher.assert_complete()
    await extra.service.start()
    async with GatewayClient(extra.target) as again:
        paid = (await shop.pay()).payment
        while not await watcher.has_all():
            await watcher.read(again, 2)
    assert {event.payment_id for event in watcher.seen[-2:]} == {paid.payment_id}
    await watcher.assert_complete()


async def test_a_watch_outlives_a_restart_by_itself(extra: Extra, shop: Shop) -> None:
    """The client's own watch goes on where it was, without a gap, when its gateway comes back."""
    async with GatewayClient(extra.target) as client:
        stream = client.watch_payments(merchant_id=shop.merchant_id, heartbeats=True)
        await anext(stream)
        await extra.service.kill()
        paid = (await shop.pay()).payment
        await extra.service.start()
        seen = [await _next_event(stream) for _ in range(2)]
        await stream.aclose()
    assert [event.version for event in seen] == [1, 2]
    assert {event.payment_id for event in seen} == {paid.payment_id}


async def _next_event(stream: AsyncGenerator[WatchPaymentsResponse]) -> PaymentEvent:
    """Read on until there is an event."""
    async for message in stream:
        if message.HasField("event"):
            return message.event
    raise AssertionError("a watch does not end by itself")


async def test_heartbeats_come_with_cursors(shop: Shop) -> None:
    """A quiet stream still says where to go on from, at least every GATEWAY_HEARTBEAT_S."""
    stream = shop.client().watch_payments(merchant_id=shop.merchant_id, heartbeats=True)
    async with asyncio.timeout(10), aclosing(stream):
        for _ in range(3):
            message = await anext(stream)
            assert message.cursor
            assert not message.HasField("event")


async def test_cursors_that_were_not_given(house: House, shop: Shop) -> None:
    """A cursor that is forged, cut, or of another merchant is refused before the stream begins."""
    other = Watcher(await house.shop())
    await other.read(house.clients[1], 1, within_s=0.3)
    flipped = ("A" if other.cursor[0] != "A" else "B") + other.cursor[1:]
    for cursor in (other.cursor, flipped, other.cursor[:-4], "'; drop table events;--", "ÿ"):
        request = WatchPaymentsRequest(merchant_id=shop.merchant_id, cursor=cursor)
        refused = await stream_refusal(house.channels[0], request.SerializeToString())
        assert isinstance(refused, InvalidRequest)
        assert (refused.reason, [*refused.violations]) == ("INVALID_CURSOR", ["cursor"])
    request = WatchPaymentsRequest(merchant_id=other.shop.merchant_id, cursor=flipped)
    refused = await stream_refusal(house.channels[0], request.SerializeToString())
    assert refused.reason == "INVALID_CURSOR"


async def test_watchers_are_bounded(extra: Extra, shop: Shop) -> None:
    """One too many is refused with a hint; when one leaves, its place is free again."""
    request = WatchPaymentsRequest(merchant_id=shop.merchant_id).SerializeToString()
    async with grpc.aio.insecure_channel(extra.target) as channel:
        streams = [await _opened(channel, request) for _ in range(3)]
        refused = await stream_refusal(channel, request)
        assert isinstance(refused, Overloaded)
        assert refused.reason == "WATCHER_LIMIT"
        assert refused.retry_after_s is not None
        streams.pop().cancel()
        streams.append(await insist(lambda: _opened(channel, request)))
        for stream in streams:
            stream.cancel()


async def _opened(channel: grpc.aio.Channel, request: bytes) -> grpc.aio.UnaryStreamCall:
    """Open a stream and read its first message, or raise what refused it."""
    stream = channel.unary_stream(f"/{PACKAGE}.PaymentService/WatchPayments")(request)
    try:
        assert WatchPaymentsResponse.FromString(await stream.read()).cursor
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
    return stream


async def test_a_stream_ends_at_the_drain(extra: Extra, shop: Shop) -> None:
    """SIGTERM ends it with SHUTTING_DOWN, which a client takes as the sign to go elsewhere."""
    async with GatewayClient(extra.target) as client:
        stream = client.watch_payments(
            merchant_id=shop.merchant_id, heartbeats=True, bounds=ONE_STREAM
        )
        await anext(stream)
        stopping = asyncio.create_task(extra.service.stop())
        with pytest.raises(Unavailable) as ended:
            await _next_event(stream)
    assert ended.value.reason == "SHUTTING_DOWN"
    assert await stopping == 0
