"""The test bench of the v3 style: a merchant that signs for itself, and reads what comes back.

Everything here is written from the protocol and with other calls than the stand-in's: signatures
are made and verified by the library's own padding, sealed resources are opened by AESGCM.
"""

import asyncio
import base64
import itertools
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from yarl import URL

from gateway.emulators.v3style import serve_channel
from gateway.emulators.v3style.names import Names
from tests.emulators.bench import Received

PATIENCE_S = 5.0
DAY_MS = 86_400_000
MCHID, OTHER_MCHID = "1900000109", "1900000110"

_serial = itertools.count(1)


def number() -> str:
    """A merchant's number nobody used before, 28 characters."""
    return f"T{next(_serial):07d}{secrets.token_hex(10)}"


@dataclass(frozen=True)
class Merchant:
    """A merchant's own keys, as it would load them from its files."""

    mchid: str
    appid: str
    serial: str
    key: rsa.RSAPrivateKey = field(repr=False)
    api_v3_key: bytes = field(repr=False)

    @classmethod
    def load(cls, keys: Path, mchid: str = MCHID) -> "Merchant":
        """The newest keys in a stand-in's folder."""
        folder = keys / "merchants" / mchid
        certificates = sorted(folder.glob("*.cert.pem"), key=lambda p: int(p.name.split("-")[0]))
        certificate = x509.load_pem_x509_certificate(certificates[-1].read_bytes())
        pem = Path(str(certificates[-1]).replace(".cert.", ".key.")).read_bytes()
        key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(key, rsa.RSAPrivateKey)
        return cls(
            mchid,
            (folder / "app_id").read_text().strip(),
            f"{certificate.serial_number:040X}",
            key,
            (folder / "api_v3_key").read_bytes(),
        )

    def sign(self, text: bytes) -> str:
        """A signature in base64."""
        return base64.b64encode(self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()

    def authorization(
        self,
        scheme: str,
        method: str,
        target: str,
        body: bytes,
        *,
        timestamp: int | None = None,
        nonce: str | None = None,
        **changes: str,
    ) -> str:
        """The header; `changes` replaces parts after signing."""
        stamp = str(int(time.time()) if timestamp is None else timestamp)
        nonce = nonce or secrets.token_hex(16)
        text = f"{method}\n{target}\n{stamp}\n{nonce}\n".encode() + body + b"\n"
        parts = {
            "mchid": self.mchid,
            "nonce_str": nonce,
            "signature": self.sign(text),
            "timestamp": stamp,
            "serial_no": self.serial,
        }
        return f"{scheme} " + ",".join(f'{k}="{v}"' for k, v in (parts | changes).items())


class Platform:
    """What a merchant knows of the channel's keys: public keys by serial or id, read from files."""

    def __init__(self, keys: Path, header: str) -> None:
        self._folder = keys / "platform"
        self._header = header

    def key(self, serial: str) -> rsa.RSAPublicKey | None:
        """The public key of a serial, or None."""
        for path in self._folder.glob(f"*-{serial}.*"):
            if path.name.endswith(".cert.pem"):
                found = x509.load_pem_x509_certificate(path.read_bytes()).public_key()
            elif path.name.endswith(".pub.pem"):
                found = serialization.load_pem_public_key(path.read_bytes())
            else:
                continue
            assert isinstance(found, rsa.RSAPublicKey)
            return found
        return None

    def verifies(self, headers: Mapping[str, str], body: bytes, *, skew_s: int = 300) -> bool:
        """Whether a message is signed, fresh and unchanged."""
        names = ("Timestamp", "Nonce", "Signature", "Serial")
        values = [headers.get(f"{self._header}-{name}") for name in names]
        stamp, nonce, signature, serial = (value or "" for value in values)
        key = self.key(serial) if all(values) else None
        if key is None or abs(time.time() - int(stamp)) >= skew_s:
            return False
        text = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        try:
            key.verify(base64.b64decode(signature), text, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Reply:
    """What came back, as bytes and as what they mean."""

    status: int
    raw: bytes
    headers: Mapping[str, str]
    signed: bool

    @property
    def body(self) -> Any:
        """The decoded body."""
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        """The code of an error reply."""
        return str(self.body["code"])

    @property
    def number(self) -> int:
        """The number at the end of Request-Id."""
        return int(self.headers["Request-Id"].rpartition("-")[2])


@dataclass(frozen=True)
class Event:
    """A notification, opened."""

    envelope: Any
    told: Any
    verified: bool


class Shop:
    """A merchant at a running stand-in, with one connection per request."""

    def __init__(self, url: str, keys: Path, names: Names, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.keys = keys
        self.names = names
        self.merchant = Merchant.load(keys)
        self.platform = Platform(keys, names.header)
        self.stop = asyncio.Event()
        self.headers: dict[str, str] = {"Accept": "application/json", "User-Agent": "bench/1"}
        self._session = session

    def as_merchant(self, mchid: str) -> "Shop":
        """The same stand-in for another merchant."""
        other = Shop(self.url, self.keys, self.names, self._session)
        other.merchant = Merchant.load(self.keys, mchid)
        return other

    async def ask(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        headers: Mapping[str, str | None] | None = None,
        **signing: Any,
    ) -> Reply:
        """Send one signed request; a header of None is left out."""
        raw = body if isinstance(body, bytes) else b"" if body is None else _encode(body)
        scheme = self.names.scheme
        signed = self.merchant.authorization(scheme, method, target, raw, **signing)
        kind = {"Content-Type": "application/json"} if raw else {}
        found = {**self.headers, **kind, "Authorization": signed, **(headers or {})}
        kept = {name: value for name, value in found.items() if value is not None}
        return await self.send(method, target, raw, kept)

    async def send(self, method: str, target: str, raw: bytes, headers: Mapping[str, str]) -> Reply:
        """Send exactly these headers and bytes."""
        async with self._session.request(
            method,
            URL(self.url + target, encoded=True),
            data=raw or None,
            headers=headers,
            skip_auto_headers=("User-Agent", "Accept", "Content-Type", "Accept-Encoding"),
            allow_redirects=False,
        ) as reply:
            content = await reply.read()
            signed = self.platform.verifies(reply.headers, content)
            return Reply(reply.status, content, reply.headers.copy(), signed)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask a control endpoint; the decoded reply of one that must succeed."""
        reply = await self.try_control(method, path, body)
        assert reply.status == 200, reply.raw
        return reply.body

    async def try_control(self, method: str, path: str, body: Any = None) -> Reply:
        """Ask a control endpoint."""
        return await self.send(method, path, b"" if body is None else _encode(body), {})

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
        """Let virtual time jump by hours, minutes, seconds, days or milliseconds."""
        units = {"days": DAY_MS, "hours": 3_600_000, "minutes": 60_000, "seconds": 1_000, "ms": 1}
        total = sum(units[name] * value for name, value in span.items())
        await self.control("POST", "/control/clock", {"advance_ms": round(total)})

    async def jump_to(self, hour: int, days: int = 1) -> None:
        """Let virtual time jump to an hour of a later day, Beijing time."""
        now = (await self.control("GET", "/control/clock"))["time_ms"]
        midnight = (now + 8 * 3_600_000) // DAY_MS * DAY_MS - 8 * 3_600_000
        target = midnight + days * DAY_MS + hour * 3_600_000
        await self.control("POST", "/control/clock", {"advance_ms": target - now})

    async def faults(self, of: str) -> list[str]:
        """What struck a number, in order."""
        hits = await self.control("GET", f"/control/faults/{of}")
        return [hit["fault"] for hit in hits["faults"]]

    async def summary(self) -> Any:
        """Totals over the book."""
        return await self.control("GET", "/control/summary")

    async def moved(self) -> dict[str, int]:
        """What really moved for this merchant, in fen."""
        kinds = (await self.summary())["moved"][self.merchant.mchid]
        return {kind: total["amount"] for kind, total in kinds.items()}

    def open(self, received: Received) -> Event:
        """Open a notification."""
        verified = self.platform.verifies(received.headers, received.raw)
        envelope = received.body
        resource = envelope["resource"]
        try:
            plain = AESGCM(self.merchant.api_v3_key).decrypt(
                resource["nonce"].encode(),
                base64.b64decode(resource["ciphertext"]),
                resource["associated_data"].encode(),
            )
        except InvalidTag:
            return Event(envelope, None, verified)
        return Event(envelope, json.loads(plain), verified)


def _encode(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


@asynccontextmanager
async def shopping(url: str, keys: Path, names: Names) -> AsyncIterator[Shop]:
    """A merchant at a running stand-in; it never sends a request twice by itself."""
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        session._retry_connection = False  # aiohttp would send a GET again, with its used nonce
        yield Shop(url, keys, names, session)


@asynccontextmanager
async def serving(data_dir: Path, names: Names) -> AsyncIterator[Shop]:
    """A stand-in in this process, on a port of its own, and a merchant at it."""
    stop = asyncio.Event()
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def ready(host: str, port: int, _settings: Mapping[str, str]) -> None:
        started.set_result(f"http://{host}:{port}")

    serve = partial(serve_channel, names, host="127.0.0.1", port=0, ready=ready, stop=stop)
    server = asyncio.create_task(serve(data_dir=data_dir, mchids=(MCHID, OTHER_MCHID)))
    await asyncio.wait({server, started}, return_when=asyncio.FIRST_COMPLETED)
    if server.done():
        server.result()
    async with shopping(await started, data_dir / "keys", names) as shop:
        shop.stop = stop
        yield shop
        stop.set()
        await server
