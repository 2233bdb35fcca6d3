"""What the tests share: two gateways on one database, clients to each, the channel's own book.

The house counts rows and requests, so that a test can prove that nothing happened; it plays the
payer and reads the sandbox's book, so that a test can hold the gateway's word against it; and it
keeps what callers were told, for the invariants at the end.
"""

import asyncio
import itertools
import secrets
from collections.abc import Sequence
from typing import Any

import aiohttp
import asyncpg
import grpc

from gateway.domain.ids import from_text
from gateway.store.embedded import EmbeddedPostgres
from paymentgateway.client import GatewayClient
from paymentgateway.v1.merchant_pb2 import (
    ORDER_POLICY_MANY_PAYMENTS,
    REFUND_POLICY_REFUSE,
    FeeSchedule,
    Merchant,
)
from paymentgateway.v1.payment_pb2 import Payment
from tests.e2e.gateways import Extra
from tests.e2e.shop import Shop, done, state
from tests.e2e.waiting import until
from tests.invariants import Told
from tests.invariants.world import Row, read_book
from tests.processes import Stack

REST_S = 45.0
"""How long all work may take to come to rest."""

RAW_OPTIONS = [("grpc.enable_retries", 0), ("grpc.max_send_message_length", -1)]
"""A channel that sends what it is told to, once."""

TERMINAL = {"SUCCEEDED", "FAILED", "CANCELED", "EXPIRED"}

TABLES_DERIVED = ("balances", "fold_position", "schema_migrations", "quarantine")
"""Tables that workers write by themselves, or nobody, or anybody: what is not believed is kept."""

TABLES = "select tablename from pg_tables where schemaname = 'public' and tablename <> all($1)"

UNREST = """
select a.number
from attempts a join payments p using (merchant_id, payment_id)
where a.state = 'OPEN' and p.state <> 'REQUIRES_ACTION' and not exists (
    select from review_cases r where r.attempt_id = a.attempt_id and r.resolve_time is null
)
"""
"""Attempts that are still on their way to an outcome, as I10 counts them."""


class House:
    """The running processes, and what is known of them."""

    def __init__(self, stack: Stack, postgres: EmbeddedPostgres) -> None:
        self.stack = stack
        self.postgres = postgres
        self.clients = [GatewayClient(target) for target in stack.targets]
        self.channels = [grpc.aio.insecure_channel(target, RAW_OPTIONS) for target in stack.targets]
        self.told: set[Told] = set()
        self._serials = itertools.count(1)
        self._counting = ""
        self._extras: list[Extra] = []
        self._asking = asyncio.Lock()
        self._connection: Any = None

    async def end_extras(self) -> None:
        """End the gateways that a failed test left behind."""
        for extra in self._extras:
            if extra.service.running:
                await extra.service.kill()

    async def close(self) -> None:
        """Close the connections."""
        for client in (*self.clients, *self.channels, self._connection):
            if client is not None:
                await client.close()

    async def shop(self, **fields: Any) -> Shop:
        """Open a merchant that nobody else uses: CNY and JPY, 0.6 % unless told otherwise."""
        schedule = FeeSchedule(
            channel="sandbox",
            currency_code="CNY",
            effective_time={"seconds": 1},
            rate_millionths=6_000,
            returned_on_refund=True,
        )
        wanted: dict[str, Any] = {
            "merchant_id": f"m_{next(self._serials)}_{secrets.token_hex(3)}",
            "display_name": "A shop",
            "currency_codes": ["CNY", "JPY"],
            "channels": ["sandbox"],
            "fee_schedules": [schedule],
            "order_policy": ORDER_POLICY_MANY_PAYMENTS,
            "refund_policy": REFUND_POLICY_REFUSE,
        }
        merchant = await self.clients[0].create_merchant(Merchant(**wanted | fields))
        return Shop(self, merchant)

    def note(self, payment: Payment) -> None:
        """Keep what was told of a payment, if it is final."""
        if state(payment) in TERMINAL:
            payment_id = from_text("pay", payment.payment_id)
            told = (payment.merchant_id, payment.idempotency_key, str(payment_id), state(payment))
            self.told.add(Told(*told))

    def note_operation(self, merchant_id: str, key: str, text: str, found: Any) -> None:
        """Keep what was told of a capture or refund, if it is final."""
        if done(found) in TERMINAL:
            operation_id = from_text(text.partition("_")[0], text)
            self.told.add(Told(merchant_id, key, str(operation_id), done(found)))

    async def fetch(self, query: str, *arguments: Any) -> Sequence[Any]:
        """Ask the database, as its owner, over a connection that is made anew when it is lost."""
        async with self._asking:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self.postgres.dsn(user="gateway_owner"))
            return await self._connection.fetch(query, *arguments)

    async def row_counts(self) -> dict[str, int]:
        """Count the rows of every table but those that workers derive."""
        if not self._counting:
            tables = await self.fetch(TABLES, TABLES_DERIVED)
            names = [row["tablename"] for row in tables]
            parts = (f"select '{name}' as name, count(*) as rows from {name}" for name in names)
            self._counting = " union all ".join(parts)
        return {row["name"]: row["rows"] for row in await self.fetch(self._counting)}

    async def control(self, path: str) -> dict[str, Any]:
        """Read from the sandbox's control endpoints."""
        async with (
            aiohttp.ClientSession(trust_env=False) as session,
            session.get(f"{self.stack.sandbox_url}/control/{path}") as reply,
        ):
            reply.raise_for_status()
            return dict(await reply.json())

    async def posts(self) -> dict[str, int]:
        """Count the requests that could have had an effect at the sandbox."""
        counts = (await self.control("summary"))["requests"]
        return {name: count for name, count in counts.items() if not name.startswith("GET")}

    async def act(self, payment: Payment, decision: str) -> None:
        """Play the payer: CONFIRM or REFUSE."""
        url = f"{self.stack.sandbox_url}/control/charges/{payment.attempt_number}/act"
        async with (
            aiohttp.ClientSession(trust_env=False) as session,
            session.post(url, json={"decision": decision}) as reply,
        ):
            reply.raise_for_status()

    async def faults(self, number: str) -> list[str]:
        """Name the scripted faults that a number met: the proof that they hit."""
        return [hit["fault"] for hit in (await self.control(f"faults/{number}"))["faults"]]

    async def book(self, kind: str, *numbers: str) -> list[Row]:
        """Read these charges, captures or refunds of the sandbox's own book."""
        return [
            row for row in await read_book(self.stack.sandbox_url, kind) if row["number"] in numbers
        ]

    async def charge(self, payment: Payment) -> Row:
        """Read a payment's one charge in the sandbox's own book."""
        (row,) = await self.book("charges", payment.attempt_number)
        return row

    async def cases(self, payment: Payment) -> list[dict[str, Any]]:
        """Read the review cases of a payment, oldest first."""
        payment_id = from_text("pay", payment.payment_id)
        query = "select * from review_cases where payment_id = $1 order by create_time"
        return [dict(row) for row in await self.fetch(query, payment_id)]

    async def case(self, payment: Payment, kind: str) -> dict[str, Any]:
        """Wait for a payment's review case of this kind."""

        async def found() -> list[dict[str, Any]]:
            return [case for case in await self.cases(payment) if case["kind"] == kind]

        return (await until(found))[0]

    async def resolve(self, case: dict[str, Any], resolution: str) -> str:
        """Close a review case by the command that a person types."""
        asked = ("reviews", "resolve", str(case["case_id"]), "--as", resolution, "--note", "seen")
        status, output = await self.stack.command(*asked)
        assert status == 0, output
        return output

    async def rest(self) -> None:
        """Wait until no work is on its way any more."""
        await until(lambda: self.fetch(UNREST), lambda rows: not rows, within_s=REST_S)

    def extra(self, name: str, **settings: str) -> Extra:
        """Make another gateway on the same database and sandbox, with settings of its own."""
        self._extras.append(Extra(self.stack, name, settings))
        return self._extras[-1]
