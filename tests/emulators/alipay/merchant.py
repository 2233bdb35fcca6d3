"""The test bench of Alipay: a merchant that signs for itself, and reads what comes back.

Everything here is written from the protocol and with other calls than the stand-in's: forms are
made and read by the standard library, signatures by the library's own padding, and the signed part
of an answer is cut out of its raw text by counting braces.
"""

import asyncio
import base64
import itertools
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import aiohttp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from yarl import URL

from gateway.emulators.alipay import serve_alipay
from tests.emulators.bench import Received

PATIENCE_S = 5.0
DAY_MS = 86_400_000
APP_ID, OTHER_APP_ID = "2021000000000001", "2021000000000002"
GATEWAY = "/gateway.do"
BEIJING = timezone(timedelta(hours=8))

_serial = itertools.count(1)


def number() -> str:
    """A merchant's number nobody used before, 28 characters."""
    return f"T{next(_serial):07d}{secrets.token_hex(10)}"


def beijing(moment_s: float) -> str:
    """A time as requests carry it."""
    return datetime.fromtimestamp(moment_s, UTC).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def sign_text(values: Mapping[str, str], *left_out: str) -> bytes:
    """What is signed: everything that is not empty, sorted, joined."""
    kept = sorted((k, v) for k, v in values.items() if v and k not in left_out)
    return "&".join(f"{k}={v}" for k, v in kept).encode()


def verifies(key: rsa.RSAPublicKey, text: bytes, signature: str) -> bool:
    """Whether base64 text is the RSA2 signature of a text."""
    try:
        key.verify(base64.b64decode(signature), text, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


@cache
def private_key(path: Path) -> rsa.RSAPrivateKey:
    """The private key in a file."""
    key = serialization.load_pem_private_key(
        path.read_bytes(), None, unsafe_skip_rsa_key_validation=True
    )
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@cache
def public_key(path: Path) -> rsa.RSAPublicKey:
    """The public key in a file, bare or in a certificate."""
    pem = path.read_bytes()
    found: object
    if b"CERTIFICATE" in pem:
        found = x509.load_pem_x509_certificate(pem).public_key()
    else:
        found = serialization.load_pem_public_key(pem)
    assert isinstance(found, rsa.RSAPublicKey)
    return found


def cut_content(raw: str, node: str) -> str:
    """The text of the content of an answer: from its brace to the one that closes it."""
    head = f'{{"{node}":'
    assert raw.startswith(head), raw[:200]
    depth, quoted, escaped = 0, False, False
    for place, letter in enumerate(raw[len(head) :], start=len(head)):
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = letter == "\\", letter != '"'
        elif letter == '"':
            quoted = True
        elif letter in "{}":
            depth += 1 if letter == "{" else -1
            if depth == 0:
                return raw[len(head) : place + 1]
    raise AssertionError(raw)


@dataclass(frozen=True)
class Reply:
    """What came back, as bytes and as what they mean."""

    status: int
    raw: bytes
    headers: Mapping[str, str]
    node: str = ""
    signed: bool = False

    @property
    def body(self) -> Any:
        """The decoded whole."""
        return json.loads(self.raw)

    @property
    def content(self) -> Any:
        """The decoded content."""
        return self.body[self.node]

    @property
    def code(self) -> str:
        """The code of the gateway."""
        return str(self.content["code"])

    @property
    def sub_code(self) -> str | None:
        """The code of the product."""
        found: str | None = self.content.get("sub_code")
        return found


@dataclass(frozen=True)
class Told:
    """A notification, read."""

    fields: Mapping[str, str]
    verified: bool


class Shop:
    """A merchant at a running stand-in, with one connection per request."""

    def __init__(
        self, url: str, settings: Mapping[str, str], session: aiohttp.ClientSession
    ) -> None:
        self.url = url
        self.settings = dict(settings)
        self.stop = asyncio.Event()
        self.certified = False
        self.data_dir = Path()
        self._session = session

    @property
    def app_id(self) -> str:
        """Whose requests these are."""
        return self.settings["app_id"]

    async def as_app(self, app_id: str) -> "Shop":
        """The same stand-in for another app."""
        keys = await self.control("GET", f"/control/keys?app_id={app_id}")
        return Shop(self.url, keys["settings"], self._session)

    def sign(self, text: bytes) -> str:
        """A signature with the app's key."""
        key = private_key(Path(self.settings["app_key_file"]))
        return base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()

    def parameters(self, method: str, biz: Any, /, **changes: str | None) -> dict[str, str]:
        """The signed parameters of a request; a change of None is left out, before signing."""
        text = biz if isinstance(biz, str) else json.dumps(biz, ensure_ascii=False)
        plain: dict[str, str | None] = {
            "app_id": self.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": beijing(time.time()),
            "version": "1.0",
            "biz_content": text,
        }
        if self.certified:
            plain["app_cert_sn"] = self.settings["app_cert_sn"]
            plain["alipay_root_cert_sn"] = self.settings["root_cert_sn"]
        kept = {name: value for name, value in (plain | changes).items() if value is not None}
        return {**kept, "sign": self.sign(sign_text(kept, "sign"))}

    async def ask(self, method: str, biz: Any, /, **changes: str | None) -> Reply:
        """Send one signed request, as the official libraries do: common parameters in the query."""
        parameters = self.parameters(method, biz, **changes)
        body = urlencode({"biz_content": parameters.pop("biz_content")})
        return await self.post(urlencode(parameters), body, node_of(method))

    async def post(self, query: str, body: str | bytes, node: str = "error_response") -> Reply:
        """POST exactly this query and body; `node` is the content that is hoped for."""
        raw = body if isinstance(body, bytes) else body.encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if raw else {}
        reply = await self.send("POST", f"{GATEWAY}?{query}" if query else GATEWAY, raw, kind)
        return self._read(reply, node)

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
            return Reply(reply.status, await reply.read(), reply.headers.copy())

    def _read(self, reply: Reply, node: str) -> Reply:
        """The reply, with whether its content is signed by the key that it should be."""
        text = reply.raw.decode()
        if text.startswith('{"error_response"'):
            node = "error_response"
        try:
            body = json.loads(text)
            content = cut_content(text, node)
        except (ValueError, AssertionError):
            return reply
        file = self.settings["certificate_file" if self.certified else "public_key_file"]
        sn_fits = body.get("alipay_cert_sn") == (
            self.settings["cert_sn"] if self.certified else None
        )
        signed = sn_fits and verifies(
            public_key(Path(file)), content.encode(), body.get("sign", "")
        )
        return Reply(reply.status, reply.raw, reply.headers, node, signed)

    def read(self, received: Received) -> Told:
        """Read a notification."""
        fields = dict(parse_qsl(received.raw.decode(), keep_blank_values=True, strict_parsing=True))
        text = sign_text(fields, "sign", "sign_type")
        file = self.settings["certificate_file" if self.certified else "public_key_file"]
        return Told(fields, verifies(public_key(Path(file)), text, fields.get("sign", "")))

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask a control endpoint; the decoded reply of one that must succeed."""
        reply = await self.try_control(method, path, body)
        assert reply.status == 200, reply.raw
        return reply.body

    async def try_control(self, method: str, path: str, body: Any = None) -> Reply:
        """Ask a control endpoint."""
        raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        return await self.send(method, path, raw, {})

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

    async def virtual(self, **span: float) -> str:
        """Virtual time, and a span more, as requests carry it."""
        now = (await self.control("GET", "/control/clock"))["time_ms"] / 1000
        return beijing(now + timedelta(**span).total_seconds())

    async def faults(self, of: str) -> list[str]:
        """What struck a number, in order."""
        hits = await self.control("GET", f"/control/faults/{of}")
        return [hit["fault"] for hit in hits["faults"]]

    async def summary(self) -> Any:
        """Totals over the book."""
        return await self.control("GET", "/control/summary")

    async def moved(self) -> dict[str, int]:
        """What really moved for this app, in fen, where anything did."""
        kinds = (await self.summary())["moved"][self.app_id]
        return {kind: total["amount"] for kind, total in kinds.items() if total["count"]}


def node_of(method: str) -> str:
    """The name of the content of a method's answer."""
    return method.replace(".", "_") + "_response"


@asynccontextmanager
async def shopping(url: str, settings: Mapping[str, str]) -> AsyncIterator[Shop]:
    """A merchant at a running stand-in; it never sends a request twice by itself."""
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        session._retry_connection = False
        yield Shop(url, settings, session)


@asynccontextmanager
async def serving(data_dir: Path, **options: Any) -> AsyncIterator[Shop]:
    """A stand-in in this process, on a port of its own, and a merchant at it."""
    stop = asyncio.Event()
    started: asyncio.Future[tuple[str, Mapping[str, str]]]
    started = asyncio.get_running_loop().create_future()

    def ready(host: str, port: int, settings: Mapping[str, str]) -> None:
        started.set_result((f"http://{host}:{port}", settings))

    options = {"app_ids": (APP_ID, OTHER_APP_ID), **options}
    server = asyncio.create_task(
        serve_alipay(host="127.0.0.1", port=0, data_dir=data_dir, ready=ready, stop=stop, **options)
    )
    both: set[asyncio.Future[Any]] = {server, started}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if server.done():
        server.result()
    url, settings = await started
    async with shopping(url, settings) as shop:
        shop.stop, shop.data_dir = stop, data_dir
        yield shop
        stop.set()
        await server
