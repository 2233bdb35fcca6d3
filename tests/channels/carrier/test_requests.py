"""What is sent: each step's method, path, headers and body, and what cannot be asked for."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.channels.carrier.settings import CarrierSettings
from gateway.channels.connector import Action, TokenRefused
from gateway.domain.channel import EPOCH, AttemptKind
from gateway.domain.money import Money
from tests.channels.carrier.wire import (
    ASK,
    CANCEL,
    CAPTURE,
    CHARGE,
    CHARGE_NUMBER,
    EXPIRY,
    FENCE,
    NONCE,
    NOW,
    NUMBER,
    PAYMENT_ID,
    PHONE,
    REFUND,
    REFUND_ID,
    SECRET,
    SEND,
    TOKEN,
    body_of,
    call,
    carrier,
    sink_token,
)

PAYMENTS = "/carrier-billing/v0.5/payments"
PAYMENT = f"{PAYMENTS}/{PAYMENT_ID}"
REFUNDS = f"/carrier-billing-refund/v0.3/payments/{PAYMENT_ID}/refunds"


@pytest.mark.parametrize(
    ("action", "kind", "manual", "known", "method", "path"),
    [
        (SEND, CHARGE, False, False, "POST", PAYMENTS),
        (SEND, CHARGE, True, False, "POST", f"{PAYMENTS}/prepare"),
        (ASK, CHARGE, False, True, "GET", PAYMENT),
        (ASK, CHARGE, True, False, "GET", f"{PAYMENTS}?"),
        (FENCE, CHARGE, True, True, "POST", f"{PAYMENT}/cancel"),
        (FENCE, CHARGE, True, False, "GET", f"{PAYMENTS}?"),
        (FENCE, CHARGE, False, True, "GET", PAYMENT),
        (SEND, CAPTURE, True, True, "POST", f"{PAYMENT}/confirm"),
        (ASK, CAPTURE, True, True, "GET", PAYMENT),
        (SEND, CANCEL, True, True, "POST", f"{PAYMENT}/cancel"),
        (SEND, CANCEL, True, False, "GET", f"{PAYMENTS}?"),
        (SEND, CANCEL, False, True, "GET", PAYMENT),
        (ASK, CANCEL, True, True, "GET", PAYMENT),
        (SEND, REFUND, False, True, "POST", REFUNDS),
        (ASK, REFUND, False, True, "GET", f"{REFUNDS}?"),
    ],
)
def test_step(
    action: Action, kind: AttemptKind, manual: bool, known: bool, method: str, path: str
) -> None:
    """Each call is one request to the one place that the protocol has for it."""
    sent = carrier().build(call(action, kind, manual=manual, known=known))
    assert sent.method == method
    assert sent.path == path or (path.endswith("?") and sent.path.startswith(path))
    assert sent.headers["Authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["x-correlator"] == NONCE
    assert bool(sent.body) == ("Content-Type" in sent.headers) == (method == "POST")


def test_charge_body() -> None:
    """A charge says the line, our number twice, the amount with its taxes, and where to notify."""
    sent = carrier().build(call())
    assert b'"amount":12.50,' in sent.body
    fields = body_of(sent)
    assert fields.pop("sinkCredential") == {
        "credentialType": "ACCESSTOKEN",
        "accessToken": sink_token(NUMBER, EXPIRY + timedelta(days=30)),
        "accessTokenExpiresUtc": "2026-03-31T04:30:00.000Z",
        "accessTokenType": "bearer",
    }
    assert fields == {
        "amountTransaction": {
            "phoneNumber": PHONE,
            "clientCorrelator": NUMBER,
            "referenceCode": NUMBER,
            "paymentAmount": {
                "chargingInformation": {
                    "amount": json.loads("12.5"),
                    "currency": "EUR",
                    "description": "FIFA 茶",
                    "isTaxIncluded": True,
                }
            },
        },
        "sink": "https://pay.example.com/notify/carrier",
    }


def test_prepared_body_is_the_same() -> None:
    """A payment in two steps says the same as one in one step."""
    assert carrier().build(call(manual=True)).body == carrier().build(call()).body


@pytest.mark.parametrize("kind", [CAPTURE, CANCEL])
def test_second_step_names_the_line(kind: AttemptKind) -> None:
    """Confirm and cancel name the line, which a token of ours alone does not."""
    assert body_of(carrier().build(call(SEND, kind, manual=True))) == {"phoneNumber": PHONE}


def test_refund_body() -> None:
    """A refund names its amount, also when that is all of the payment, and never the line."""
    sent = carrier().build(call(SEND, REFUND))
    fields = body_of(sent)
    assert fields["type"] == "partial"
    assert fields["reason"] == "FIFA 茶"
    assert fields["amountTransaction"]["clientCorrelator"] == NUMBER
    assert fields["amountTransaction"]["referenceCode"] == NUMBER
    assert b'"refundAmount":{"chargingInformation":{"amount":12.50,' in sent.body
    assert PHONE.encode() not in sent.body
    assert fields["sinkCredential"]["accessToken"].startswith(f"{NUMBER}.")


@pytest.mark.parametrize(
    ("money", "written"),
    [
        (Money("EUR", 1), b"0.01"),
        (Money("EUR", 100), b"1.00"),
        (Money("JPY", 500), b"500"),
        (Money("KWD", 1), b"0.001"),
        (Money("KWD", 12_345), b"12.345"),
        (Money("EUR", 1_000_000_000_000), b"10000000000.00"),
        (Money("EUR", 10_000_000_000_07), b"10000000000.07"),
    ],
)
def test_amount(money: Money, written: bytes) -> None:
    """Amounts are written with the decimals of their currency, to the last digit."""
    assert b'"amount":' + written + b"," in carrier().build(call(money=money)).body


def test_resend_repeats_every_byte() -> None:
    """Body and path of a send depend on the request alone, not on time, nonce or token."""
    made = call()
    later = replace(made, moment=NOW + timedelta(minutes=9), nonce="f" * 32)
    for kind, manual in ((CHARGE, False), (CHARGE, True), (CAPTURE, True), (REFUND, False)):
        first = carrier().build(replace(made, request=call(SEND, kind, manual=manual).request))
        again = carrier().build(replace(later, request=call(SEND, kind, manual=manual).request))
        assert (first.path, first.body) == (again.path, again.body)
        assert first.headers["x-correlator"] != again.headers["x-correlator"]


def test_description_is_bounded() -> None:
    """A long text is cut between characters; without a text our number stands on the bill."""
    fields = body_of(carrier().build(call(description="茶" * 100)))
    charging = fields["amountTransaction"]["paymentAmount"]["chargingInformation"]
    assert charging["description"] == "茶" * 42
    fields = body_of(carrier().build(call(description="")))
    charging = fields["amountTransaction"]["paymentAmount"]["chargingInformation"]
    assert charging["description"] == NUMBER
    assert "reason" not in body_of(carrier().build(call(SEND, REFUND, description="")))


def test_only_listed_fields_leave() -> None:
    """Neither pseudonym, address, scene nor other details of the payer leave the gateway."""
    details = {"phone_number": PHONE, "note": "private"}
    sent = carrier().build(call(details=details, payer_pseudonym="pseudonym"))
    for private in (b"private", b"pseudonym", b"192.0.2.1", b"APP", CHARGE_NUMBER.encode()):
        assert private not in sent.body


def test_no_sink_without_a_listener() -> None:
    """Where we cannot be notified, no place is named."""
    fields = body_of(carrier(notify_base_url="", sink_keys=()).build(call()))
    assert set(fields) == {"amountTransaction"}


def test_api_root() -> None:
    """An operator may keep its APIs below a path."""
    sent = carrier(api_root="/camara").build(call(ASK, CHARGE))
    assert sent.path == f"/camara{PAYMENT}"


@pytest.mark.parametrize(
    ("age", "before"),
    [
        (timedelta(seconds=1), timedelta(seconds=5)),
        (timedelta(minutes=2), timedelta(seconds=30)),
        (timedelta(hours=9), timedelta(minutes=10)),
        (-timedelta(minutes=1), timedelta(seconds=5)),
    ],
)
def test_list_of_the_time(age: timedelta, before: timedelta) -> None:
    """In even minutes a lost payment is looked for around its time, the wider the later."""
    made = call(ASK, CHARGE, known=False, create_time=NOW - age, charge_create_time=EPOCH)
    query = parse_qs(urlsplit(carrier().build(made).path).query)
    start, end = NOW - age - before, NOW - age + before + timedelta(minutes=2)
    assert query == {
        "perPage": ["50"],
        "order": ["asc"],
        "paymentCreationDate.gte": [f"{start:%Y-%m-%dT%H:%M:%S}.000Z"],
        "paymentCreationDate.lte": [f"{end:%Y-%m-%dT%H:%M:%S}.000Z"],
    }


def test_own_number_of_refund() -> None:
    """A refund whose number at the channel is known is asked for by it."""
    made = call(ASK, REFUND, channel_number=REFUND_ID)
    assert carrier().build(made).path == f"{REFUNDS}/{REFUND_ID}"


def test_channel_numbers_are_quoted() -> None:
    """What the channel calls its payments can be no step elsewhere in a path."""
    made = call(ASK, CHARGE, charge_channel_number="a/../b?c#d e%")
    assert carrier().build(made).path == f"{PAYMENTS}/a%2F..%2Fb%3Fc%23d%20e%25"


@pytest.mark.parametrize(
    ("action", "kind", "manual"),
    [
        (FENCE, CAPTURE, True),
        (FENCE, REFUND, False),
        (SEND, AttemptKind.PAYOUT, False),
        (SEND, CAPTURE, False),
    ],
)
def test_what_the_channel_has_not(action: Action, kind: AttemptKind, manual: bool) -> None:
    """No capture or refund is closed, nothing is paid out, one step is not captured."""
    with pytest.raises(ValueError, match="this channel"):
        carrier().build(call(action, kind, manual=manual))


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (CAPTURE, {"money": Money("EUR", 1249)}),
        (CAPTURE, {"charge_channel_number": ""}),
        (REFUND, {"charge_channel_number": ""}),
    ],
)
def test_what_cannot_be_done(kind: AttemptKind, changes: dict[str, Any]) -> None:
    """There is no capture of a part, and nothing about a payment without its number."""
    with pytest.raises(ValueError, match="this channel"):
        carrier().build(call(SEND, kind, manual=True, **changes))


def test_a_question_needs_a_number_or_a_time() -> None:
    """A payment of unknown number and time is not looked for in all of history."""
    made = call(ASK, CHARGE, known=False, create_time=EPOCH, charge_create_time=EPOCH)
    with pytest.raises(ValueError, match="time"):
        carrier().build(made)


@pytest.mark.parametrize("phone", ["", "34671999000", "+0671999000", "+3467199900012345", "+34 6"])
def test_phone_number(phone: str) -> None:
    """What is no number of E.164 is refused, and not shown."""
    with pytest.raises(ValueError, match=r"E\.164") as refused:
        carrier().build(call(details={"phone_number": phone}))
    assert not phone or phone not in str(refused.value)


def test_nothing_is_built_without_a_token() -> None:
    """A token that is over is not sent."""
    late = replace(call(), moment=NOW + timedelta(hours=2))
    with pytest.raises(TokenRefused):
        carrier().build(late)


def test_nothing_secret_is_shown() -> None:
    """Neither settings nor account show secret, key or token."""
    account = carrier().account
    for shown in (repr(account), repr(account.settings), repr(account.tokens)):
        assert not any(secret in shown for secret in (SECRET, TOKEN, "an example key"))


@pytest.mark.parametrize(
    "changes",
    [
        {"api_root": "camara"},
        {"api_root": "/camara/"},
        {"token_path": "/token?x=1"},
        {"notify_base_url": "pay.example.com"},
        {"notify_base_url": "https://pay.example.com?x"},
        {"sink_keys": ()},
    ],
)
def test_settings_that_cannot_be_right(changes: dict[str, object]) -> None:
    """What could not work with any call is refused at the start."""
    with pytest.raises(ValueError, match=r"arrier|notifications"):
        carrier(**changes)


def test_defaults_are_the_release() -> None:
    """Without another word the paths are those of r3.2, and the currencies all that there are."""
    capabilities = carrier().capabilities
    assert capabilities.manual_capture
    assert capabilities.fenceable == {CHARGE, CANCEL}
    assert capabilities.expiry_margin is None
    assert "EUR" in capabilities.currencies
    assert CarrierSettings.__dataclass_fields__["api_root"].default == ""
