"""The operator's side of CAMARA, for tests: what it shows, what it refuses, how it notifies.

Written from the API's definition, not with the code under test.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from gateway.channels.carrier.client_auth import ClientSecret
from gateway.channels.carrier.connector import CarrierConnector
from gateway.channels.carrier.settings import CarrierSettings
from gateway.channels.carrier.sink import SinkKey
from gateway.channels.connector import Action, Call, HttpReply, HttpRequest
from gateway.domain.channel import AttemptKind, ChannelRequest, Outcome
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, Scene

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
EXPIRY = NOW + timedelta(minutes=30)
NUMBER = "0000010123456789ABCDEFGHIJKL"
CHARGE_NUMBER = "000001ZYXWVUTSRQPONMLKJIHGFE"
NONCE = "00112233445566778899aabbccddeeff"
PHONE = "+34671999000"
PAYMENT_ID = "AK234rfweSBuWGFUEWFGWEVWRV"
REFUND_ID = "RF834tfr2rA3v8r8vr3rv"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl"
SECRET = "s3cr3t of the client"
SINK_KEY = b"an example key of 32 bytes......"
OLD_SINK_KEY = b"the key that was used until then"

CHARGE, CAPTURE = AttemptKind.CHARGE, AttemptKind.CAPTURE
CANCEL, REFUND = AttemptKind.CANCEL, AttemptKind.REFUND
SEND, ASK, FENCE = Action.SEND, Action.ASK, Action.FENCE


def carrier(**changes: Any) -> CarrierConnector:
    """A connector with a token that is good for an hour."""
    settings: dict[str, Any] = {
        "client": ClientSecret("gateway", SECRET),
        "sink_keys": (SinkKey(SINK_KEY), SinkKey(OLD_SINK_KEY)),
        "notify_base_url": "https://pay.example.com/",
    } | changes
    connector = CarrierConnector(CarrierSettings(**settings))
    connector.accept_token(token_reply(), NOW - timedelta(minutes=1))
    return connector


def token_reply(status: int = 200, **changes: Any) -> HttpReply:
    """An answer of the token server; None takes a field away."""
    fields = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600} | changes
    told = {name: value for name, value in fields.items() if value is not None}
    return HttpReply(status, {}, json.dumps(told).encode())


def call(
    action: Action = SEND,
    kind: AttemptKind = CHARGE,
    *,
    manual: bool = False,
    known: bool = True,
    **changes: Any,
) -> Call:
    """A call about 12.50 EUR, made a minute ago; `known`: the channel told its number."""
    number = NUMBER if kind is CHARGE else CHARGE_NUMBER
    request = ChannelRequest(
        kind=kind,
        number=NUMBER,
        charge_number=number,
        money=Money("EUR", 1250),
        capture_mode=CaptureMode.MANUAL if manual else CaptureMode.AUTOMATIC,
        scene=Scene.APP,
        payer_pseudonym="p-1",
        description="FIFA 茶",
        expire_time=EXPIRY,
        details={"phone_number": PHONE},
        create_time=NOW - timedelta(minutes=1),
        charge_money=Money("EUR", 1250),
        charge_create_time=NOW - timedelta(minutes=1),
        charge_channel_number=PAYMENT_ID if known else "",
        client_ip="192.0.2.1",
    )
    return Call(action, replace(request, **changes), NOW, NONCE)


def reply(status: int, body: Any = b"", **headers: str) -> HttpReply:
    """An answer to the request with NONCE; names of headers with _ for -."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpReply(status, {"x-correlator": NONCE} | named, data)


def error(status: int, code: str, message: str = "The operator says no.") -> HttpReply:
    """An error as the definition has it."""
    return reply(status, {"status": status, "code": code, "message": message})


def payment(status: str, number: str = NUMBER, **changes: Any) -> dict[str, Any]:
    """A payment as the operator shows it; None takes a field away."""
    shown = {
        "paymentId": PAYMENT_ID,
        "paymentStatus": status,
        "paymentCreationDate": "2026-03-01T03:59:30.120Z",
        "amountTransaction": transaction(number),
        "sink": "https://pay.example.com/notify/carrier",
    } | changes
    return {name: value for name, value in shown.items() if value is not None}


def transaction(number: str = NUMBER, **changes: Any) -> dict[str, Any]:
    """What a payment is about; `amount` and `currency` may be changed, and any field beside."""
    charging = {
        "amount": changes.pop("amount", 12.5),
        "currency": changes.pop("currency", "EUR"),
        "description": "FIFA 茶",
        "isTaxIncluded": True,
    }
    shown = {
        "phoneNumber": PHONE,
        "clientCorrelator": number,
        "referenceCode": number,
        "paymentAmount": {"chargingInformation": charging},
        "serverReferenceCode": "srv-1",
    } | changes
    return {name: value for name, value in shown.items() if value is not None}


def refund(status: str, number: str = NUMBER, **changes: Any) -> dict[str, Any]:
    """A refund as the operator shows it; None takes a field away."""
    charging = {"amount": 12.5, "currency": "EUR", "description": "FIFA", "isTaxIncluded": True}
    shown = {
        "refundId": REFUND_ID,
        "refundStatus": status,
        "type": "partial",
        "refundCreationDate": "2026-03-01T03:59:40Z",
        "amountTransaction": {
            "clientCorrelator": number,
            "referenceCode": number,
            "refundAmount": {"chargingInformation": charging},
        },
    } | changes
    return {name: value for name, value in shown.items() if value is not None}


def sink_token(
    number: str = NUMBER,
    expire_time: datetime = NOW + timedelta(days=1),
    key: bytes = SINK_KEY,
) -> str:
    """A token for notifications, made by plain calls of `hmac`."""
    expiry = int(expire_time.timestamp())
    text = f"carrier notification\n{number}\n{expiry}\n"
    return f"{number}.{expiry}.{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}"


def event(kind: str = "carrier-billing.v0.payment-completed", **changes: Any) -> bytes:
    """A CloudEvent; None takes a field away."""
    data = {"paymentId": PAYMENT_ID, "status": "succeeded", "description": "Payment Notification"}
    if "refund" in kind:
        data |= {"refundId": REFUND_ID}
    shown = {
        "id": "sd5e-uy52-88t4-za66",
        "source": "https://notificationSendServer12.supertelco.com",
        "specversion": "1.0",
        "type": f"org.camaraproject.{kind}",
        "datacontenttype": "application/json",
        "time": "2026-03-01T03:59:59Z",
        "data": data,
    } | changes
    told = {name: value for name, value in shown.items() if value is not None}
    return json.dumps(told).encode()


def body_of(sent: HttpRequest) -> dict[str, Any]:
    """The JSON that was sent, with its numbers as they were written."""
    fields: dict[str, Any] = json.loads(sent.body, parse_float=Decimal)
    return fields


def parsed(made: Call, answer: HttpReply, connector: CarrierConnector | None = None) -> Outcome:
    """What an answer proves."""
    return (connector or carrier()).parse(made, answer)


def without(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The same without a field."""
    return {key: value for key, value in fields.items() if key != name}
