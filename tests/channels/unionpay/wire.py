"""The channel's side of ACP, for tests: its certificates, its signatures, its settlement files.

Made by plain calls of `cryptography` from the protocol's words, not by the code under test.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.channels.connector import Action, Call, HttpReply, HttpRequest
from gateway.channels.keys import MerchantKey
from gateway.channels.unionpay.account import UnionPaySettings
from gateway.channels.unionpay.certificates import Trust
from gateway.channels.unionpay.connector import UnionPayConnector
from gateway.domain.channel import AttemptKind, ChannelRequest
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, Scene

NOW = datetime(2026, 3, 1, 4, 0, 1, tzinfo=UTC)
MADE = NOW - timedelta(seconds=1)
MADE_THERE = "20260301120000"
EXPIRY = NOW + timedelta(minutes=30)
EXPIRY_THERE = "20260301123001"
NUMBER = "0000010123456789ABCDEFGHIJKL"
CHARGE_NUMBER = "000001ZYXWVUTSRQPONMLKJIHGFE"
CHARGE_MADE = NOW - timedelta(minutes=10)
CHARGE_MADE_THERE = "20260301115001"
NONCE = "00112233445566778899aabbccddeeff"
MERCHANT = "777290058167151"
CERT_ID = 69_903_319_369
QUERY_ID, CAPTURE_ID = "512603011200001234568", "512603011210001234568"
TN = "612345678901234567890"
TOKEN, REQUESTER = "6235240000020757577", "62000000001"
NAME = "中国银联股份有限公司"
COMMON_NAME = f"041@8310000000083040@{NAME}@00016495"
DETAILS: dict[str, dict[str, dict[str, str]]] = {
    "app": {"app": {}},
    "back": {"back": {"account_token": TOKEN}},
}


@cache
def private_key(whose: str) -> rsa.RSAPrivateKey:
    """A key for each name, made once."""
    del whose
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def elliptic_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(
    whose: str,
    issuer: str,
    *,
    common_name: str = "",
    authority: bool = True,
    usage: str = "",
    start: datetime = NOW - timedelta(days=30),
    end: datetime = NOW + timedelta(days=30),
    key: Any = None,
    serial: int = CERT_ID,
) -> x509.Certificate:
    """A certificate of that key by that issuer; `usage` names what it may be used for."""
    usages = {"digital_signature", "key_cert_sign"}
    plain = dict.fromkeys(
        (
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(common_name or whose))
        .issuer_name(_named(issuer))
        .public_key((key or private_key(whose)).public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
    )
    if usage:
        granted = {name: name == usage for name in usages}
        builder = builder.add_extension(x509.KeyUsage(**granted, **plain), critical=True)
    return builder.sign(private_key(issuer), SHA256())


def weakened(shown: x509.Certificate, issuer: str) -> x509.Certificate:
    """The same certificate signed over a SHA-1 hash, as the libraries of today refuse to make."""
    sha256_with_rsa, sha1_with_rsa = (
        bytes.fromhex("06092a864886f70d0101") + bytes([last]) for last in (0x0B, 0x05)
    )
    body = shown.public_bytes(Encoding.DER).replace(sha256_with_rsa, sha1_with_rsa)
    signed_part = x509.load_der_x509_certificate(body).tbs_certificate_bytes
    made = private_key(issuer).sign(signed_part, padding.PKCS1v15(), SHA1())
    return x509.load_der_x509_certificate(body[: -len(made)] + made)


def pem(shown: x509.Certificate) -> str:
    """As it stands in a message: lines end as on another system."""
    return shown.public_bytes(Encoding.PEM).decode().strip().replace("\n", "\r\n")


@cache
def root() -> x509.Certificate:
    return certificate("root", "root")


@cache
def intermediate() -> x509.Certificate:
    return certificate("intermediate", "root", usage="key_cert_sign")


@cache
def leaf() -> x509.Certificate:
    usage = "digital_signature"
    issuer = "intermediate"
    return certificate("leaf", issuer, common_name=COMMON_NAME, authority=False, usage=usage)


def trust(**changes: Any) -> Trust:
    return replace(Trust((root(),), (intermediate(),)), **changes)


def settings(**changes: Any) -> UnionPaySettings:
    plain = UnionPaySettings(
        merchant_id=MERCHANT,
        merchant_keys=(MerchantKey(f"{CERT_ID:X}", private_key("merchant")),),
        trust=trust(),
        notify_base_url="https://pay.example.com/",
        token_requester_id=REQUESTER,
    )
    return replace(plain, **changes)


def connector(**changes: Any) -> UnionPayConnector:
    return UnionPayConnector(settings(**changes))


VOIDS = {"void_until": time(22, 30)}


def digest(fields: Mapping[str, str]) -> bytes:
    """What is signed: sorted, joined, hashed, written in hexadecimal."""
    names = sorted(name for name in fields if name != "signature" and fields[name] != "")
    text = "&".join(name + "=" + fields[name] for name in names)
    return hashlib.sha256(text.encode("utf-8")).hexdigest().encode("ascii")


def signed(
    fields: Mapping[str, str], whose: str = "leaf", shown: x509.Certificate | None = None
) -> dict[str, str]:
    """Sign as the channel does."""
    whole = {"version": "5.1.0", "signMethod": "01"} | dict(fields)
    whole["signPubKeyCert"] = pem(shown or leaf())
    made = private_key(whose).sign(digest(whole), padding.PKCS1v15(), SHA256())
    return whole | {"signature": base64.b64encode(made).decode()}


def written(fields: Mapping[str, str]) -> bytes:
    """An answer's bytes."""
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


def reply(fields: Mapping[str, str]) -> HttpReply:
    """A signed answer."""
    return HttpReply(200, {}, written(signed(fields)))


def form(fields: Mapping[str, str]) -> bytes:
    """A signed notification."""
    return urlencode(signed(fields)).encode()


def sent(request: HttpRequest) -> dict[str, str]:
    """The fields of a request."""
    pairs = parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True)
    fields = dict(pairs)
    assert len(fields) == len(pairs)
    return fields


def request(
    kind: AttemptKind = AttemptKind.CHARGE,
    method: str = "app",
    mode: CaptureMode = CaptureMode.AUTOMATIC,
    **changes: Any,
) -> ChannelRequest:
    """A request of 12.50 yuan; those about a charge have another number, and its numbers there."""
    later = kind is not AttemptKind.CHARGE
    plain = ChannelRequest(
        kind=kind,
        number=NUMBER,
        charge_number=CHARGE_NUMBER if later else NUMBER,
        money=Money("CNY", 1250),
        capture_mode=mode,
        scene=Scene.APP,
        payer_pseudonym="payer-1",
        description="茶 tea",
        expire_time=EXPIRY,
        details=DETAILS[method],
        create_time=MADE,
        charge_money=Money("CNY", 2000),
        charge_create_time=CHARGE_MADE,
        charge_channel_number=QUERY_ID if later else "",
        capture_channel_number=CAPTURE_ID if later else "",
        client_ip="192.0.2.1",
    )
    return replace(plain, **changes)


def call(
    action: Action = Action.SEND,
    kind: AttemptKind = AttemptKind.CHARGE,
    method: str = "app",
    mode: CaptureMode = CaptureMode.AUTOMATIC,
    *,
    moment: datetime = NOW,
    **changes: Any,
) -> Call:
    """A call about such a request."""
    return Call(action, request(kind, method, mode, **changes), moment, NONCE)


def answered(code: str, **changes: str) -> dict[str, str]:
    """An answer about the consumption of `request()`; an empty text takes a field away."""
    plain = {
        "accessType": "0",
        "bizType": "000201",
        "encoding": "utf-8",
        "merId": MERCHANT,
        "orderId": NUMBER,
        "respCode": code,
        "respMsg": f"说明[{code}00000]",
        "txnAmt": "1250",
        "txnSubType": "01",
        "txnTime": MADE_THERE,
        "txnType": "01",
    }
    return {name: value for name, value in (plain | changes).items() if value}


def found(code: str, **changes: str) -> dict[str, str]:
    """The answer to a question about it."""
    original = {
        "bizType": "000000",
        "currencyCode": "156",
        "origRespCode": code,
        "origRespMsg": f"原交易[{code}00000]",
        "queryId": QUERY_ID,
    }
    return answered("00", **(original | changes))


def notified(code: str = "00", **changes: str) -> dict[str, str]:
    """A notification about it."""
    plain = {
        "accNo": "621626***0018",
        "currencyCode": "156",
        "queryId": QUERY_ID,
        "settleAmt": "1250",
        "settleCurrencyCode": "156",
        "settleDate": "0301",
        "traceNo": "123456",
        "traceTime": "0301120000",
    }
    return answered(code, **(plain | changes))


def private_pem(whose: str) -> bytes:
    return private_key(whose).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
