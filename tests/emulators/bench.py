"""The test bench of the sandbox: a caller, and a receiver of notifications, both over real HTTP.

The signatures are made and checked here by code of its own, written from the protocol and not from
the emulator, so that a mistake in one does not hide in the other.
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from gateway.emulators.sandbox import serve_sandbox

KEY = b"the key of the bench, 32 bytes.."
OTHER_KEY = b"the key that comes with rotation"
PATIENCE_S = 5.0
ACKNOWLEDGED = b'{"acknowledged":true}'

_serial = itertools.count(1)


def number() -> str:
    """A number nobody used before, 28 characters."""
    return f"N{next(_serial):07d}{secrets.token_hex(10)}"


def mac(key: bytes, text: str, body: bytes) -> str:
    """HMAC-SHA256 in hex, as the protocol says."""
    return hmac.new(key, text.encode() + body, hashlib.sha256).hexdigest()


def request_headers(
    method: str,
    target: str,
    body: bytes,
    *,
    key: bytes = KEY,
    account: str = "gateway",
    timestamp: int | None = None,
    nonce: str | None = None,
) -> dict[str, str]:
    """The four headers of a signed request."""
    stamp = str(int(time.time()) if timestamp is None else timestamp)
    nonce = nonce or secrets.token_hex(16)
    return {
        "Sandbox-Account": account,
        "Sandbox-Timestamp": stamp,
        "Sandbox-Nonce": nonce,
        "Sandbox-Signature": mac(key, f"REQUEST\n{method}\n{target}\n{stamp}\n{nonce}\n", body),
    }


@dataclass(frozen=True)
class Reply:
    """What came back, as bytes and as what they mean."""

    status: int
    raw: bytes
    headers: Mapping[str, str]
    nonce: str

    @property
    def body(self) -> Any:
        """The decoded body."""
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        """The code of an error reply."""
        return str(self.body["error"]["code"])

    def is_signed(self, key: bytes = KEY) -> bool:
        """Whether it is signed, for the request it answers, with `key`."""
        if "Sandbox-Signature" not in self.headers:
            return False
        stamp, nonce = self.headers["Sandbox-Timestamp"], self.headers["Sandbox-Nonce"]
        text = f"REPLY\n{self.status}\n{self.nonce}\n{stamp}\n{nonce}\n"
        fresh = abs(time.time() - int(stamp)) < 300
        return fresh and mac(key, text, self.raw) == self.headers["Sandbox-Signature"]


@dataclass(frozen=True)
class Received:
    """One notification as it arrived."""

    target: str
    raw: bytes
    headers: Mapping[str, str]

    @property
    def body(self) -> Any:
        """The decoded body."""
        return json.loads(self.raw)

    @property
    def about(self) -> Any:
        """The charge, capture, refund or payout it tells of."""
        return self.body[self.body["kind"]]

    @property
    def age_s(self) -> float:
        """How old it claims to be."""
        return time.time() - int(self.headers["Sandbox-Timestamp"])

    def is_signed(self, key: bytes = KEY) -> bool:
        """Whether the signature is right, whatever the timestamp says."""
        stamp, nonce = self.headers["Sandbox-Timestamp"], self.headers["Sandbox-Nonce"]
        text = f"NOTIFY\n{self.target}\n{stamp}\n{nonce}\n"
        return mac(key, text, self.raw) == self.headers["Sandbox-Signature"]


class Receiver:
    """An HTTP server that notifications go to. `answer` decides what each is answered."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answer: Callable[[Received], tuple[int, bytes]] = lambda _: (200, ACKNOWLEDGED)
        self.hold = asyncio.Event()  # while clear, answers wait
        self.hold.set()
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        """Keep it, then answer."""
        body = await request.read()
        received = Received(request.raw_path, body, dict(request.headers))
        self.received.append(received)
        await self.hold.wait()
        status, answer = self.answer(received)
        return web.Response(status=status, body=answer)

    async def wait_for(self, count: int) -> list[Received]:
        """The first `count` notifications, once they are there."""
        await until(lambda: len(self.received) >= count)
        return self.received[:count]


async def until(holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(patience_s):
        while not holds():
            await asyncio.sleep(0.005)


async def until_quiet(sandbox: "Caller") -> None:
    """Wait until no notification is pending."""
    async with asyncio.timeout(PATIENCE_S):
        while (await sandbox.summary())["notifications"]["pending"]:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A running receiver."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        receiver.hold.set()
        await runner.cleanup()


class Caller:
    """A caller of a sandbox at `url`, with one connection per request."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.stop = asyncio.Event()  # stops the sandbox where `serving` runs it
        self._session = session

    async def ask(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        **signing: Any,
    ) -> Reply:
        """Send one signed request; `body` is JSON unless it is bytes already."""
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        signed = request_headers(method, target, raw, **signing)
        kind = {"Content-Type": "application/json"} if raw else {}
        return await self.send(method, target, raw, {**kind, **signed, **(headers or {})})

    async def send(self, method: str, target: str, raw: bytes, headers: Mapping[str, str]) -> Reply:
        """Send exactly these headers and bytes."""
        url = URL(self.url + target, encoded=True)
        async with self._session.request(method, url, data=raw or None, headers=headers) as reply:
            content = await reply.read()
            nonce = headers.get("Sandbox-Nonce", "")
            return Reply(reply.status, content, reply.headers.copy(), nonce)

    async def charge(self, **fields: Any) -> Reply:
        """POST a charge of 100 CNY, captured automatically, unless told otherwise."""
        return await self.ask("POST", "/v1/charges", charge_body(**fields))

    async def query(self, kind: str, of: str) -> Reply:
        """GET a charge, capture, refund or payout."""
        return await self.ask("GET", f"/v1/{kind}s/{of}")

    async def close(self, of: str, kind: str = "charge") -> Reply:
        """Close a charge or a payout."""
        return await self.ask("POST", f"/v1/{kind}s/{of}/close", {})

    async def capture(self, charge: str, **fields: Any) -> Reply:
        """Capture 100 CNY of a charge, not finally, unless told otherwise."""
        body = {"number": number(), "amount": 100, "currency": "CNY", "final": False, **fields}
        return await self.ask("POST", f"/v1/charges/{charge}/captures", body)

    async def refund(self, charge: str, **fields: Any) -> Reply:
        """Refund 100 CNY of a charge unless told otherwise."""
        body = {"number": number(), "charge_number": charge, "amount": 100, "currency": "CNY"}
        return await self.ask("POST", "/v1/refunds", body | fields)

    async def payout(self, **fields: Any) -> Reply:
        """Pay 100 CNY out unless told otherwise."""
        return await self.ask("POST", "/v1/payouts", payout_body(**fields))

    async def control(self, method: str, path: str, body: Any = None) -> Reply:
        """Ask a control endpoint, unsigned."""
        raw = b"" if body is None else json.dumps(body).encode()
        return await self.send(method, path, raw, {})

    async def entry(self, kind: str, of: str) -> Any:
        """The oracle's view of one record."""
        page = await self.control("GET", f"/control/{kind}s?limit=1000")
        return next(entry for entry in page.body[f"{kind}s"] if entry["number"] == of)

    async def faults(self, of: str) -> list[str]:
        """Which faults hit a number, in order."""
        reply = await self.control("GET", f"/control/faults/{of}")
        return [hit["fault"] for hit in reply.body["faults"]]

    async def summary(self) -> Any:
        """The totals over the book."""
        return (await self.control("GET", "/control/summary")).body

    async def advance(self, advance_ms: int) -> None:
        """Let virtual time jump."""
        reply = await self.control("POST", "/control/clock", {"advance_ms": advance_ms})
        assert reply.status == 200

    async def settled(self, kind: str, of: str, *states: str) -> Any:
        """The record once it is in one of the states."""
        async with asyncio.timeout(PATIENCE_S):
            while (body := (await self.query(kind, of)).body).get("state") not in states:
                await asyncio.sleep(0.01)
        return body


def charge_body(**fields: Any) -> dict[str, Any]:
    """The body of a charge of 100 CNY, captured automatically."""
    plain = {"number": number(), "amount": 100, "currency": "CNY", "capture": "AUTOMATIC"}
    return plain | fields


def payout_body(**fields: Any) -> dict[str, Any]:
    """The body of a payout of 100 CNY."""
    return {"number": number(), "amount": 100, "currency": "CNY", "payee": "p-1"} | fields


@asynccontextmanager
async def calling(url: str) -> AsyncIterator[Caller]:
    """A caller of a running sandbox; it never sends a request twice by itself."""
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        session._retry_connection = False  # aiohttp would send a GET again, with its used nonce
        yield Caller(url, session)


@asynccontextmanager
async def serving(data_dir: Path, **settings: Any) -> AsyncIterator[Caller]:
    """A sandbox in this process, on a port of its own, and a caller of it."""
    stop = asyncio.Event()
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    settings = {"keys": [KEY, OTHER_KEY], "data_dir": data_dir, **settings}
    server = asyncio.create_task(
        serve_sandbox(
            host="127.0.0.1",
            port=0,
            ready=lambda host, port: started.set_result(f"http://{host}:{port}"),
            stop=stop,
            **settings,
        )
    )
    await asyncio.wait({server, started}, return_when=asyncio.FIRST_COMPLETED)
    if server.done():
        server.result()
    async with calling(await started) as caller:
        caller.stop = stop
        yield caller
        stop.set()
        await server
