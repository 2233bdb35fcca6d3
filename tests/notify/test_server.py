"""The listener for channels: only what is verified comes in, only what is kept is acknowledged."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.domain.channel import (
    Acknowledgement,
    AttemptKind,
    Notice,
    NotificationRefused,
    Outcome,
    OutcomeClass,
)
from gateway.domain.errors import Reason, Unavailable
from gateway.notify import server as module
from gateway.notify.quarantine import Quarantine, QuarantineBounds
from gateway.notify.server import NotifyBounds, NotifyServer

NOTICE = Notice(AttemptKind.CHARGE, "0" * 28, Outcome(OutcomeClass.SUCCESS))
BOUNDS = NotifyBounds(
    body_bytes_max=1_000, handlers_max=2, handling_timeout_s=0.2, drain_timeout_s=1.0
)


class FakeChannel:
    """A channel that believes what is signed with "right", and keeps what it was shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Mapping[str, str], bytes]] = []

    def read_notification(self, path: str, headers: Mapping[str, str], body: bytes) -> Notice:
        self.seen.append((path, headers, body))
        if headers.get("signature") != "right":
            raise NotificationRefused("wrong signature")
        return NOTICE

    def acknowledge(self, *, accepted: bool) -> Acknowledgement:
        if accepted:
            return Acknowledgement(200, "application/json", b'{"acknowledged":true}')
        return Acknowledgement(401, "text/plain", b"no")


class Commits:
    """What stands behind the listener: it commits, when it is let, and says what it is told to."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, Notice]] = []
        self.done = 0
        self.answer: bool | Exception = True
        self.may_commit = asyncio.Event()
        self.may_commit.set()

    async def __call__(self, channel: str, notice: Notice) -> bool:
        self.begun.append((channel, notice))
        await self.may_commit.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        self.done += 1
        return self.answer


class Log:
    """Keeps log lines."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def warning(self, event: str, **fields: object) -> None:
        self.lines.append({"event": event} | fields)


class Bench:
    """A running listener and all that is around it."""

    def __init__(self, session: ClientSession, log: Log) -> None:
        self.channel, self.commits, self.results = FakeChannel(), Commits(), []
        self.log, self.session, self.url = log, session, ""
        channels: Any = {"sandbox": self.channel}
        self.laid_aside: list[tuple[str, str, int, str]] = []
        self.shelf_fault: Exception | None = None
        quarantine = Quarantine(self, lambda: 0.0, QuarantineBounds(burst_max=2))
        self.server = NotifyServer(channels, self.commits, self, quarantine, bounds=BOUNDS)

    async def keep(
        self, channel: str, reason: str, digest: bytes, body_bytes: int, excerpt: str
    ) -> None:
        if self.shelf_fault:
            raise self.shelf_fault
        self.laid_aside.append((channel, reason, body_bytes, excerpt))

    def notified(self, channel: str, result: str) -> None:
        self.results.append((channel, str(result)))

    async def start(self) -> None:
        host, port = await self.server.start("127.0.0.1", 0)
        self.url = f"http://{host}:{port}"

    async def notify(
        self, path: str = "/notify/sandbox", signature: str = "right", body: bytes = b"{}"
    ) -> tuple[int, bytes]:
        headers = {"Signature": signature}
        async with self.session.post(self.url + path, data=body, headers=headers) as reply:
            return reply.status, await reply.read()

    async def begun(self, count: int) -> None:
        """Wait until so many notifications are being committed."""
        async with asyncio.timeout(2):
            while len(self.commits.begun) < count:
                await asyncio.sleep(0.005)


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    log = Log()
    monkeypatch.setattr(module, "_log", log)
    async with ClientSession() as session:
        running = Bench(session, log)
        await running.start()
        yield running
        await running.server.stop()


async def test_acknowledged_after_the_commit(bench: Bench) -> None:
    """The channel gets its acknowledgement once the commit is done, and not before."""
    bench.commits.may_commit.clear()
    waiting = asyncio.create_task(bench.notify())
    await bench.begun(1)
    await asyncio.sleep(0.02)
    assert not waiting.done()
    bench.commits.may_commit.set()
    assert await waiting == (200, b'{"acknowledged":true}')
    assert bench.commits.begun == [("sandbox", NOTICE)]
    assert bench.results == [("sandbox", "accepted")]


async def test_bytes_as_they_came(bench: Bench) -> None:
    """The channel's reader sees the raw path with its query, all headers and the raw body."""
    body = b'{ "a":\xff1 }'
    reader, writer = await asyncio.open_connection(*bench.url.removeprefix("http://").split(":"))
    writer.write(
        b"POST /notify/sandbox?x=%2f&y HTTP/1.1\r\nHost: h\r\nSignature: right\r\nONE: 1\r\n"
        b"One: 2\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n" + body
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    path, headers, seen = bench.channel.seen[0]
    assert (path, seen) == ("/notify/sandbox?x=%2f&y", body)
    assert headers["one"] == "1, 2"


async def test_forged_ones_reach_nobody(bench: Bench) -> None:
    """What is not verified is refused as its channel says, counted, and laid aside."""
    assert await bench.notify(signature="wrong secret", body=b"card 4111") == (401, b"no")
    assert bench.commits.begun == []
    assert bench.results == [("sandbox", "refused")]
    assert bench.laid_aside == [("sandbox", "wrong signature", 9, "neither a form nor JSON")]


async def test_what_cannot_be_laid_aside_is_refused_all_the_same(bench: Bench) -> None:
    """That the database is away, or that there were too many, changes no answer."""
    bench.shelf_fault = Unavailable(Reason.DATABASE_UNAVAILABLE, "away", retry_after_s=1.0)
    assert await bench.notify(signature="wrong") == (401, b"no")
    bench.shelf_fault = None
    for _ in range(3):
        assert await bench.notify(signature="wrong") == (401, b"no")
    assert len(bench.laid_aside) == 1  # of a burst of two, one met the fault


async def test_a_signature_given_twice_is_none(bench: Bench) -> None:
    """Of a header that comes twice neither copy is taken, even if one of them is right."""
    headers = [("Signature", "right"), ("Signature", "right")]
    async with bench.session.post(bench.url + "/notify/sandbox", headers=headers) as reply:
        assert reply.status == 401
    assert bench.commits.begun == []


async def test_unknown_channels(bench: Bench) -> None:
    """A channel that we do not have is not found, whatever it says."""
    for path in ("/notify/other", "/notify/", "/", "/notify/sandbox/x"):
        assert (await bench.notify(path))[0] == 404
    assert (bench.channel.seen, bench.results) == ([], [])


async def test_only_posts(bench: Bench) -> None:
    """Looking at the path does nothing."""
    async with bench.session.get(bench.url + "/notify/sandbox") as reply:
        assert reply.status == 405


async def test_database_away(bench: Bench) -> None:
    """What could not be committed is answered 503, so that the channel says it again."""
    bench.commits.answer = ConnectionError("the password is secret")
    assert await bench.notify() == (503, b"")
    line = {"event": "notification not kept", "channel": "sandbox", "reason": "ConnectionError"}
    assert bench.log.lines == [line]
    bench.commits.answer = True
    assert (await bench.notify())[0] == 200
    assert bench.results == [("sandbox", "failed"), ("sandbox", "accepted")]


async def test_not_accepted(bench: Bench) -> None:
    """What is not to be acknowledged gets the channel's own refusal."""
    bench.commits.answer = False
    assert await bench.notify() == (401, b"no")
    assert bench.results == [("sandbox", "not_accepted")]


async def test_commit_that_takes_too_long(bench: Bench) -> None:
    """After its time a notification is given up with 503, and its commit is not counted on."""
    bench.commits.may_commit.clear()
    assert await bench.notify() == (503, b"")
    assert (bench.commits.done, bench.results) == (0, [("sandbox", "failed")])


async def test_body_that_never_ends(bench: Bench) -> None:
    """A sender who stops in the middle of the body is given up after the same time."""
    reader, writer = await asyncio.open_connection(*bench.url.removeprefix("http://").split(":"))
    writer.write(b"POST /notify/sandbox HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{")
    async with asyncio.timeout(3):
        assert (await reader.readline()).startswith(b"HTTP/1.1 503 ")
    writer.close()
    assert bench.channel.seen == []


@pytest.mark.parametrize(("length", "status"), [(1_000, 200), (1_001, 413)])
async def test_long_bodies(bench: Bench, length: int, status: int) -> None:
    """A body of the greatest length is read; one byte more is refused unread."""
    assert (await bench.notify(body=b"x" * length))[0] == status
    assert len(bench.channel.seen) == (1 if status == 200 else 0)


async def test_too_many_at_once(bench: Bench) -> None:
    """Beyond the bound a notification is answered 503 at once, and a free place is used again."""
    bench.commits.may_commit.clear()
    held = [asyncio.create_task(bench.notify()) for _ in range(2)]
    await bench.begun(2)
    assert await bench.notify() == (503, b"")
    bench.commits.may_commit.set()
    assert [status for status, _ in await asyncio.gather(*held)] == [200, 200]
    assert (await bench.notify())[0] == 200
    assert bench.results.count(("sandbox", "shed")) == 1


async def test_stop_drains(bench: Bench) -> None:
    """At the stop those in flight are committed and acknowledged, and nobody new is let in."""
    bench.commits.may_commit.clear()
    waiting = asyncio.create_task(bench.notify())
    await bench.begun(1)
    stopping = asyncio.create_task(bench.server.stop())
    await asyncio.sleep(0.05)
    with pytest.raises(ConnectionError):
        await asyncio.open_connection(*bench.url.removeprefix("http://").split(":"))
    bench.commits.may_commit.set()
    assert await waiting == (200, b'{"acknowledged":true}')
    await stopping


async def test_address_in_use(bench: Bench) -> None:
    """A taken port is an error at the start, and a stop after it is harmless."""
    other = Bench(bench.session, bench.log)
    port = int(bench.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address"):
        await other.server.start("127.0.0.1", port)
    await other.server.stop()


async def test_workers_share_a_port(bench: Bench) -> None:
    """Listeners that all say so share one port, and a notification reaches one of them."""
    both = [Bench(bench.session, bench.log) for _ in range(2)]
    _, port = await both[0].server.start("127.0.0.1", 0, reuse_port=True)
    assert (await both[1].server.start("127.0.0.1", port, reuse_port=True))[1] == port
    for one in both:
        one.url = f"http://127.0.0.1:{port}"
        assert (await one.notify())[0] == 200
    assert sum(one.commits.done for one in both) == 2
    for one in both:
        await one.server.stop()


async def test_stop_without_start(bench: Bench) -> None:
    """A listener that never ran can be stopped, and one that ran twice."""
    await Bench(bench.session, bench.log).server.stop()
    await bench.server.stop()
    with socket.socket() as free:
        free.bind(("127.0.0.1", int(bench.url.rpartition(":")[2])))
