"""What went wrong is told apart by one question, against real sockets: can anything have left?"""

import asyncio
import gzip
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import ClientSession

from gateway.channels.bounds import ChannelBounds
from gateway.channels.connector import HttpReply, HttpRequest
from gateway.channels.transport import Lost, NotSent, Transport, open_session
from tests.channels.servers import (
    answer,
    answering,
    closed_port,
    resetting,
    serving,
    silent_after,
)

BOUNDS = ChannelBounds(connections_max=1, connect_timeout_s=0.1, reply_bytes_max=1_000)
TIMEOUT_S = 0.25
POST = HttpRequest("POST", "/v1/charges?x=%2F%20", {"Sandbox-Nonce": "n"}, b'{"a":1}')
GET = HttpRequest("GET", "/v1/charges/1", {}, b"")


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with open_session(BOUNDS) as opened:
        yield opened


async def _exchange(session: ClientSession, url: str, request: HttpRequest = POST) -> HttpReply:
    return await Transport(session, url, BOUNDS).exchange(request, TIMEOUT_S)


async def test_a_reply_as_it_came(session: ClientSession) -> None:
    """Status, headers and body come back as they were sent; repeated headers are joined."""
    sent = answer(b'{"b":2}', b"X-One: 1", b"X-Two: 2", b"x-two: 3", status=b"404 No")
    async with serving(answering(sent)) as server:
        reply = await _exchange(session, server.url)
    assert (reply.status, reply.body) == (404, b'{"b":2}')
    assert (reply.headers["x-one"], reply.headers["x-two"]) == ("1", "2, 3")


async def test_a_request_as_it_was_built(session: ClientSession) -> None:
    """The raw path and the body reach the wire unchanged, with nothing of the environment."""
    async with serving(answering(answer(b""))) as server:
        await _exchange(session, server.url)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/charges?x=%2F%20 HTTP/1.1\r\n")
    assert body == b'{"a":1}'
    assert b"\r\nAccept-Encoding: identity\r\n" in head
    assert b"\r\nUser-Agent: payment-gateway\r\n" in head


async def test_refused_port(session: ClientSession) -> None:
    """Where nobody listens, nothing was sent."""
    with pytest.raises(NotSent):
        await _exchange(session, f"http://127.0.0.1:{closed_port()}")


async def test_unknown_host(session: ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the name has no address, nothing was sent."""

    async def unknown(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    with pytest.raises(NotSent):
        await _exchange(session, "http://channel.invalid")


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_tls_that_fails(session: ClientSession, beginning: bytes) -> None:
    """Where TLS does not come about, by silence or by nonsense, nothing was sent."""
    async with serving(silent_after(beginning, reads=False)) as server:
        with pytest.raises(NotSent):
            await _exchange(session, server.url.replace("http:", "https:"))


async def test_no_place_in_the_pool(session: ClientSession) -> None:
    """Who finds no free connection in time has sent nothing, and waits no longer for one."""
    async with serving(silent_after()) as server:
        first = asyncio.create_task(_exchange(session, server.url))
        await asyncio.sleep(0.05)
        with pytest.raises(NotSent):
            await _exchange(session, server.url)
        assert not first.done()
        with pytest.raises(Lost):
            await first
        assert server.connections == 1


@pytest.mark.parametrize("request_", [POST, GET])
@pytest.mark.parametrize(
    "behave",
    [
        answering(),
        answering(b""),
        answering(b"SSH-2.0-OpenSSH_9.6\r\n"),
        answering(b"HTTP/1.1 200 OK\r\nContent-Le"),
        answering(answer(b"cut short")[:-1]),
        answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
        answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
        answering(answer(b"", b"X-Long: " + b"x" * 10_000)),
        resetting(),
    ],
    ids=[
        "closed",
        "read",
        "no-http",
        "half-head",
        "short",
        "half-chunk",
        "bad-chunk",
        "long-head",
        "reset",
    ],
)
async def test_broken_answers(session: ClientSession, behave, request_: HttpRequest) -> None:
    """Once a connection stood, whatever breaks leaves open whether the channel acted."""
    async with serving(behave) as server:
        with pytest.raises(Lost):
            await _exchange(session, server.url, request_)


async def test_posts_are_never_repeated(session: ClientSession) -> None:
    """A POST whose connection broke reaches the channel once."""
    async with serving(answering(b"")) as server:
        with pytest.raises(Lost):
            await _exchange(session, server.url)
        assert len(server.requests) == 1


async def test_kept_alive_connection_that_breaks(session: ClientSession) -> None:
    """A request on a reused connection that is reset may have arrived: lost, not unsent."""
    async with serving(resetting(answer(b"1"))) as server:
        assert (await _exchange(session, server.url)).body == b"1"
        with pytest.raises(Lost):
            await _exchange(session, server.url)
        assert (server.connections, len(server.requests)) == (1, 2)


@pytest.mark.parametrize(
    "beginning", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"]
)
async def test_slow_answers(session: ClientSession, beginning: bytes) -> None:
    """A slow answer, or one that stops on the way, is given up at the deadline."""
    async with serving(silent_after(beginning)) as server:
        started = time.monotonic()
        with pytest.raises(Lost, match=r"no answer within 0\.2 s"):
            await _exchange(session, server.url)
        assert TIMEOUT_S <= time.monotonic() - started < TIMEOUT_S + 1.0


async def test_long_answers(session: ClientSession) -> None:
    """An answer of the greatest length is read; one byte more, announced or not, is not."""
    async with serving(answering(answer(b"x" * 1_000))) as server:
        assert len((await _exchange(session, server.url)).body) == 1_000
    unannounced = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + 11 * (
        b"64\r\n" + b"x" * 100 + b"\r\n"
    )
    for long in (answer(b"x" * 1_001), unannounced):
        async with serving(answering(long)) as server:
            with pytest.raises(Lost, match="longer than 1000 bytes"):
                await _exchange(session, server.url)


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary", b"308 Permanent"])
async def test_redirects_are_not_followed(session: ClientSession, status: bytes) -> None:
    """A redirect is an answer like any other: what was signed for one host goes to no other."""
    async with serving(answering(answer(b"other"))) as other:
        moved = answer(b"", b"Location: " + other.url.encode(), status=status)
        async with serving(answering(moved)) as server:
            assert (await _exchange(session, server.url)).status == int(status[:3])
        assert other.connections == 0


async def test_compressed_answers_are_not_unpacked(session: ClientSession) -> None:
    """The body is the bytes that were signed, whatever encoding the answer claims."""
    packed = gzip.compress(b"{}" * 10_000)
    async with serving(answering(answer(packed, b"Content-Encoding: gzip"))) as server:
        assert (await _exchange(session, server.url)).body == packed


async def test_cookies_are_not_kept(session: ClientSession) -> None:
    """Nothing that a channel sets comes back to it."""
    sets = answer(b"", b"Set-Cookie: seen=1")
    async with serving(answering(sets, answer(b""))) as server:
        await _exchange(session, server.url)
        await _exchange(session, server.url)
    assert b"cookie" not in server.requests[1].lower()


async def test_proxies_of_the_environment_are_ignored(
    session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment cannot put anyone between us and a channel."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    async with serving(answering(answer(b"direct"))) as server:
        assert (await _exchange(session, server.url)).body == b"direct"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:7080",
        "ftp://host",
        "http://",
        "http://user:secret@host",
        "http://host/path",
        "http://host?query",
    ],
)
async def test_base_urls_that_are_more(session: ClientSession, url: str) -> None:
    """A base URL that would break signatures, or leak a password, is refused."""
    with pytest.raises(ValueError, match="must look like") as refusal:
        Transport(session, url, BOUNDS)
    assert "secret" not in str(refusal.value)


async def test_connections_are_given_back(session: ClientSession) -> None:
    """After every kind of failure the one connection of the pool is free again."""
    for behave in (answering(), silent_after(), answering(answer(b"x" * 2_000)), resetting()):
        async with serving(behave) as server:
            with pytest.raises(Lost):
                await _exchange(session, server.url)
    async with serving(answering(answer(b"fine"))) as server:
        assert (await _exchange(session, server.url)).body == b"fine"


@pytest.mark.parametrize("name", ["in_flight_max", "connections_max", "sends_max"])
def test_bounds_below_one_are_refused(name: str) -> None:
    """A bound of 0 would stop everything, or bound nothing: it is refused by name."""
    with pytest.raises(ValueError, match=f"{name} must be at least 1"):
        replace(BOUNDS, **{name: 0})
