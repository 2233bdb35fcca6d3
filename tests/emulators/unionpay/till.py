"""The test bench of UnionPay's stand-in: a merchant that signs for itself, and reads what it hears.

Everything here is written from the protocol and with other calls than the stand-in's: signatures
are made and verified by the library's own padding, certificates by its own chain of issuers.
"""

import asyncio
import base64
import hashlib
import itertools
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import aiohttp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from yarl import URL

from gateway.emulators.unionpay import serve_unionpay
from tests.emulators.bench import Received

MER_ID, OTHER_MER_ID = "700000000000001", "700000000000002"
APP, BACK, QUERY, FILE = (
    "/gateway/api/appTransReq.do",
    "/gateway/api/backTransReq.do",
    "/gateway/api/queryTrans.do",
    "/",
)
BEIJING = timezone(timedelta(hours=8))
NOWHERE = "http://127.0.0.1:1/notify"
FORM = "application/x-www-form-urlencoded"
DAY_MS = 86_400_000
PATIENCE_S = 5.0

_serial = itertools.count(1)


def number() -> str:
    """A merchant's number nobody used before, 28 characters."""
    return f"T{next(_serial):07d}{secrets.token_hex(10)}"


def present(**shift: float) -> str:
    """A txnTime."""
    return (datetime.now(BEIJING) + timedelta(**shift)).strftime("%Y%m%d%H%M%S")


def sign_text(fields: Mapping[str, str]) -> str:
    """What is signed."""
    kept = sorted((k, v) for k, v in fields.items() if v and k != "signature")
    return "&".join(f"{k}={v}" for k, v in kept)


def digest_of(fields: Mapping[str, str]) -> bytes:
    """The hexadecimal text that RSA is over."""
    return hashlib.sha256(sign_text(fields).encode()).hexdigest().encode()


def load(path: Path) -> x509.Certificate:
    """A certificate of a file."""
    return x509.load_pem_x509_certificate(path.read_bytes())


@dataclass(frozen=True)
class Merchant:
    """A merchant's own key and certId, as it would load them from its files."""

    mer_id: str
    cert_id: str
    key: rsa.RSAPrivateKey = field(repr=False)

    @classmethod
    def of(cls, keys: Path, mer_id: str = MER_ID, newest: int = -1) -> "Merchant":
        """A key in a stand-in's folder, the newest unless told otherwise."""
        found = (keys / "merchants" / mer_id).glob("*.cert.pem")
        path = sorted(found, key=lambda p: int(p.name.split("-")[0]))[newest]
        pem = Path(str(path).replace(".cert.", ".key.")).read_bytes()
        key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(key, rsa.RSAPrivateKey)
        return cls(mer_id, str(load(path).serial_number), key)

    def sign(self, fields: Mapping[str, str]) -> dict[str, str]:
        """The fields with their signature."""
        raw = self.key.sign(digest_of(fields), padding.PKCS1v15(), hashes.SHA256())
        return {**fields, "signature": base64.b64encode(raw).decode()}


class Network:
    """What a merchant knows of UnionPay: two certificates, and a name."""

    def __init__(self, keys: Path) -> None:
        self._root = load(keys / "authority" / "root.cert.pem")
        self._middle = load(keys / "authority" / "middle.cert.pem")

    def complaint(self, fields: Mapping[str, str]) -> str | None:
        """What is wrong with a message; None when it is UnionPay's."""
        if fields.get("version") != "5.1.0":
            return "version"
        if "signPubKeyCert" not in fields or "signature" not in fields:
            return "unsigned"
        certificate = x509.load_pem_x509_certificate(fields["signPubKeyCert"].encode())
        return self._complaint_about(certificate) or _signature_complaint(certificate, fields)

    def _complaint_about(self, certificate: x509.Certificate) -> str | None:
        try:
            certificate.verify_directly_issued_by(self._middle)
            self._middle.verify_directly_issued_by(self._root)
        except (InvalidSignature, ValueError):
            return "chain"
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if not begin < datetime.now(UTC) < end:
            return "validity"
        [name] = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return None if "中国银联股份有限公司" in str(name.value) else "name"


def _signature_complaint(certificate: x509.Certificate, fields: Mapping[str, str]) -> str | None:
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    raw = base64.b64decode(fields["signature"])
    try:
        key.verify(raw, digest_of(fields), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return "signature"
    return None


@dataclass(frozen=True)
class Reply:
    """What came back, as bytes and as what they mean."""

    status: int
    raw: bytes
    headers: Mapping[str, str]
    complaint: str | None

    @property
    def fields(self) -> dict[str, str]:
        """The fields of an answer."""
        return read_text(self.raw)

    @property
    def code(self) -> str:
        """How the request went."""
        return self.fields["respCode"]

    @property
    def signed(self) -> bool:
        """Whether it is UnionPay's."""
        return self.complaint is None

    @property
    def json(self) -> Any:
        """What a control endpoint says."""
        return json.loads(self.raw)


def read_text(raw: bytes) -> dict[str, str]:
    """The fields of an answer, unencoded; no value holds an ampersand."""
    pairs = [piece.partition("=") for piece in raw.decode().split("&")]
    return {name: value for name, _, value in pairs}


def read_notification(received: Received) -> dict[str, str]:
    """The fields of a notification, a form."""
    assert received.headers["Content-Type"].lower() == f"{FORM};charset=utf-8"
    return dict(parse_qsl(received.raw.decode("ascii"), strict_parsing=True))


class Till:
    """A merchant at a running stand-in, with one connection per request."""

    def __init__(self, url: str, keys: Path, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.keys = keys
        self.merchant = Merchant.of(keys)
        self.network = Network(keys)
        self.stop = asyncio.Event()
        self._session = session

    def as_merchant(self, mer_id: str) -> "Till":
        """The same stand-in for another merchant."""
        other = Till(self.url, self.keys, self._session)
        other.merchant = Merchant.of(self.keys, mer_id)
        return other

    def head(self, txn_type: str, txn_sub_type: str, **fields: str) -> dict[str, str]:
        """The fields of every request, changed as told; a field of "" is left out."""
        plain = {
            "version": "5.1.0",
            "encoding": "UTF-8",
            "signMethod": "01",
            "certId": self.merchant.cert_id,
            "merId": self.merchant.mer_id,
            "accessType": "0",
            "txnType": txn_type,
            "txnSubType": txn_sub_type,
            "txnTime": present(),
        }
        return {k: v for k, v in (plain | fields).items() if v}

    def payment(self, txn_type: str = "01", **fields: str) -> dict[str, str]:
        """A payment of one yuan with a phone."""
        plain = {
            "bizType": "000201",
            "channelType": "08",
            "orderId": number(),
            "txnAmt": "100",
            "currencyCode": "156",
            "backUrl": NOWHERE,
        }
        return self.head(txn_type, "01", **(plain | fields))

    async def ask(self, path: str, fields: Mapping[str, str]) -> Reply:
        """Sign and send."""
        return await self.send(path, urlencode(self.merchant.sign(fields)).encode())

    async def send(self, path: str, raw: bytes, content_type: str = FORM) -> Reply:
        """Send exactly these bytes."""
        return await self.request("POST", path, raw, {"Content-Type": content_type})

    async def request(
        self, method: str, path: str, raw: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send exactly this request."""
        async with self._session.request(
            method, URL(self.url + path, encoded=True), data=raw or None, headers=headers
        ) as reply:
            content = await reply.read()
            is_text = reply.content_type == "text/html" and b"signMethod=01" in content
            complaint = self.network.complaint(read_text(content)) if is_text else "no answer"
            return Reply(reply.status, content, reply.headers.copy(), complaint)

    async def app(self, txn_type: str = "01", **fields: str) -> Reply:
        """Ask for a tn."""
        return await self.ask(APP, self.payment(txn_type, **fields))

    async def back(self, txn_type: str = "01", **fields: str) -> Reply:
        """Pay or authorise with a token."""
        token = {"tokenPayData": "{token=6235240000020837123&trId=62000000}"}
        return await self.ask(BACK, self.payment(txn_type, **(token | fields)))

    async def follow(self, txn_type: str, orig_query_id: str, **fields: str) -> Reply:
        """Complete, void or refund, one yuan."""
        asked = self.payment(txn_type, txnSubType="00", origQryId=orig_query_id, **fields)
        return await self.ask(BACK, asked)

    async def query(self, asked: Mapping[str, str], **fields: str) -> Reply:
        """Ask after what an answer or a request was about."""
        about = {name: asked[name] for name in ("orderId", "txnTime")}
        return await self.ask(
            QUERY, self.head("00", "00", **{"bizType": "000000", **about, **fields})
        )

    async def file(self, day: datetime, **fields: str) -> Reply:
        """Ask for a settlement file."""
        plain = {"bizType": "000000", "settleDate": f"{day:%m%d}", "fileType": "00"}
        return await self.ask(FILE, self.head("76", "01", **(plain | fields)))

    async def settled(self, asked: Mapping[str, str]) -> dict[str, str]:
        """The answer to a query, once it is decided, which banks usually do after 200 ms."""
        await self.advance(milliseconds=200)
        async with asyncio.timeout(PATIENCE_S):
            while (fields := (await self.query(asked)).fields).get("origRespCode") == "05":
                await asyncio.sleep(0.01)
        return fields

    async def paid(self, txn_type: str = "01", **fields: str) -> dict[str, str]:
        """What a query says of an order that a buyer paid with a phone."""
        reply = await self.app(txn_type, **fields)
        assert reply.code == "00", reply.raw
        await self.control("POST", f"/control/orders/{reply.fields['orderId']}/confirm", {})
        return (await self.query(reply.fields)).fields

    async def done(self, txn_type: str, orig_query_id: str, **fields: str) -> dict[str, str]:
        """What a query says of a follow-up that succeeded."""
        reply = await self.follow(txn_type, orig_query_id, **fields)
        assert reply.code == "00", reply.raw
        found = await self.settled(reply.fields)
        assert found["origRespCode"] == "00", found
        return found

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask a control endpoint; what one that must succeed says."""
        reply = await self.try_control(method, path, body)
        assert reply.status == 200, reply.raw
        return reply.json

    async def try_control(self, method: str, path: str, body: Any = None) -> Reply:
        """Ask a control endpoint."""
        return await self.request(method, path, b"" if body is None else json.dumps(body).encode())

    async def rule(self, operation: str = "*", **frame: Any) -> None:
        """Let a rule wait."""
        await self.control("POST", "/control/rules", {"operation": operation, **frame})

    async def fault(self, operation: str, name: str, count: int = 1, **fault: Any) -> None:
        """Let a fault wait."""
        await self.rule(operation, count=count, fault={"name": name, **fault})

    async def play(self, operation: str, count: int = 1, **play: Any) -> None:
        """Let a play wait."""
        await self.rule(operation, count=count, play=play)

    async def advance(self, **span: float) -> None:
        """Let virtual time jump."""
        advance_ms = round(timedelta(**span).total_seconds() * 1000)
        await self.control("POST", "/control/clock", {"advance_ms": advance_ms})

    async def jump_to(self, hour: int, days: int = 1) -> datetime:
        """Let virtual time jump to an hour of a later day, Beijing time; that time."""
        now = datetime.fromisoformat((await self.control("GET", "/control/clock"))["time"])
        day = now.astimezone(BEIJING) + timedelta(days=days)
        target = day.replace(hour=hour, minute=0, second=0, microsecond=0)
        await self.control("POST", "/control/clock", {"time": target.isoformat()})
        return target

    async def faults(self, of: str) -> list[str]:
        """What struck a number, in order."""
        hits = await self.control("GET", f"/control/faults/{of}")
        return [hit["fault"] for hit in hits["faults"]]

    async def summary(self) -> Any:
        """Totals over the book."""
        return await self.control("GET", "/control/summary")

    async def moved(self) -> dict[str, int]:
        """What really moved for this merchant, in fen."""
        kinds = (await self.summary())["moved"][self.merchant.mer_id]
        return {kind: total["amount"] for kind, total in kinds.items()}


@asynccontextmanager
async def calling(url: str, keys: Path) -> AsyncIterator[Till]:
    """A merchant at a running stand-in."""
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        yield Till(url, keys, session)


@asynccontextmanager
async def serving(data_dir: Path) -> AsyncIterator[Till]:
    """A stand-in in this process, on a port of its own, and a merchant at it."""
    stop = asyncio.Event()
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def ready(host: str, port: int, _settings: Mapping[str, str]) -> None:
        started.set_result(f"http://{host}:{port}")

    serve = partial(serve_unionpay, host="127.0.0.1", port=0, ready=ready, stop=stop)
    server = asyncio.ensure_future(serve(data_dir=data_dir, mer_ids=(MER_ID, OTHER_MER_ID)))
    ends: set[asyncio.Future[Any]] = {server, started}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if server.done():
        server.result()
    async with calling(await started, data_dir / "keys") as till:
        till.stop = stop
        yield till
        stop.set()
        await server
