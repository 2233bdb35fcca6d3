"""The access token: how it is asked for, how long it is used, and when it is fetched anew."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.channels.bounds import ChannelBounds
from gateway.channels.carrier.client_auth import ClientKey, ClientSecret
from gateway.channels.carrier.connector import CarrierConnector
from gateway.channels.client import HttpChannel
from gateway.channels.connector import HttpReply, HttpRequest, NeedsToken, TokenRefused
from gateway.channels.keys import MerchantKey, Validity
from gateway.channels.transport import Lost, Transport
from gateway.clock import Clock
from gateway.domain.channel import OutcomeClass
from tests.channels.carrier.wire import (
    NONCE,
    NOW,
    SECRET,
    TOKEN,
    call,
    carrier,
    payment,
    token_reply,
)

SCOPES = (
    "carrier-billing:payments:create carrier-billing:payments:read carrier-billing:payments:write "
    "carrier-billing-refund:refunds:create carrier-billing-refund:refunds:read"
)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """One key for all."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_secret_goes_into_the_header() -> None:
    """A client with a secret shows it in the header, each half encoded as a form is."""
    connector = carrier(client=ClientSecret("gate:way", "a b+c"))
    sent = connector.token_request(NOW, NONCE)
    assert (sent.method, sent.path) == ("POST", "/oauth2/token")
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"
    scheme, _, pair = sent.headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(pair)) == ("Basic", b"gate%3Away:a+b%2Bc")
    assert parse_qs(sent.body.decode()) == {"grant_type": ["client_credentials"], "scope": [SCOPES]}


def test_assertion_is_signed(key: rsa.RSAPrivateKey) -> None:
    """A client with a key signs who it is, for this server, once, and for two minutes."""
    audience = "https://operator.example.com/oauth2/token"
    client = ClientKey("gateway", audience, (MerchantKey("kid-1", key),))
    sent = carrier(client=client).token_request(NOW, NONCE)
    assert "Authorization" not in sent.headers
    fields = parse_qs(sent.body.decode())
    (assertion,) = fields.pop("client_assertion")
    assert fields == {
        "grant_type": ["client_credentials"],
        "scope": [SCOPES],
        "client_id": ["gateway"],
        "client_assertion_type": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
    }
    header, claims, signature = assertion.split(".")
    text = f"{header}.{claims}".encode()
    key.public_key().verify(_decoded(signature), text, padding.PKCS1v15(), SHA256())
    assert json.loads(_decoded(header)) == {"alg": "RS256", "typ": "JWT", "kid": "kid-1"}
    now = int(NOW.timestamp())
    assert json.loads(_decoded(claims)) == {
        "iss": "gateway",
        "sub": "gateway",
        "aud": audience,
        "jti": NONCE,
        "iat": now - 10,
        "exp": now + 120,
    }


def test_newest_key_signs(key: rsa.RSAPrivateKey) -> None:
    """While keys are changed, the newest that is valid signs."""
    keys = (
        MerchantKey("old", key, Validity(NOW - timedelta(days=9))),
        MerchantKey("new", key, Validity(NOW - timedelta(days=1))),
        MerchantKey("next", key, Validity(NOW + timedelta(days=1))),
    )
    sent = carrier(client=ClientKey("g", "https://a/t", keys)).token_request(NOW, NONCE)
    (assertion,) = parse_qs(sent.body.decode())["client_assertion"]
    assert json.loads(_decoded(assertion.split(".")[0]))["kid"] == "new"


@pytest.mark.parametrize(
    ("lifetime", "renewed_after"),
    [(3600, 3540), (120, 60), (60, 30), (1, 0.5), (None, 240)],
)
def test_renewal(lifetime: int | None, renewed_after: float) -> None:
    """A token is renewed a minute before its end, or at half of a short life."""
    connector = carrier()
    connector.accept_token(token_reply(expires_in=lifetime), NOW)
    assert not connector.needs_token(NOW + timedelta(seconds=renewed_after - 0.1))
    assert connector.needs_token(NOW + timedelta(seconds=renewed_after))


def test_token_that_was_not_accepted() -> None:
    """A 401 makes the client fetch another; one to an older request says nothing of the newest."""
    connector, made = carrier(), call()
    refused = HttpReply(401, {}, b"")
    assert connector.may_repeat(refused, made.moment)
    assert connector.needs_token(NOW)
    connector.accept_token(token_reply(access_token="new"), NOW + timedelta(seconds=1))
    assert connector.may_repeat(refused, made.moment)
    assert not connector.needs_token(NOW + timedelta(seconds=1))
    later = replace(made, moment=NOW + timedelta(seconds=2))
    assert connector.build(later).headers["Authorization"] == "Bearer new"


def test_marked_token_still_builds() -> None:
    """What was about to be built when the token was marked is built, and answered 401 at worst."""
    connector = carrier()
    connector.may_repeat(HttpReply(401, {}, b""), NOW)
    assert connector.build(call()).headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "answer",
    [
        token_reply(access_token=None),
        token_reply(access_token=""),
        token_reply(access_token="a b"),
        token_reply(access_token="a\r\nX: y"),
        token_reply(access_token="x" * 8_193),
        token_reply(token_type="mac"),
        token_reply(token_type=None),
        token_reply(expires_in=0),
        token_reply(expires_in="3600"),
        token_reply(expires_in=1.5),
        token_reply(500),
        token_reply(201),
        HttpReply(401, {}, b'{"error":"invalid_client","error_description":"no"}'),
        HttpReply(400, {}, b'{"error":"Invalid Client <b>"}'),
        HttpReply(200, {}, b"<html>"),
        HttpReply(200, {}, b"[]"),
    ],
)
def test_no_token(answer: HttpReply) -> None:
    """What is no token is refused, and the one at hand is kept."""
    connector = carrier()
    with pytest.raises(TokenRefused) as refused:
        connector.accept_token(answer, NOW)
    assert not any(secret in str(refused.value) for secret in (TOKEN, SECRET))
    assert not connector.needs_token(NOW)


def test_refusal_names_its_reason() -> None:
    """The server's word for why is told."""
    answer = HttpReply(401, {}, b'{"error":"invalid_client"}')
    with pytest.raises(TokenRefused, match="401 invalid_client"):
        carrier().accept_token(answer, NOW)


@pytest.mark.parametrize("missing", [("", "secret"), ("gateway", "")])
def test_client_that_cannot_be_right(missing: tuple[str, str]) -> None:
    """A client without id or secret is refused in one sentence, which shows neither."""
    with pytest.raises(ValueError, match="client id"):
        ClientSecret(*missing)
    with pytest.raises(ValueError, match="client id"):
        ClientKey("gateway", "https://a/t", ())


class _Operator(Transport):
    """Answers like an operator, which may take a token back or say nothing of one."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.tokens = 0
        self.taken_back = ""
        self.silent = False

    async def exchange(
        self, request: HttpRequest, timeout_s: float, *, bytes_max: int = 0, origin: str = ""
    ) -> HttpReply:
        self.seen.append(request.path)
        if request.path == "/oauth2/token":
            if self.silent:
                raise Lost("no answer")
            self.tokens += 1
            return token_reply(access_token=f"token-{self.tokens}")
        headers = {"x-correlator": request.headers["x-correlator"]}
        if request.headers["Authorization"] == f"Bearer {self.taken_back}":
            return HttpReply(401, headers, b'{"status":401,"code":"UNAUTHENTICATED"}')
        return HttpReply(200, headers, json.dumps(payment("succeeded")).encode())


def _channel(operator: _Operator) -> HttpChannel:
    """A channel that has no token yet."""
    connector = CarrierConnector(carrier().account.settings)
    assert isinstance(connector, NeedsToken)
    return HttpChannel(connector, operator, ChannelBounds(sends_max=1), Clock())


async def test_client_fetches_tokens() -> None:
    """The client fetches a token before the first call, and another after one was refused."""
    operator, request = _Operator(), call().request
    channel = _channel(operator)
    assert (await channel.ask(request)).outcome is OutcomeClass.SUCCESS
    operator.taken_back = "token-1"
    assert (await channel.ask(request)).outcome is OutcomeClass.UNKNOWN
    assert (await channel.ask(request)).outcome is OutcomeClass.SUCCESS
    fetched = [path == "/oauth2/token" for path in operator.seen]
    assert fetched == [True, False, False, True, False]


async def test_without_a_token_nothing_is_sent() -> None:
    """A send that found no token did not leave: its number may be sent again."""
    operator = _Operator()
    operator.silent = True
    channel = _channel(operator)
    assert (await channel.send(call().request)).outcome is OutcomeClass.NOT_SENT
    assert operator.seen == ["/oauth2/token"]
