"""The channel's side of the v3 style, for tests: its keys, its signatures, its sealed envelopes.

Made by plain calls of `cryptography` from the protocol's words, not by the code under test. Every
test that takes `side` runs for WeChat Pay and for Douyin Pay.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from gateway.channels.connector import Action, Call, HttpReply, HttpRequest
from gateway.channels.douyin.connector import DouyinConnector, DouyinSettings
from gateway.channels.keys import MerchantKey, PlatformKey, PlatformKeys
from gateway.channels.v3style.connector import V3Connector
from gateway.channels.v3style.names import Names
from gateway.channels.v3style.sealing import SealKey
from gateway.channels.wechat.connector import WechatConnector, WechatSettings
from gateway.domain.channel import AttemptKind, ChannelRequest
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, Scene

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
EXPIRY = NOW + timedelta(minutes=30)
NUMBER = "0000010123456789ABCDEFGHIJKL"
CHARGE_NUMBER = "000001ZYXWVUTSRQPONMLKJIHGFE"
NONCE = "00112233445566778899aabbccddeeff"
MCHID, APPID = "1900000109", "wxd678efh567hg6787"
SEAL_KEY = "an example key of 32 bytes......"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000001092026030100000001"
CERTIFICATE_ID = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
METHODS: dict[str, dict[str, str]] = {
    "native": {},
    "jsapi": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
    "code": {"auth_code": "130061098828009406"},
    "papay": {"contract_id": "123124412412423431"},
    "deduct": {"contract_id": "DY-1"},
}


@cache
def private_key(whose: str) -> rsa.RSAPrivateKey:
    """A key for each name, made once."""
    del whose
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(whose: str) -> bytes:
    """The public half in PEM."""
    key = private_key(whose).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def private_pem(whose: str) -> bytes:
    """The private half in PEM."""
    return private_key(whose).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate_pem(
    whose: str,
    start: datetime = NOW - timedelta(days=1),
    end: datetime = NOW + timedelta(days=30),
    serial: str = CERTIFICATE_ID,
) -> bytes:
    """A certificate of that key, signed by itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, whose)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key(whose).public_key())
        .serial_number(int(serial, 16))
        .not_valid_before(start)
        .not_valid_after(end)
        .sign(private_key(whose), SHA256())
    )
    return certificate.public_bytes(Encoding.PEM)


def signature(whose: str, text: bytes) -> str:
    """Sign as the protocol says."""
    signed = private_key(whose).sign(text, padding.PKCS1v15(), SHA256())
    return base64.b64encode(signed).decode()


def sealed(plain: bytes, associated_data: str = "transaction") -> tuple[str, str]:
    """Nonce and ciphertext."""
    nonce = "0123456789ab"
    made = AESGCM(SEAL_KEY.encode()).encrypt(nonce.encode(), plain, associated_data.encode())
    return nonce, base64.b64encode(made).decode()


@dataclass(frozen=True)
class Side:
    """One channel as tests see it: our connector, and the key by which the channel is known."""

    connector: V3Connector
    key_id: str
    whose: str = "platform"

    @property
    def names(self) -> Names:
        return self.connector.account.names

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(self.connector._methods)

    def signed(
        self, body: bytes, moment: datetime = NOW, *, key_id: str = "", whose: str = ""
    ) -> dict[str, str]:
        """Headers of a message that the channel signed; names in lower case, as they reach us."""
        timestamp = str(int(moment.timestamp()))
        nonce = "d824f2e086d3c1df967785d13fcd22ef"
        text = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        prefix = self.names.header.lower()
        return {
            f"{prefix}-timestamp": timestamp,
            f"{prefix}-nonce": nonce,
            f"{prefix}-serial": key_id or self.key_id,
            f"{prefix}-signature": signature(whose or self.whose, text),
            f"{prefix}-signature-type": self.names.scheme,
            "request-id": "08F78BB5AF0610D302-268578704",
        }

    def reply(self, status: int, fields: Mapping[str, Any] | bytes) -> HttpReply:
        """A signed answer."""
        body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
        return HttpReply(status, self.signed(body), body)

    def error(self, status: int, code: str) -> HttpReply:
        """A signed error."""
        return self.reply(status, {"code": code, "message": "The channel says no."})

    def notification(self, event: str, resource: Mapping[str, Any]) -> bytes:
        """Body of a notification about a resource."""
        nonce, ciphertext = sealed(json.dumps(resource).encode())
        envelope = {
            "algorithm": self.names.seal,
            "original_type": "transaction",
            "associated_data": "transaction",
            "nonce": nonce,
            "ciphertext": ciphertext,
        }
        return json.dumps(
            {
                "id": "EV-2018022511223320873",
                "create_time": "2026-03-01T12:00:00+08:00",
                "event_type": event,
                "resource_type": "encrypt-resource",
                "summary": "支付成功",
                "resource": envelope,
            },
            ensure_ascii=False,
        ).encode()


def _settings(platform_keys: PlatformKeys) -> dict[str, Any]:
    return {
        "mchid": MCHID,
        "appid": APPID,
        "merchant_keys": (MerchantKey("AB12", private_key("merchant")),),
        "platform_keys": platform_keys,
        "seal_keys": (SealKey(SEAL_KEY),),
        "notify_base_url": "https://pay.example.com",
    }


@cache
def wechat() -> Side:
    """WeChat Pay in public-key mode."""
    keys = PlatformKeys([PlatformKey(PUBLIC_KEY_ID, private_key("platform").public_key())])
    settings = WechatSettings(**_settings(keys), store_id="S-1")
    return Side(WechatConnector(settings), PUBLIC_KEY_ID)


@cache
def douyin() -> Side:
    """Douyin Pay, which has certificates only."""
    keys = PlatformKeys([PlatformKey(CERTIFICATE_ID, private_key("platform").public_key())])
    return Side(DouyinConnector(DouyinSettings(**_settings(keys))), CERTIFICATE_ID)


def request(
    kind: AttemptKind = AttemptKind.CHARGE, method: str = "native", **changes: Any
) -> ChannelRequest:
    """A request of 12.50 yuan, made a minute ago; those about a charge have another number."""
    plain = ChannelRequest(
        kind=kind,
        number=NUMBER,
        charge_number=NUMBER if kind is AttemptKind.CHARGE else CHARGE_NUMBER,
        money=Money("CNY", 1250),
        capture_mode=CaptureMode.AUTOMATIC,
        scene=Scene.MINI_PROGRAM,
        payer_pseudonym="p-1",
        description="茶 tea",
        expire_time=EXPIRY,
        details={method: METHODS[method]},
        create_time=NOW - timedelta(minutes=1),
        charge_money=Money("CNY", 2000),
        charge_create_time=NOW - timedelta(minutes=1),
        client_ip="192.0.2.1",
    )
    return replace(plain, **changes)


def call(
    action: Action = Action.SEND,
    kind: AttemptKind = AttemptKind.CHARGE,
    method: str = "native",
    **changes: Any,
) -> Call:
    """A call about such a request."""
    return Call(action, request(kind, method, **changes), NOW, NONCE)


def transaction(state: str, number: str = NUMBER, **changes: Any) -> dict[str, Any]:
    """A transaction as the channel shows it; None takes a field away."""
    shown = {
        "appid": APPID,
        "mchid": MCHID,
        "out_trade_no": number,
        "transaction_id": "4200001234202603011234567890",
        "trade_type": "NATIVE",
        "trade_state": state,
        "trade_state_desc": "说明",
        "bank_type": "OTHERS",
        "success_time": "2026-03-01T12:00:00+08:00",
        "attach": "",
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "amount": {
            "total": 1250,
            "payer_total": 1200,
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    } | changes
    return {name: value for name, value in shown.items() if value is not None}


def refund(state: str, **changes: Any) -> dict[str, Any]:
    """A refund as the channel shows it in an answer; None takes a field away."""
    shown = {
        "refund_id": "50000000382019052709732678859",
        "out_refund_no": NUMBER,
        "out_trade_no": CHARGE_NUMBER,
        "transaction_id": "4200001234202603011234567890",
        "channel": "ORIGINAL",
        "user_received_account": "招商银行信用卡0403",
        "create_time": "2026-03-01T12:00:00+08:00",
        "status": state,
        "amount": {"total": 2000, "refund": 1250, "payer_refund": 1250, "currency": "CNY"},
    } | changes
    return {name: value for name, value in shown.items() if value is not None}


def body_of(sent: HttpRequest) -> dict[str, Any]:
    """The JSON that was sent."""
    fields: dict[str, Any] = json.loads(sent.body)
    return fields


def flipped(data: bytes) -> list[bytes]:
    """Every message that differs from this one in one bit of one byte, for two bits of each."""
    return [
        data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]
        for place in range(len(data))
        for bit in (0x01, 0x20)
    ]
