"""What a channel's client does beside one attempt: tokens, signing threads, other questions."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.channels.bounds import ChannelBounds
from gateway.channels.client import HttpChannel
from gateway.channels.connector import Call, HttpReply, HttpRequest, TokenRefused
from gateway.channels.sandbox.connector import SandboxConnector, SandboxSettings
from gateway.channels.sandbox.signing import SecretKey
from gateway.channels.transport import Lost, NotSent, Transport, open_session
from gateway.clock import Clock
from gateway.domain.channel import OutcomeClass
from tests.channels.servers import answer, answering, serving
from tests.channels.wire import KEY, request

BOUNDS = ChannelBounds(retry_pause_s=0.001, reply_bytes_max=100, bill_bytes_max=1_000)
TOKEN = HttpRequest("POST", "/token", {}, b"")
LIFETIME = timedelta(minutes=5)


class Bearer(SandboxConnector):
    """A connector whose requests carry a token that is good for five minutes."""

    def __init__(self, timeout_s: float = 5.0) -> None:
        timeout = timedelta(seconds=timeout_s)
        super().__init__(
            SandboxSettings(SecretKey(KEY), "http://127.0.0.1:1", send_timeout=timeout)
        )
        self.token, self.end = "", datetime.min.replace(tzinfo=Clock().now().tzinfo)
        self.built_in: set[str] = set()

    def needs_token(self, moment: datetime) -> bool:
        return moment >= self.end

    def token_request(self, moment: datetime, nonce: str) -> HttpRequest:
        assert len(nonce) == 32
        return TOKEN

    def accept_token(self, reply: HttpReply, moment: datetime) -> None:
        if reply.status != 200:
            raise TokenRefused(f"answered {reply.status}")
        self.token, self.end = reply.body.decode(), moment + LIFETIME

    def build(self, call: Call) -> HttpRequest:
        self.built_in.add(threading.current_thread().name)
        built = super().build(call)
        return replace(built, headers={**built.headers, "Authorization": self.token})


class Operator:
    """A transport to who gives tokens and answers nothing else usefully."""

    def __init__(self) -> None:
        self.tokens: Iterator[HttpReply | Exception] = iter(())
        self.sent: list[HttpRequest] = []
        self.slow_s = 0.0

    def gives(self, *tokens: HttpReply | Exception) -> None:
        self.tokens = iter(tokens)

    async def exchange(
        self, request: HttpRequest, timeout_s: float, *, bytes_max: int = 0, origin: str = ""
    ) -> HttpReply:
        self.sent.append(request)
        await asyncio.sleep(self.slow_s if request is TOKEN else 0)
        if request is not TOKEN:
            return HttpReply(503, {}, b"")
        given = next(self.tokens)
        if isinstance(given, Exception):
            raise given
        return given

    @property
    def authorizations(self) -> list[str | None]:
        return [sent.headers.get("Authorization") for sent in self.sent if sent is not TOKEN]


class Later(Clock):
    """A clock that is moved by hand."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


def token(text: str) -> HttpReply:
    return HttpReply(200, {}, text.encode())


def bench(timeout_s: float = 5.0) -> tuple[HttpChannel, Operator, Later]:
    operator, clock = Operator(), Later()
    return HttpChannel(Bearer(timeout_s), operator, BOUNDS, clock), operator, clock


async def test_a_token_is_fetched_first_and_kept() -> None:
    """The first call fetches a token, later ones carry it, until it ends and another is fetched."""
    channel, operator, clock = bench()
    operator.gives(token("one"), token("two"))
    for _ in range(2):
        await channel.send(request())
    clock.ahead = LIFETIME
    await channel.ask(request())
    assert operator.authorizations == ["one", "one", "two"]


async def test_one_fetches_for_all() -> None:
    """Of many calls that need a token at once one fetches it, and all carry it."""
    channel, operator, _ = bench()
    operator.slow_s = 0.02
    operator.gives(token("one"))
    await asyncio.gather(*(channel.send(request()) for _ in range(20)))
    assert operator.sent.count(TOKEN) == 1
    assert operator.authorizations == ["one"] * 20


@pytest.mark.parametrize(
    "refusal", [HttpReply(401, {}, b""), Lost("reset"), NotSent("refused")], ids=str
)
async def test_without_a_token_nothing_is_sent(refusal: HttpReply | Exception) -> None:
    """A token that is refused or lost proves that the payment was not sent; it is tried again."""
    channel, operator, _ = bench()
    operator.gives(*[refusal] * 3)
    outcome = await channel.send(request())
    assert outcome.outcome is OutcomeClass.NOT_SENT
    assert operator.sent == [TOKEN] * 3
    operator.gives(refusal, token("one"))
    assert (await channel.send(request())).outcome is OutcomeClass.UNKNOWN
    assert operator.authorizations == ["one"]


async def test_a_token_is_waited_for_within_the_deadline() -> None:
    """A token that does not come in the call's time ends it, for him who fetches and who waits."""
    channel, operator, _ = bench(timeout_s=0.1)
    operator.slow_s = 30.0
    operator.gives(token("late"))
    async with asyncio.timeout(5):
        outcomes = await asyncio.gather(*(channel.send(request()) for _ in range(3)))
    assert {outcome.outcome for outcome in outcomes} == {OutcomeClass.NOT_SENT}
    assert operator.authorizations == []


async def test_what_signs_slowly_is_built_in_a_thread() -> None:
    """Requests are built where they are told to be, and only there."""
    for threads in (0, 2):
        connector, operator = Bearer(), Operator()
        operator.gives(token("one"))
        with ThreadPoolExecutor(2, "signing") as signing:
            executor = signing if threads else None
            channel = HttpChannel(connector, operator, BOUNDS, Clock(), signing=executor)
            await asyncio.gather(*(channel.send(request()) for _ in range(4)))
        names = {name.partition("_")[0] for name in connector.built_in}
        assert names == ({"signing"} if threads else {threading.current_thread().name})


async def test_no_thread_in_time() -> None:
    """A request that no thread could build in time was not sent."""
    held = threading.Event()
    with ThreadPoolExecutor(1, "signing") as signing:
        signing.submit(held.wait)
        channel = HttpChannel(Bearer(0.05), Operator(), BOUNDS, Clock(), signing=signing)
        channel._connector.end = datetime.max.replace(tzinfo=Clock().now().tzinfo)
        outcome = await channel.send(request())
        held.set()
    assert outcome.outcome is OutcomeClass.NOT_SENT


async def test_what_cannot_be_built_is_told_from_a_thread_too() -> None:
    """What cannot be built in a thread was not sent; a question says so to whoever asked."""

    def build(_call: Call) -> HttpRequest:
        raise ValueError("no such operation")

    connector, operator = Bearer(), Operator()
    operator.gives(token("one"))
    connector.build = build
    with ThreadPoolExecutor(1) as signing:
        channel = HttpChannel(connector, operator, BOUNDS, Clock(), signing=signing)
        assert (await channel.send(request())).outcome is OutcomeClass.NOT_SENT
        with pytest.raises(ValueError, match="no such"):
            await channel.ask(request())


def _get(_moment: datetime, nonce: str) -> HttpRequest:
    return HttpRequest("GET", f"/file?{nonce}", {}, b"")


@pytest.mark.parametrize(
    ("length", "replies", "files"),
    [(100, True, True), (101, False, True), (1_000, False, True), (1_001, False, False)],
)
async def test_only_a_bill_may_be_long(length: int, replies: bool, files: bool) -> None:
    """A bill may be longer than a reply; both are bounded."""
    async with serving(answering(answer(b"x" * length))) as server, open_session(BOUNDS) as session:
        connector = SandboxConnector(SandboxSettings(SecretKey(KEY), "http://127.0.0.1:1"))
        transport = Transport(session, server.url, BOUNDS)
        channel = HttpChannel(connector, transport, BOUNDS, Clock())
        for ask, fits in ((channel.exchange, replies), (channel.download, files)):
            if not fits:
                with pytest.raises(Lost, match="longer than"):
                    await ask(_get)
                continue
            reply, _ = await ask(_get)
            assert len(reply.body) == length


async def test_a_bill_may_lie_on_another_host() -> None:
    """A download goes where it is told to; everything else goes to the channel."""
    here, there = (answering(answer(name)) for name in (b"here", b"there"))
    async with serving(here) as channels, serving(there) as files, open_session(BOUNDS) as session:
        connector = SandboxConnector(SandboxSettings(SecretKey(KEY), "http://127.0.0.1:1"))
        transport = Transport(session, channels.url, BOUNDS)
        channel = HttpChannel(connector, transport, BOUNDS, Clock())
        assert (await channel.download(_get, files.url))[0].body == b"there"
        assert (await channel.exchange(_get))[0].body == b"here"
    assert len(files.requests) == len(channels.requests) == 1


async def test_a_request_that_finds_its_token_ended_was_not_sent() -> None:
    """A connector that refuses to build without a good token proves that nothing left."""

    def build(_call: Call) -> HttpRequest:
        raise TokenRefused("it has just ended")

    connector, operator = Bearer(), Operator()
    operator.gives(token("one"))
    connector.build = build
    outcome = await HttpChannel(connector, operator, BOUNDS, Clock()).send(request())
    assert outcome.outcome is OutcomeClass.NOT_SENT
    assert "it has just ended" in outcome.evidence
