"""The test bench of carrier billing: a client of the operator, written from the protocol alone."""

import asyncio
import base64
import itertools
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from gateway.emulators.carrier import serve_carrier

PAYMENTS = "/carrier-billing/v0.5/payments"
REFUNDS = "/carrier-billing-refund/v0.3/payments"
TOKEN = "/oauth2/token"
PHONE = "+8613912345678"
DAY_MS = 86_400_000
SINK_TOKEN = "the-token-of-the-sink"
FOREVER = "2099-01-01T00:00:00Z"
CHARGING = ("amountTransaction", "paymentAmount", "chargingInformation")

_serial = itertools.count(1)


def number() -> str:
    """A client's number nobody used before, 28 characters."""
    return f"C{next(_serial):07d}{secrets.token_hex(10)}"


@dataclass(frozen=True)
class Reply:
    """What came back, as bytes and as what they mean."""

    status: int
    raw: bytes
    headers: Mapping[str, str]

    @property
    def body(self) -> Any:
        """The decoded body; amounts are what they are."""
        return json.loads(self.raw, parse_float=Decimal)

    @property
    def code(self) -> str:
        """The code of an error reply, which must say its own status."""
        body = self.body
        assert set(body) == {"status", "code", "message"}
        assert body["status"] == self.status
        assert body["message"]
        return str(body["code"])


class Customer:
    """A client at a running operator, with one connection per request."""

    def __init__(self, url: str, data_dir: Path, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.data_dir = data_dir
        self.stop = asyncio.Event()
        self.settings: Mapping[str, str] = {}
        self.token = ""
        self._session = session

    async def authorize(self, label: str = "gateway", **form: str) -> Reply:
        """Ask for a token as a client, and use it from now on."""
        client_id, secret = self.credentials(label)
        basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        reply = await self.ask_token(
            {"grant_type": "client_credentials", **form}, {"Authorization": f"Basic {basic}"}
        )
        if reply.status == 200:
            self.token = reply.body["access_token"]
        return reply

    def credentials(self, label: str = "gateway") -> tuple[str, str]:
        """A client's id and secret, from its files."""
        folder = self.data_dir / "clients" / label
        client_id, secret = (folder / name for name in ("client_id", "client_secret"))
        return client_id.read_text().strip(), secret.read_text().strip()

    async def ask_token(
        self, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Reply:
        """POST a form to the token endpoint."""
        found = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return await self.send("POST", TOKEN, urlencode(form).encode(), found)

    async def ask(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Reply:
        """Send one request with the token; a header of None is left out."""
        raw = body if isinstance(body, bytes) else b"" if body is None else _encode(body)
        found: dict[str, str | None] = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if raw:
            found = {"Content-Type": "application/json", **found}
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
            return Reply(reply.status, await reply.read(), reply.headers.copy())

    async def pay(self, path: str = "", **fields: Any) -> Reply:
        """POST a payment of 12.5 CNY in one step, unless told otherwise."""
        return await self.ask("POST", PAYMENTS + path, payment(**fields))

    async def prepare(self, **fields: Any) -> Reply:
        """POST the first of two steps."""
        return await self.pay("/prepare", **fields)

    async def paid(self, **fields: Any) -> str:
        """The id of a payment that was made and succeeded."""
        reply = await self.pay(**fields)
        assert (reply.status, reply.body["paymentStatus"]) == (201, "succeeded"), reply.raw
        return str(reply.body["paymentId"])

    async def reserved(self, **fields: Any) -> str:
        """The id of a payment that was prepared and is reserved."""
        reply = await self.prepare(**fields)
        assert (reply.status, reply.body["paymentStatus"]) == (201, "reserved"), reply.raw
        return str(reply.body["paymentId"])

    async def second(self, of: str, step: str, phone: str | None = PHONE) -> Reply:
        """Confirm or cancel."""
        body = {} if phone is None else {"phoneNumber": phone}
        return await self.ask("POST", f"{PAYMENTS}/{of}/{step}", body)

    async def query(self, of: str) -> Any:
        """A payment by its id."""
        reply = await self.ask("GET", f"{PAYMENTS}/{of}")
        assert reply.status == 200, reply.raw
        return reply.body

    async def refund(self, of: str, part: Any = None, **fields: Any) -> Reply:
        """POST a refund; without `part` a total one."""
        return await self.ask("POST", f"{REFUNDS}/{of}/refunds", refund(part, **fields))

    async def query_refund(self, of: str, refund_id: str) -> Any:
        """A refund by its ids."""
        reply = await self.ask("GET", f"{REFUNDS}/{of}/refunds/{refund_id}")
        assert reply.status == 200, reply.raw
        return reply.body

    async def remaining(self, of: str) -> Any:
        """What could still be given back."""
        return (await self.ask("GET", f"{REFUNDS}/{of}/refunds/remaining-amount")).body["amount"]

    async def page(self, target: str = PAYMENTS, **parameters: Any) -> Reply:
        """GET a list."""
        query = urlencode(parameters, doseq=True)
        return await self.ask("GET", f"{target}?{query}" if query else target)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask a control endpoint; the decoded reply of one that must succeed."""
        reply = await self.try_control(method, path, body)
        assert reply.status == 200, reply.raw
        return reply.body

    async def try_control(self, method: str, path: str, body: Any = None) -> Reply:
        """Ask a control endpoint."""
        return await self.send(method, path, b"" if body is None else _encode(body), {})

    async def fault(self, operation: str, name: str, count: int = 1, **fault: Any) -> None:
        """Let a fault wait."""
        rule = {"operation": operation, "count": count, "fault": {"name": name, **fault}}
        await self.control("POST", "/control/rules", rule)

    async def play(self, operation: str, count: int = 1, **play: Any) -> None:
        """Let a play wait."""
        rule = {"operation": operation, "count": count, "play": play}
        await self.control("POST", "/control/rules", rule)

    async def house(self, **rules: Any) -> None:
        """Switch house rules."""
        await self.control("POST", "/control/house", rules)

    async def subscriber(self, phone: str = PHONE, **known: Any) -> None:
        """Know something of a subscriber."""
        await self.control("POST", "/control/subscribers", {"phone_number": phone, **known})

    async def advance(self, **span: float) -> None:
        """Let virtual time jump; what became due has happened then."""
        units = {"days": DAY_MS, "hours": 3_600_000, "minutes": 60_000, "seconds": 1_000, "ms": 1}
        total = sum(units[name] * value for name, value in span.items())
        await self.control("POST", "/control/clock", {"advance_ms": round(total)})

    async def faults(self, of: str) -> list[str]:
        """What struck a number, in order."""
        hits = await self.control("GET", f"/control/faults/{of}")
        return [hit["fault"] for hit in hits["faults"]]

    async def moved(self, label: str = "gateway") -> dict[str, str]:
        """What really moved in CNY, by kind."""
        kinds = (await self.control("GET", "/control/summary"))["moved"][label]
        return {kind: total.get("CNY", {"amount": "0"})["amount"] for kind, total in kinds.items()}

    async def entry(self, of: str, kind: str = "payment") -> Any:
        """The oracle's view of one record, by id or correlator."""
        page = await self.control("GET", f"/control/{kind}s?limit=1000")
        names = ("correlator", f"{kind}_id")
        return next(e for e in page[f"{kind}s"] if of in (e[name] for name in names))


def payment(amount: Any = 12.5, **fields: Any) -> dict[str, Any]:
    """The body of a payment; names of any depth replace what is there, None takes it away."""
    charging = {"amount": amount, "currency": "CNY", "description": "视频会员"}
    body: dict[str, Any] = {
        "amountTransaction": {
            "phoneNumber": PHONE,
            "clientCorrelator": number(),
            "referenceCode": number(),
            "paymentAmount": {"chargingInformation": charging},
        }
    }
    return _placed(body, fields, charging)


def refund(part: Any = None, **fields: Any) -> dict[str, Any]:
    """The body of a refund."""
    charging = {"amount": part, "currency": "CNY", "description": "退款"}
    amount: dict[str, Any] = {} if part is None else {"chargingInformation": charging}
    body: dict[str, Any] = {
        "type": "total" if part is None else "partial",
        "amountTransaction": {
            "clientCorrelator": number(),
            "referenceCode": number(),
            "refundAmount": amount,
        },
    }
    return _placed(body, fields, charging)


def sink(url: str, **credential: Any) -> dict[str, Any]:
    """The members that say where events go."""
    shown = {
        "credentialType": "ACCESSTOKEN",
        "accessToken": SINK_TOKEN,
        "accessTokenExpiresUtc": FOREVER,
        "accessTokenType": "bearer",
    }
    return {"sink": url, "sinkCredential": shown | credential}


def _placed(
    body: dict[str, Any], fields: Mapping[str, Any], charging: dict[str, Any]
) -> dict[str, Any]:
    transaction = body["amountTransaction"]
    amount = transaction.get("paymentAmount") or transaction.get("refundAmount", {})
    places = {
        **dict.fromkeys(("phoneNumber", "clientCorrelator", "referenceCode"), transaction),
        **dict.fromkeys(("paymentDetails", "refundDetails", "chargingMetaData"), amount),
        **dict.fromkeys(
            ("amount", "currency", "description", "isTaxIncluded", "taxAmount"), charging
        ),
    }
    for name, value in fields.items():
        place = places.get(name, body)
        if value is None:
            place.pop(name, None)
        else:
            place[name] = value
    return body


def _encode(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


@asynccontextmanager
async def calling(url: str, data_dir: Path) -> AsyncIterator[Customer]:
    """A client at a running operator; it never sends a request twice by itself."""
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        session._retry_connection = False
        yield Customer(url, data_dir, session)


@asynccontextmanager
async def serving(data_dir: Path) -> AsyncIterator[Customer]:
    """An operator in this process, on a port of its own, and a client with a token."""
    stop = asyncio.Event()
    started: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()

    def ready(host: str, port: int, settings: Mapping[str, str]) -> None:
        started.set_result({**settings, "url": f"http://{host}:{port}"})

    server = asyncio.create_task(
        serve_carrier(
            host="127.0.0.1",
            port=0,
            data_dir=data_dir,
            ready=ready,
            stop=stop,
            clients=("gateway", "other"),
        )
    )
    waited: set[asyncio.Future[Any]] = {server, started}
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    if server.done():
        server.result()
    settings = await started
    async with calling(settings["url"], data_dir) as customer:
        customer.stop, customer.settings = stop, settings
        await customer.authorize()
        yield customer
        stop.set()
        await server
