"""Alipay's side of the protocol, for tests: its keys, its signatures, its answers and forms.

Made by plain calls of `cryptography` from the protocol's words, not by the code under test.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from gateway.channels.alipay.account import AlipaySettings
from gateway.channels.alipay.connector import AlipayConnector
from gateway.channels.alipay.keys import load_alipay_key, load_app_key
from gateway.channels.connector import Action, Call, HttpReply, HttpRequest
from gateway.domain.channel import AttemptKind, ChannelRequest, Outcome
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, Scene

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
BORN = NOW - timedelta(minutes=1)
EXPIRY = NOW + timedelta(minutes=29)
NUMBER = "0000010123456789ABCDEFGHIJKL"
CHARGE_NUMBER = "000001ZYXWVUTSRQPONMLKJIHGFE"
NONCE = "00112233445566778899aabbccddeeff"
APP_ID, SELLER_ID, PAYER_ID = "2021000118600000", "2088102146225135", "2088101117955611"
TRADE_NO, AUTH_NO = "2026030122001455610512345678", "2026030110002001550512345678"
HELD_NUMBER = f"{AUTH_NO} {PAYER_ID}"
AUTH_CODE = "284776024318573982"
WAYS: dict[str, dict[str, str]] = {
    "precreate": {},
    "code": {"auth_code": AUTH_CODE},
    "agreement": {"agreement_no": "20265301000000000001"},
    "auth_code_freeze": {"auth_code": AUTH_CODE},
}


SHARED = {"fresh": "app", "ca": "alipay", "other": "stranger", "new": "stranger", "old": "stranger"}
"""Names that may share a key with one that they never meet, because keys are slow to make."""


def private_key(whose: str) -> rsa.RSAPrivateKey:
    """The key of a name."""
    return _made(SHARED.get(whose, whose))


@cache
def _made(whose: str) -> rsa.RSAPrivateKey:
    del whose
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(whose: str, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    """The private half in PEM."""
    return private_key(whose).private_bytes(Encoding.PEM, form, NoEncryption())


def public_pem(whose: str) -> bytes:
    """The public half in PEM."""
    key = private_key(whose).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def certificate(
    whose: str,
    issuer: str = "",
    *,
    start: datetime = NOW - timedelta(days=1),
    end: datetime = NOW + timedelta(days=30),
    authority: bool = False,
    subject: str = "",
    organization: str = "Test",
) -> x509.Certificate:
    """A certificate of that key, perhaps to another name, by another name's key or by itself."""
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject or whose, organization))
        .issuer_name(_name(issuer or whose))
        .public_key(private_key(whose).public_key())
        .serial_number(int.from_bytes(hashlib.sha256(whose.encode()).digest()[:12]))
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .sign(private_key(issuer or whose), SHA256())
    )


def pem_of(*certificates: x509.Certificate) -> bytes:
    """A file of certificates."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def sn_of(each: x509.Certificate) -> str:
    """The name of a certificate of ours, by the documentation's words."""
    common = each.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    text = f"CN={common!s},O=Test,C=CN{each.serial_number}"
    return hashlib.md5(text.encode()).hexdigest()


def signature(text: bytes, whose: str = "alipay") -> str:
    """Sign as the protocol says."""
    signed = private_key(whose).sign(text, padding.PKCS1v15(), SHA256())
    return base64.b64encode(signed).decode()


def body_of(method: str, node: Mapping[str, Any] | str, whose: str = "alipay", sn: str = "") -> str:
    """A signed answer; the node is written as PHP and Java do, with escaped slashes."""
    text = node if isinstance(node, str) else json.dumps(node, ensure_ascii=False)
    text = text if isinstance(node, str) else text.replace("/", r"\/")
    name = f"{method.replace('.', '_')}_response" if "." in method else method
    named = f',"alipay_cert_sn":"{sn}"' if sn else ""
    return f'{{"{name}":{text}{named},"sign":"{signature(text.encode(), whose)}"}}'


def answer(method: str, node: Mapping[str, Any] | str, **how: str) -> HttpReply:
    """An answer in which everything is right."""
    return HttpReply(200, {}, body_of(method, node, **how).encode())


def done(method: str, **node: Any) -> HttpReply:
    """An answer to a call that was carried out; None takes a field away."""
    said = {"code": "10000", "msg": "Success"} | node
    return answer(method, {name: value for name, value in said.items() if value is not None})


def refused(method: str, sub_code: str, code: str = "40004") -> HttpReply:
    """An answer to a call that failed."""
    told = {"sub_code": sub_code, "sub_msg": "拒绝"} if sub_code else {}
    return answer(method, {"code": code, "msg": "Business Failed"} | told)


def notification(fields: dict[str, str], whose: str = "alipay") -> bytes:
    """A signed notification."""
    said = sorted((name, value) for name, value in fields.items() if value)
    text = "&".join(f"{name}={value}" for name, value in said if name != "sign_type")
    return urlencode(fields | {"sign": signature(text.encode(), whose)}).encode()


@cache
def _keys() -> dict[str, Any]:
    """Both sides' keys in key mode; loaded once, because a private key is checked when it is."""
    return {
        "app_keys": (load_app_key(private_pem("app")),),
        "alipay_keys": (load_alipay_key(public_pem("alipay")),),
    }


def settings(**changes: Any) -> AlipaySettings:
    """Settings in key mode."""
    plain: dict[str, Any] = {
        "app_id": APP_ID,
        "seller_id": SELLER_ID,
        "notify_base_url": "https://pay.example.com/",
    }
    return AlipaySettings(**_keys() | plain | changes)


@cache
def connector() -> AlipayConnector:
    """The connector in key mode."""
    return AlipayConnector(settings())


def call(
    action: Action = Action.SEND,
    kind: AttemptKind = AttemptKind.CHARGE,
    way: str = "precreate",
    **changes: Any,
) -> Call:
    """A call about 12.50 yuan, made a minute ago; those about a charge have another number."""
    held = way == "auth_code_freeze"
    details = {way: WAYS[way]} | changes.pop("options", {})
    plain = ChannelRequest(
        kind=kind,
        number=NUMBER,
        charge_number=NUMBER if kind is AttemptKind.CHARGE else CHARGE_NUMBER,
        money=Money("CNY", 1250),
        capture_mode=CaptureMode.MANUAL if held else CaptureMode.AUTOMATIC,
        scene=Scene.IN_STORE,
        payer_pseudonym="p-1",
        description="茶 tea",
        expire_time=EXPIRY,
        details=details,
        create_time=BORN,
        charge_money=Money("CNY", 2000),
        charge_create_time=BORN,
        client_ip="192.0.2.1",
    )
    return Call(action, replace(plain, **changes), NOW, NONCE)


def parsed(made: Call, reply: HttpReply) -> Outcome:
    """What the connector makes of an answer."""
    return connector().parse(made, reply)


def sent(made: Call, by: AlipayConnector | None = None) -> tuple[dict[str, str], dict[str, Any]]:
    """Build a call's request; give its parameters, without the content, and the content."""
    return read_sent((by or connector()).build(made))


def read_sent(request: HttpRequest) -> tuple[dict[str, str], dict[str, Any]]:
    """Take a request apart."""
    read = parse_qs(request.body.decode(), strict_parsing=True)
    parameters = {name: value for name, (value,) in read.items()}
    return parameters, json.loads(parameters.pop("biz_content"))


def trade(state: str, number: str = NUMBER, **changes: Any) -> dict[str, Any]:
    """A trade as a query shows it."""
    return {
        "trade_no": TRADE_NO,
        "out_trade_no": number,
        "buyer_logon_id": "159****5620",
        "trade_status": state,
        "total_amount": "12.50",
        "send_pay_date": "2026-03-01 12:00:00",
        "fund_bill_list": [{"fund_channel": "ALIPAYACCOUNT", "amount": "12.50"}],
    } | changes


def hold(state: str, number: str = NUMBER, **changes: Any) -> dict[str, Any]:
    """The operation that froze an amount, as a query shows it."""
    return {
        "auth_no": AUTH_NO,
        "out_order_no": number,
        "out_request_no": number,
        "operation_id": "20260301123456789012",
        "operation_type": "FREEZE",
        "amount": "12.50",
        "status": state,
        "rest_amount": "12.50",
        "total_freeze_amount": "12.50",
        "total_pay_amount": "0.00",
        "payer_user_id": PAYER_ID,
        "payer_logon_id": "159****5620",
    } | changes


def _name(common: str, organization: str = "Test") -> x509.Name:
    parts = {
        NameOID.COUNTRY_NAME: "CN",
        NameOID.ORGANIZATION_NAME: organization,
        NameOID.COMMON_NAME: common,
    }
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts.items()])
