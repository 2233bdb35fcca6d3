"""WatchPayments over a real connection: what is sent, and every way in which a stream ends."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.json_format import MessageToDict

from gateway.domain.change import EventType
from gateway.domain.errors import NotFound, Overloaded, Reason
from gateway.domain.ids import to_text
from gateway.domain.ports import FeedPosition
from gateway.rpc import call as call_module
from gateway.rpc import server as server_module
from paymentgateway.v1.payment_service_pb2 import WatchPaymentsRequest, WatchPaymentsResponse
from tests.rpc import samples
from tests.rpc.fakes import DEPLOYMENT, PATHS, House, Refusal

FIRST = FeedPosition(DEPLOYMENT, 10, UUID(int=1))
SECOND = FeedPosition(DEPLOYMENT, 11, UUID(int=2))
LARGE = replace(samples.event(), payment=replace(samples.payment(), order_id="x" * 100_000))
"""An event of which few fill what the transport holds for a slow reader."""


class Feed:
    """A feed that gives what it is told, then stays silent; it notes when it is closed."""

    def __init__(self, *items: Any, endless: bool = False) -> None:
        self.items = items
        self.endless = endless
        self.closed = asyncio.Event()

    async def __call__(self, _merchant_id: str, _start: FeedPosition | None) -> AsyncIterator[Any]:
        try:
            yield FIRST, None
            for item in self.items:
                if isinstance(item, BaseException):
                    raise item
                yield item
            while self.endless:
                yield SECOND, LARGE
            await asyncio.sleep(60)
        finally:
            self.closed.set()


def _watch(house: House, cursor: str = "", merchant_id: str = "shop", **options: Any) -> Any:
    request = WatchPaymentsRequest(merchant_id=merchant_id, cursor=cursor)
    path = PATHS["WatchPayments"]
    return house.channel.unary_stream(path)(request.SerializeToString(), **options)


async def _next(stream: Any) -> WatchPaymentsResponse:
    async with asyncio.timeout(5):
        return WatchPaymentsResponse.FromString(await stream.read())


async def _ending(stream: Any) -> Refusal:
    """Read to the end of a stream, which must end with an error."""
    try:
        async with asyncio.timeout(5):
            while await stream.read() is not grpc.aio.EOF:
                pass
    except grpc.aio.AioRpcError as error:
        return Refusal.of(error)
    raise AssertionError("the stream ended as if all were well")


async def test_a_heartbeat_comes_first_then_the_events(house: House) -> None:
    """A reader holds a cursor from the start, and each event has every field."""
    house.use_cases.answers["watch_payments"] = Feed((SECOND, samples.event()))
    stream = _watch(house)
    heartbeat, message = await _next(stream), await _next(stream)
    assert heartbeat.cursor
    assert not heartbeat.HasField("event")
    assert message.cursor not in ("", heartbeat.cursor)
    event = MessageToDict(message.event, preserving_proto_field_name=True)
    assert event == {
        "event_id": to_text("evt", samples.event().event_id),
        "type": "PAYMENT_EVENT_TYPE_REFUND_ACCEPTED",
        "payment_id": samples.PAYMENT_TEXT,
        "order_id": "order-1",
        "state": "PAYMENT_STATE_AUTHORIZED",
        "amount": {"currency_code": "CNY", "minor_units": "1250"},
        "captured": {"currency_code": "CNY", "minor_units": "350"},
        "refunded": {"currency_code": "CNY", "minor_units": "50"},
        "operation_id": samples.REFUND_TEXT,
        "version": "3",
        "create_time": "2026-03-01T12:30:22.123456Z",
    }
    assert event.keys() == set(message.event.DESCRIPTOR.fields_by_name)
    assert house.asked == [("watch_payments", "shop", None)]


@pytest.mark.parametrize(
    ("kind", "operation_id"),
    [
        (EventType.CREATED, ""),
        (EventType.CAPTURE_ENDED, to_text("cap", samples.OPERATION_ID)),
        (EventType.CANCEL_ACCEPTED, to_text("can", samples.OPERATION_ID)),
        (EventType.LATE_SUCCESS, to_text("ref", samples.OPERATION_ID)),
    ],
)
async def test_an_event_names_its_operation(
    house: House, kind: EventType, operation_id: str
) -> None:
    """Captures, cancels and refunds are named as everywhere else."""
    house.use_cases.answers["watch_payments"] = Feed((SECOND, samples.event(kind)))
    stream = _watch(house)
    await _next(stream)
    assert (await _next(stream)).event.operation_id == operation_id


async def test_a_stream_goes_on_from_its_cursor(house: House) -> None:
    """The position behind a cursor comes back to the use case as it was."""
    house.use_cases.answers["watch_payments"] = Feed((SECOND, samples.event()))
    stream = _watch(house)
    await _next(stream)
    cursor = (await _next(stream)).cursor
    await _next(_watch(house, cursor))
    assert house.asked[1:] == [("watch_payments", "shop", SECOND)]


async def test_a_cursor_of_another_merchant_is_refused(house: House) -> None:
    """A cursor shows nobody else's payments, and no use case is asked."""
    house.use_cases.answers["watch_payments"] = Feed()
    cursor = (await _next(_watch(house))).cursor
    refusal = await _ending(_watch(house, cursor, "other"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CURSOR")
    assert len(house.asked) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound(Reason.MERCHANT_NOT_FOUND, "No."), grpc.StatusCode.NOT_FOUND),
        (
            Overloaded(Reason.WATCHER_LIMIT, "No.", retry_after_s=1.0),
            grpc.StatusCode.RESOURCE_EXHAUSTED,
        ),
        (RuntimeError("secret"), grpc.StatusCode.INTERNAL),
    ],
)
async def test_an_error_ends_the_stream(house: House, error: Exception, code: Any) -> None:
    """What the use case raises ends a stream as it would end a call."""
    house.use_cases.answers["watch_payments"] = Feed(error)
    refusal = await _ending(_watch(house))
    assert refusal.code is code
    assert "secret" not in refusal.message


async def test_draining_ends_the_stream(house: House) -> None:
    """A server that drains sends its watchers to another one at once."""
    feed = house.use_cases.answers["watch_payments"] = Feed()
    stream = _watch(house)
    await _next(stream)
    stopping = asyncio.create_task(house.server.stop(5.0))
    refusal = await _ending(stream)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    assert refusal.retry_ms == int(refusal.pushback_ms or 0) > 0
    assert feed.closed.is_set()
    assert await stopping
    assert house.observer.ended[-1][1:] == ("UNAVAILABLE", "SHUTTING_DOWN")


async def test_a_reader_that_does_not_keep_up_is_let_go(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that takes nothing for too long holds no place: it comes back with its cursor."""
    monkeypatch.setattr(call_module, "SEND_S_MAX", 0.1)
    feed = house.use_cases.answers["watch_payments"] = Feed(endless=True)
    stream = _watch(house)
    await _next(stream)
    async with asyncio.timeout(5):
        await feed.closed.wait()
    refusal = await _ending(stream)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "WATCHER_LIMIT")
    assert refusal.retry_ms == int(refusal.pushback_ms or 0) > 0


async def test_a_reader_that_takes_nothing_keeps_no_server_from_draining(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A send that nobody takes is given up when the server drains."""
    monkeypatch.setattr(server_module, "REPLY_S_MAX", 0.1)
    house.use_cases.answers["watch_payments"] = Feed(endless=True)
    stream = _watch(house)
    await _next(stream)
    await asyncio.sleep(0.1)
    assert await house.server.stop(2.0)


async def test_a_reader_that_leaves_frees_its_place(house: House) -> None:
    """The feed is closed at once when its reader is gone, and nothing is logged as a fault."""
    feed = house.use_cases.answers["watch_payments"] = Feed()
    stream = _watch(house)
    await _next(stream)
    stream.cancel()
    async with asyncio.timeout(5):
        await feed.closed.wait()
    await asyncio.sleep(0)
    assert [fields["code"] for _, fields in house.log.calls()] == ["CANCELLED"]
    assert house.observer.ended[-1][1] == "CANCELLED"


async def test_a_reader_that_leaves_amid_events_is_no_fault(house: House) -> None:
    """Sending to a reader that has just left is not a fault of ours, however it races."""
    for pause in range(8):
        feed = house.use_cases.answers["watch_payments"] = Feed(endless=True)
        stream = _watch(house)
        for _ in range(1 + pause):
            await _next(stream)
        stream.cancel()
        async with asyncio.timeout(5):
            await feed.closed.wait()
    assert {event for _, event, _ in house.log.lines} <= {"rpc"}
    assert {code for _, code, _ in house.observer.ended} <= {"CANCELLED"}


async def test_the_callers_deadline_ends_the_stream(house: House) -> None:
    """A stream has no deadline but the caller's own."""
    feed = house.use_cases.answers["watch_payments"] = Feed()
    assert (await _ending(_watch(house, timeout=0.1))).code is grpc.StatusCode.DEADLINE_EXCEEDED
    async with asyncio.timeout(5):
        await feed.closed.wait()
