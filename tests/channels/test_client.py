"""The client between connector and transport: retries, deadline, the guards for callers."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from gateway.channels.bounds import ChannelBounds
from gateway.channels.client import HttpChannel, fresh_nonce
from gateway.channels.connector import Call, HttpReply, HttpRequest
from gateway.channels.sandbox.connector import SandboxConnector, SandboxSettings
from gateway.channels.sandbox.signing import SecretKey
from gateway.channels.transport import Lost, NotSent, Transport, open_session
from gateway.clock import Clock
from gateway.domain.channel import AttemptKind, NotificationRefused, OutcomeClass
from gateway.domain.errors import Overloaded, Reason, Unavailable
from gateway.domain.payment import FailureReason
from tests.channels.servers import answer, answering, closed_port, serving, silent_after
from tests.channels.wire import (
    KEY,
    NOTIFY_PATH,
    NOW,
    call,
    notification,
    reply_to,
    request,
    resource,
)

BOUNDS = ChannelBounds(
    in_flight_max=2,
    connect_timeout_s=0.1,
    retry_pause_s=0.001,
    breaker_failures_max=2,
    breaker_cool_down_s=5.0,
)
Exchange = Exception | Callable[[HttpRequest], HttpReply]


class FakeClock(Clock):
    """Clocks that are moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.seconds


class Script:
    """A transport that does as it is told, once for each exchange."""

    def __init__(self, *exchanges: Exchange) -> None:
        self.left = list(exchanges)
        self.sent: list[HttpRequest] = []

    async def exchange(
        self, request: HttpRequest, timeout_s: float, *, bytes_max: int = 0, origin: str = ""
    ) -> HttpReply:
        self.sent.append(request)
        await asyncio.sleep(0)
        now = self.left.pop(0)
        if isinstance(now, Exception):
            raise now
        return now(request)


class Observed(Counter[tuple[str, str, str]]):
    """An observer that counts."""

    def observed(self, channel: str, kind: str, outcome_class: str, seconds: float) -> None:
        assert seconds >= 0
        self[channel, kind, outcome_class] += 1


def succeeds(sent: HttpRequest) -> HttpReply:
    """Answer, signed, that the charge succeeded."""
    made = replace(call(), nonce=sent.headers["Sandbox-Nonce"])
    return reply_to(made, resource(made.request, "SUCCEEDED", captured=1250))


def proves_nothing(_: HttpRequest) -> HttpReply:
    """Answer 503, unsigned."""
    return HttpReply(503, {}, b"")


def channel(
    transport: Script | Transport,
    *,
    bounds: ChannelBounds = BOUNDS,
    clock: Clock | None = None,
    observer: Observed | None = None,
    timeout_s: float = 1.0,
) -> HttpChannel:
    timeout = timedelta(seconds=timeout_s)
    settings = SandboxSettings(SecretKey(KEY), "http://127.0.0.1:7071", send_timeout=timeout)
    connector = SandboxConnector(settings)
    return HttpChannel(connector, transport, bounds, clock or FakeClock(), observer)


async def test_what_was_not_sent_is_sent_again() -> None:
    """The same number is tried again, freshly signed, until something left."""
    script = Script(NotSent("refused"), NotSent("refused"), succeeds)
    outcome = await channel(script).send(request())
    assert outcome.outcome is OutcomeClass.SUCCESS
    assert len({sent.body for sent in script.sent}) == 1
    assert len({sent.headers["Sandbox-Nonce"] for sent in script.sent}) == 3


async def test_not_sent_after_the_last_try() -> None:
    """What could never be sent is NOT_SENT after a bounded number of tries, and says why."""
    script = Script(*[NotSent("refused\n")] * 4)
    outcome = await channel(script).send(request())
    assert (outcome.outcome, len(script.sent)) == (OutcomeClass.NOT_SENT, 3)
    assert outcome.evidence == f"sandbox SEND of {request().number}: refused "


@pytest.mark.parametrize("before", [[], [NotSent("refused")]])
async def test_what_may_have_left_is_not_sent_again(before: list[Exchange]) -> None:
    """After a try that may have arrived there is no other, and the outcome is unknown."""
    script = Script(*before, Lost("reset"), succeeds)
    outcome = await channel(script).send(request())
    assert (outcome.outcome, outcome.not_found) == (OutcomeClass.UNKNOWN, False)
    assert script.left == [succeeds]


class Refusing(SandboxConnector):
    """A connector that builds nothing."""

    def __init__(self, refusal: ValueError) -> None:
        super().__init__(SandboxSettings(SecretKey(KEY), "http://127.0.0.1:7071"))
        self.refusal, self.asked = refusal, 0

    def build(self, call: Call) -> HttpRequest:
        self.asked += 1
        raise self.refusal


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (ValueError("this way has no\ninstalments"), "this way has no instalments"),
        (UnicodeEncodeError("ascii", "a secret", 2, 3, "no"), "UnicodeEncodeError"),
    ],
)
async def test_what_cannot_be_built_was_not_sent(refusal: ValueError, words: str) -> None:
    """It is tried once, proven not sent, for good, told in the log, and counts for no breaker."""
    connector, script = Refusing(refusal), Script(succeeds)
    calls = HttpChannel(connector, script, BOUNDS, FakeClock())
    with capture_logs() as logged:
        for _ in range(BOUNDS.breaker_failures_max):
            await calls.send(request())
        with calls.admit():
            outcome = await calls.send(request())
    assert outcome.outcome is OutcomeClass.NOT_SENT
    assert outcome.failure is not None
    assert outcome.failure.reason is FailureReason.NOT_ACCEPTED
    assert outcome.evidence == f"sandbox SEND of {request().number}: not built: {words}"
    assert (connector.asked, script.sent) == (BOUNDS.breaker_failures_max + 1, [])
    assert {line["event"] for line in logged} == {"request cannot be built"}
    assert "secret" not in str(logged)


async def test_what_cannot_be_built_again_may_have_been_sent() -> None:
    """After a try that left, a request that cannot be built proves nothing of its number."""

    class Repeating(Refusing):
        def build(self, call: Call) -> HttpRequest:
            return super().build(call) if call.again else SandboxConnector.build(self, call)

        def may_repeat(self, reply: HttpReply, moment: datetime) -> bool:
            return True

    calls = HttpChannel(Repeating(ValueError("no key")), Script(proves_nothing), BOUNDS, Clock())
    outcome = await calls.send(request())
    assert (outcome.outcome, outcome.failure) == (OutcomeClass.UNKNOWN, None)


@pytest.mark.parametrize("question", ["ask", "fence"])
async def test_a_question_that_cannot_be_built_is_a_fault(question: str) -> None:
    """Nothing is proven by it, so whoever asks is told that it was never asked."""
    calls = HttpChannel(Refusing(ValueError("no key")), Script(), BOUNDS, FakeClock())
    with pytest.raises(ValueError, match="no key"):
        await getattr(calls, question)(request())


async def test_an_unverified_answer_is_not_asked_for_again() -> None:
    """An answer that proves nothing is an answer: it is not retried."""
    script = Script(proves_nothing, succeeds)
    assert (await channel(script).send(request())).outcome is OutcomeClass.UNKNOWN
    assert script.left == [succeeds]


@pytest.mark.parametrize("question", ["ask", "fence"])
async def test_a_question_that_was_not_sent_is_unknown(question: str) -> None:
    """That a question could not be sent proves nothing about the number it was about."""
    script = Script(*[NotSent("refused")] * 3)
    outcome = await getattr(channel(script), question)(request())
    assert outcome.outcome is OutcomeClass.UNKNOWN


async def test_no_retry_beyond_the_deadline() -> None:
    """A pause that would not end before the deadline is not begun."""
    script = Script(NotSent("refused"), succeeds)
    patient = replace(BOUNDS, retry_pause_s=60.0)
    started = time.monotonic()
    outcome = await channel(script, bounds=patient).send(request())
    assert outcome.outcome is OutcomeClass.NOT_SENT
    assert time.monotonic() - started < 5


async def test_each_call_is_observed_once() -> None:
    """The observer sees one call, however many tries it took, with what it proved."""
    observed = Observed()
    calls = channel(Script(NotSent("refused"), succeeds, Lost("reset")), observer=observed)
    await calls.send(request())
    await calls.ask(request(AttemptKind.REFUND))
    assert observed == {
        ("sandbox", "CHARGE", "SUCCESS"): 1,
        ("sandbox", "REFUND", "UNKNOWN"): 1,
    }


async def test_places_are_bounded() -> None:
    """Beyond the bound callers are refused with a hint, and a place given back can be taken."""
    calls = channel(Script())
    with ExitStack() as places:
        for _ in range(2):
            places.enter_context(calls.admit())
        assert calls.in_flight == 2
        with pytest.raises(Overloaded) as refusal, calls.admit():
            pass
        assert refusal.value.reason is Reason.OVERLOADED
        assert refusal.value.retry_after_s == BOUNDS.overload_retry_s
        assert not refusal.value.key_bound
    assert calls.in_flight == 0
    with calls.admit():
        assert calls.in_flight == 1


async def test_places_come_back_whatever_happens() -> None:
    """A caller that raises or is cancelled gives its place back."""
    calls = channel(Script())

    async def hold() -> None:
        with calls.admit():
            await asyncio.sleep(30)

    task = asyncio.create_task(hold())
    await asyncio.sleep(0)
    assert calls.in_flight == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(RuntimeError), calls.admit():
        raise RuntimeError
    assert calls.in_flight == 0


async def test_breaker_opens_and_closes() -> None:
    """A silent channel refuses callers, lets one try after a while, and all once answered."""
    clock = FakeClock()
    silence = [Lost("no answer")] * 3
    calls = channel(Script(*silence, succeeds), clock=clock)
    for _ in range(2):
        with calls.admit():
            await calls.send(request())
    with pytest.raises(Unavailable) as refusal, calls.admit():
        pass
    assert refusal.value.reason is Reason.CHANNEL_UNAVAILABLE
    assert refusal.value.retry_after_s == 5.0
    clock.seconds += 5.0
    with calls.admit():
        with pytest.raises(Unavailable), calls.admit():
            pass
        await calls.send(request())
    with pytest.raises(Unavailable), calls.admit():
        pass
    clock.seconds += 5.0
    with calls.admit():
        await calls.send(request())
        with calls.admit():
            pass


async def test_workers_ask_through_an_open_breaker() -> None:
    """Questions are let through while callers are refused, and an answer lets callers in."""
    calls = channel(Script(Lost("1"), Lost("2"), proves_nothing))
    for _ in range(2):
        await calls.ask(request())
    with pytest.raises(Unavailable), calls.admit():
        pass
    await calls.ask(request())
    with calls.admit():
        pass


async def test_breaker_counts_calls_not_tries() -> None:
    """The tries of one call are one silence."""
    calls = channel(Script(*[NotSent("refused")] * 3))
    await calls.send(request())
    with calls.admit():
        pass


async def test_refused_caller_holds_nothing() -> None:
    """A caller that the breaker refused takes no place."""
    calls = channel(Script(Lost("1"), Lost("2")))
    for _ in range(2):
        await calls.ask(request())
    with pytest.raises(Unavailable), calls.admit():
        pass
    assert calls.in_flight == 0


def test_headers_in_any_case() -> None:
    """A notification's headers are found however they are written, and our clock judges its age."""
    calls = channel(Script())
    headers, body = notification("charge", resource(request(), "PROCESSING"))
    written = {name.title(): value for name, value in headers.items()}
    assert calls.read_notification(NOTIFY_PATH, written, body).number == request().number
    headers, body = notification("charge", resource(request(), "PROCESSING"), 1767222301)
    with pytest.raises(NotificationRefused, match="stale"):
        calls.read_notification(NOTIFY_PATH, headers, body)


def test_nonces_are_fresh() -> None:
    """No nonce comes twice, and each is of the protocol's form."""
    nonces = {fresh_nonce() for _ in range(1_000)}
    assert len(nonces) == 1_000
    assert all(len(nonce) == 32 and nonce.isalnum() for nonce in nonces)


@pytest.fixture
async def over_http() -> AsyncIterator[Callable[[str], HttpChannel]]:
    """Make channels over real HTTP to a URL, with a timeout of 0.2 s."""
    async with open_session(BOUNDS) as session:
        yield lambda url: channel(Transport(session, url, BOUNDS), timeout_s=0.2)


async def test_nobody_listens(over_http: Callable[[str], HttpChannel]) -> None:
    """A send to nobody is NOT_SENT, a question to nobody UNKNOWN, and nobody is reachable."""
    nobody = over_http(f"http://127.0.0.1:{closed_port()}")
    assert (await nobody.send(request())).outcome is OutcomeClass.NOT_SENT
    assert (await nobody.ask(request())).outcome is OutcomeClass.UNKNOWN
    assert not await nobody.reachable()


async def test_slow_channel(over_http: Callable[[str], HttpChannel]) -> None:
    """A send to a channel that does not answer is UNKNOWN at the channel's own timeout."""
    async with serving(silent_after()) as server:
        started = time.monotonic()
        outcome = await over_http(server.url).send(request())
        assert 0.2 <= time.monotonic() - started < 1.2
    assert outcome.outcome is OutcomeClass.UNKNOWN


@pytest.mark.parametrize("status", [b"200 OK", b"401 No", b"404 What", b"502 Away", b"503 Away"])
async def test_reachable(over_http: Callable[[str], HttpChannel], status: bytes) -> None:
    """A channel is reachable if it answers at its health path, unless it says that it cannot."""
    async with serving(answering(answer(b"{}", status=status))) as server:
        assert await over_http(server.url).reachable() == (not status.startswith(b"5"))
        assert server.requests[0].startswith(b"GET /healthz HTTP/1.1\r\n")
