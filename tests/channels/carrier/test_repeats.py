"""What was refused unseen, a 401 or a 429, is sent again under its number, within bounds."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.channels.bounds import ChannelBounds
from gateway.channels.carrier.connector import CarrierConnector
from gateway.channels.client import HttpChannel
from gateway.channels.connector import HttpReply, HttpRequest, MayRepeat
from gateway.channels.transport import Lost, NotSent, Transport
from gateway.clock import Clock
from gateway.domain.channel import ChannelRequest, OutcomeClass
from tests.channels.carrier.wire import (
    ASK,
    CAPTURE,
    PHONE,
    REFUND,
    SECRET,
    SEND,
    TOKEN,
    call,
    carrier,
    error,
    parsed,
    payment,
    token_reply,
)

BOUNDS = ChannelBounds(retry_pause_s=0.001)
REQUEST = call().request
UNSEEN = {401: "UNAUTHENTICATED", 429: "TOO_MANY_REQUESTS"}
GENERIC = "Client specified an invalid argument."

Answer = Callable[[HttpRequest], HttpReply] | Exception


class Operator(Transport):
    """Gives a token whenever one is asked for, and answers all else in turn."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent: list[HttpRequest] = []
        self.tokens = 0

    async def exchange(
        self, request: HttpRequest, timeout_s: float, *, bytes_max: int = 0, origin: str = ""
    ) -> HttpReply:
        if request.path == "/oauth2/token":
            self.tokens += 1
            return token_reply(access_token=f"token-{self.tokens}")
        self.sent.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer(request)


def channel(operator: Operator, bounds: ChannelBounds = BOUNDS) -> HttpChannel:
    """A channel that has no token yet."""
    return HttpChannel(CarrierConnector(carrier().account.settings), operator, bounds, Clock())


def refuses(status: int, code: str = "", message: str = GENERIC) -> Answer:
    """Answer with an error."""
    body = {"status": status, "code": code or UNSEEN[status], "message": message}
    return lambda sent: _echoed(sent, status, body)


def shows(state: str, status: int = 201) -> Answer:
    """Answer with the payment."""
    return lambda sent: _echoed(sent, status, payment(state))


def _echoed(sent: HttpRequest, status: int, body: object) -> HttpReply:
    headers = {"x-correlator": sent.headers["x-correlator"]}
    return HttpReply(status, headers, json.dumps(body).encode())


@pytest.mark.parametrize(("status", "tokens"), [(401, 2), (429, 1)])
async def test_refused_unseen_is_sent_again(status: int, tokens: int) -> None:
    """The same body goes out again, and is believed; after a 401 it carries a new token."""
    operator = Operator(refuses(status), shows("succeeded"))
    outcome = await channel(operator).send(REQUEST)
    assert outcome.outcome is OutcomeClass.SUCCESS
    first, second = operator.sent
    assert (first.path, first.body) == (second.path, second.body)
    assert first.headers["x-correlator"] != second.headers["x-correlator"]
    assert second.headers["Authorization"] == f"Bearer token-{tokens}"
    assert operator.tokens == tokens


@pytest.mark.parametrize("status", UNSEEN)
async def test_repeats_are_bounded(status: int) -> None:
    """Who is refused as often as may be tried gets no more, and knows nothing of the number."""
    operator = Operator(*[refuses(status)] * 9)
    outcome = await channel(operator).send(REQUEST)
    assert (outcome.outcome, outcome.not_found) == (OutcomeClass.UNKNOWN, False)
    assert len(operator.sent) == BOUNDS.sends_max


async def test_no_repeat_beyond_the_deadline() -> None:
    """A pause that would not end before the call's own deadline is not begun."""
    operator = Operator(refuses(429), shows("succeeded"))
    started = time.monotonic()
    outcome = await channel(operator, replace(BOUNDS, retry_pause_s=60.0)).send(REQUEST)
    assert (outcome.outcome, len(operator.sent)) == (OutcomeClass.UNKNOWN, 1)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("after", [NotSent("refused"), Lost("reset")], ids=str)
async def test_what_left_once_is_never_called_unsent(after: Exception) -> None:
    """After one send that left, a repeat that does not leave proves nothing of the number."""
    operator = Operator(refuses(429), *[after] * 9)
    assert (await channel(operator).send(REQUEST)).outcome is OutcomeClass.UNKNOWN


async def test_questions_are_asked_again() -> None:
    """A question that was refused unseen is asked again as well."""
    operator = Operator(refuses(401), shows("succeeded", 200))
    assert (await channel(operator).ask(REQUEST)).outcome is OutcomeClass.SUCCESS


async def test_so_is_what_is_about_no_attempt() -> None:
    """A list of the statement that was refused unseen is asked for again, with a new token."""
    operator = Operator(refuses(401), refuses(429), lambda _: HttpReply(200, {}, b"[]"))
    calls = channel(operator)

    def build(moment: datetime, nonce: str) -> HttpRequest:
        connector = calls._connector
        assert isinstance(connector, CarrierConnector)
        return connector.account.get("/payments", moment, nonce)

    reply, _ = await calls.exchange(build)
    assert (reply.status, len(operator.sent), operator.tokens) == (200, 3, 2)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 500, 503])
async def test_nothing_else_is_sent_again(status: int) -> None:
    """Every other answer was given by somebody who looked."""
    operator = Operator(refuses(status, "INTERNAL"), shows("succeeded"))
    await channel(operator).send(REQUEST)
    assert len(operator.sent) == 1
    connector = carrier()
    assert isinstance(connector, MayRepeat)
    assert not connector.may_repeat(error(status, "INTERNAL"), datetime.now(UTC))


@pytest.mark.parametrize("manual", [False, True])
async def test_a_repeat_may_be_known(manual: bool) -> None:
    """A charge that was sent twice is not failed by what may say that it is known already."""
    request = call(manual=manual).request
    operator = Operator(refuses(429), refuses(400, "INVALID_ARGUMENT"))
    assert (await channel(operator).send(request)).outcome is OutcomeClass.UNKNOWN
    alone = Operator(refuses(400, "INVALID_ARGUMENT"))
    assert (await channel(alone).send(request)).outcome is OutcomeClass.FAILED


def test_a_repeated_confirmation_is_judged_as_the_first() -> None:
    """A confirmation makes nothing that could be known: malformed is malformed."""
    made = replace(call(SEND, CAPTURE, manual=True), again=True)
    outcome = parsed(made, error(400, "INVALID_ARGUMENT", GENERIC))
    assert outcome.outcome is OutcomeClass.FAILED


def _sent(connector: CarrierConnector) -> list[HttpRequest]:
    made = [call(), call(manual=True), call(SEND, CAPTURE, manual=True), call(SEND, REFUND)]
    questions = [call(ASK), call(ASK, known=False)]
    moment = call().moment
    token = connector.token_request(moment, call().nonce)
    return [token, *(connector.build(item) for item in (*made, *questions))]


def test_nothing_secret_is_shown() -> None:
    """Neither request nor reply shows a token, a secret or a phone number when it is printed."""
    replies = [token_reply(), error(400, "X", PHONE)]
    shown = repr([*_sent(carrier()), *replies])
    assert not any(secret in shown for secret in (TOKEN, SECRET, PHONE, PHONE[1:], "Basic"))
    request: ChannelRequest = call().request
    assert PHONE not in f"{request!r} {request} {call()!r}"
