"""A watch outlives its connections: it goes on from its last cursor and misses nothing."""

import asyncio
import time
from contextlib import aclosing

import grpc
import pytest

from paymentgateway import errors
from paymentgateway.client import GatewayClient, WatchBounds
from paymentgateway.v1.payment_service_pb2 import (
    PaymentEvent,
    WatchPaymentsRequest,
    WatchPaymentsResponse,
)
from tests.clients.scripted_gateway import Refusal, ScriptedGateway, Silence, Stream

Code = grpc.StatusCode
QUICK = WatchBounds(backoff_s_initial=0.01, backoff_s_max=0.05)


def heartbeat(cursor: str) -> WatchPaymentsResponse:
    return WatchPaymentsResponse(cursor=cursor)


def event(cursor: str) -> WatchPaymentsResponse:
    return WatchPaymentsResponse(cursor=cursor, event=PaymentEvent(event_id=f"evt_{cursor}"))


def cursors(gateway: ScriptedGateway) -> list[str]:
    """Give the cursor of each stream that was opened."""
    requests = gateway.requests("WatchPayments")
    return [request.cursor for request in requests if isinstance(request, WatchPaymentsRequest)]


async def watched(
    client: GatewayClient, count: int, *, cursor: str = "", heartbeats: bool = False
) -> list[WatchPaymentsResponse]:
    """Watch until `count` messages came."""
    found = []
    messages = client.watch_payments(
        merchant_id="m_demo", cursor=cursor, heartbeats=heartbeats, bounds=QUICK
    )
    async with asyncio.timeout(5.0), aclosing(messages):
        async for message in messages:
            found.append(message)
            if len(found) == count:
                break
    return found


async def test_goes_on_from_the_last_cursor(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """However a stream ends, the next one begins at the last cursor, and each event comes once."""
    draining = Refusal(Code.UNAVAILABLE, "SHUTTING_DOWN", retry_after_s=0.01)
    lagging = Refusal(Code.RESOURCE_EXHAUSTED, "WATCHER_LIMIT")
    cut = Refusal(Code.INTERNAL)
    gateway.script(
        "WatchPayments",
        Stream([heartbeat("0"), event("1"), event("2")], draining),
        Stream([event("3")], lagging),
        Stream([event("4")], cut),
        Stream([event("5")]),
        Stream([event("6")], Silence()),
    )
    found = await watched(client, 6)
    assert [message.event.event_id for message in found] == [f"evt_{n}" for n in range(1, 7)]
    assert cursors(gateway) == ["", "2", "3", "4", "5"]


async def test_heartbeats_carry_the_cursor(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """A heartbeat moves the cursor although it is not shown, so that a quiet watch goes on too."""
    gateway.script(
        "WatchPayments",
        Stream([heartbeat("7"), heartbeat("8")], Refusal(Code.UNAVAILABLE)),
        Stream([event("9")], Silence()),
    )
    assert await watched(client, 1, cursor="6") == [event("9")]
    assert cursors(gateway) == ["6", "8"]


async def test_heartbeats_are_shown_on_request(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """Who wants to keep a cursor before anything happens sees the heartbeats."""
    gateway.script("WatchPayments", Stream([heartbeat("1"), event("2")], Silence()))
    assert await watched(client, 2, heartbeats=True) == [heartbeat("1"), event("2")]


async def test_silence_is_a_lost_stream(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """A stream without any message for too long is dropped and opened again."""
    gateway.script(
        "WatchPayments", Stream([event("1")], Silence()), Stream([event("2")], Silence())
    )
    bounds = WatchBounds(silence_s_max=0.15, backoff_s_initial=0.01)
    messages = client.watch_payments(merchant_id="m_demo", bounds=bounds)
    async with aclosing(messages):
        assert [await anext(messages), await anext(messages)] == [event("1"), event("2")]
    assert cursors(gateway) == ["", "1"]
    assert await asyncio.to_thread(gateway.received[0].ended.wait, 5.0)


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (Refusal(Code.INVALID_ARGUMENT, "INVALID_CURSOR"), errors.InvalidRequest),
        (Refusal(Code.NOT_FOUND, "MERCHANT_NOT_FOUND", {"key": "free"}), errors.NotFound),
        (Refusal(Code.PERMISSION_DENIED), errors.Forbidden),
        (Refusal(Code.RESOURCE_EXHAUSTED), errors.Overloaded),
    ],
)
async def test_a_refusal_ends_the_watch(
    gateway: ScriptedGateway,
    client: GatewayClient,
    refusal: Refusal,
    kind: type[errors.GatewayError],
) -> None:
    """What is wrong with the request will not come right: the watch ends at once."""
    gateway.script("WatchPayments", refusal)
    with pytest.raises(kind):
        await watched(client, 1)
    assert len(gateway.received) == 1


@pytest.mark.parametrize("end", [Refusal(Code.UNAVAILABLE), Stream()])
async def test_gives_up_in_the_end(
    gateway: ScriptedGateway, client: GatewayClient, end: Refusal | Stream
) -> None:
    """Streams that bring nothing are opened again so often and no more; a message starts anew."""
    gateway.script("WatchPayments", end, end, Stream([event("1")]), end, end, end, end)
    bounds = WatchBounds(backoff_s_initial=0.01, backoff_s_max=0.02, reopens_max=3)
    messages = client.watch_payments(merchant_id="m_demo", bounds=bounds)
    async with asyncio.timeout(5.0), aclosing(messages):
        assert await anext(messages) == event("1")
        with pytest.raises(errors.Unavailable):
            await anext(messages)
    assert cursors(gateway) == ["", "", "", "1", "1", "1"]


async def test_the_server_says_when(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """A hint of the server is waited for, up to the longest backoff."""
    gateway.script(
        "WatchPayments",
        Refusal(Code.UNAVAILABLE, "DATABASE_UNAVAILABLE", retry_after_s=0.1),
        Refusal(Code.UNAVAILABLE, "DATABASE_UNAVAILABLE", retry_after_s=3600.0),
        Stream([event("1")], Silence()),
    )
    bounds = WatchBounds(backoff_s_initial=0.01, backoff_s_max=0.2)
    messages = client.watch_payments(merchant_id="m_demo", bounds=bounds)
    began_s = time.monotonic()
    async with asyncio.timeout(5.0), aclosing(messages):
        await anext(messages)
    first, second, third = (call.time_s - began_s for call in gateway.received)
    assert second - first >= 0.1
    assert 0.2 <= third - second < 2.0


async def test_leaving_ends_the_stream(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """A reader that leaves the loop leaves no stream behind at the server."""
    gateway.script("WatchPayments", Stream([event("1")], Silence()))
    await watched(client, 1)
    assert await asyncio.to_thread(gateway.received[0].ended.wait, 5.0)
