"""The server that does what the textbook says: one transaction per request, four statements in it.

It is meant to be good at that: uvloop, prepared statements, a pool whose connections need no
cleaning, ids in order of time, nothing validated, nothing logged. What it does not do is put
payments of several callers into one commit, which is what is compared.
"""

import argparse
import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import grpc
import uvloop
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.clock import Clock
from gateway.domain.ids import to_text
from gateway.store.queries import load
from paymentgateway.v1 import payment_pb2
from paymentgateway.v1.money_pb2 import Money
from paymentgateway.v1.payment_service_pb2 import PayRequest, PayResponse
from paymentgateway.v1.payment_service_pb2_grpc import (
    PaymentServiceServicer,
    add_PaymentServiceServicer_to_server,
)
from tests.bench.echo import server_options

STATEMENTS: Mapping[str, str] = load(Path(__file__).parent)
EXPIRY = timedelta(minutes=15)
CLAIM, TAKE, KEEP, BOOK, FIND = (STATEMENTS[n] for n in ("claim", "take", "keep", "book", "find"))
TOO_LITTLE = json.dumps({"reason": "INSUFFICIENT_FUNDS", "message": "", "channel_code": ""})


@dataclass(frozen=True, slots=True)
class Paid:
    """What became of a payment."""

    payment_id: UUID
    order_id: str
    state: str
    captured: int
    create_time: datetime


class Textbook(PaymentServiceServicer):
    """Pay, and nothing else."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._clock = Clock()

    async def Pay(self, request: PayRequest, context: object) -> PayResponse:  # noqa: N802
        """Pay in one transaction."""
        async with self._pool.acquire() as connection, connection.transaction():
            payment_id = self._clock.new_id()
            now = self._clock.now()
            digest = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
            merchant_id, key = request.merchant_id, request.idempotency_key
            claimed = await connection.fetchval(CLAIM, merchant_id, key, digest, payment_id, now)
            if claimed is None:
                found = await connection.fetchrow(FIND, merchant_id, key)
                return _response(request, Paid(**found), replayed=True)
            paid = await self._pay(connection, request, payment_id, now)
            return _response(request, paid, replayed=False)

    async def _pay(
        self, connection: Any, request: PayRequest, payment_id: UUID, now: datetime
    ) -> Paid:
        """Do the three statements after the claim."""
        payer_id = request.payer.payer_id
        currency, amount = request.amount.currency_code, request.amount.minor_units
        left = await connection.fetchval(TAKE, "@" + payer_id, currency, amount, now)
        state, captured = ("FAILED", 0) if left is None else ("SUCCEEDED", amount)
        paid = Paid(payment_id, request.order_id, state, captured, now)
        await connection.execute(
            *(KEEP, request.merchant_id, payment_id, request.idempotency_key, request.order_id),
            *(currency, amount, json.dumps({"payer_id": payer_id}), request.description, now),
            *(now + EXPIRY, state, captured, None if captured else TOO_LITTLE),
            *(now if captured else None, self._clock.new_id(), _digest(paid)),
        )
        if captured:
            await connection.execute(
                *(BOOK, request.merchant_id, self._clock.new_id(), payment_id),
                *(payer_id, currency, amount, now),
            )
        return paid


def _digest(paid: Paid) -> bytes:
    return hashlib.sha256(f"{paid.payment_id}{paid.state}{paid.captured}".encode()).digest()


def _response(request: PayRequest, paid: Paid, *, replayed: bool) -> PayResponse:
    moment, expiry = Timestamp(), Timestamp()
    moment.FromDatetime(paid.create_time.astimezone(UTC))
    expiry.FromDatetime(paid.create_time.astimezone(UTC) + EXPIRY)
    currency = request.amount.currency_code
    payment = payment_pb2.Payment(
        merchant_id=request.merchant_id,
        payment_id=to_text("pay", paid.payment_id),
        idempotency_key=request.idempotency_key,
        order_id=paid.order_id,
        amount=request.amount,
        captured=Money(currency_code=currency, minor_units=paid.captured),
        refunded=Money(currency_code=currency),
        payment_method=request.payment_method,
        capture_mode=request.capture_mode,
        payer=request.payer,
        scene=request.scene,
        description=request.description,
        state=payment_pb2.PaymentState.Value(f"PAYMENT_STATE_{paid.state}"),
        channel="wallet",
        create_time=moment,
        update_time=moment,
        expire_time=expiry,
        capture_time=moment if paid.captured else None,
        version=1,
    )
    return PayResponse(payment=payment, replayed=replayed)


async def serve(port: int, dsn: str, pool_size: int) -> None:
    """Serve until the process is ended."""
    pool = await asyncpg.create_pool(
        dsn, min_size=pool_size, max_size=pool_size, reset=_leave_as_it_is
    )
    server = grpc.aio.server(options=server_options())
    add_PaymentServiceServicer_to_server(Textbook(pool), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


async def _leave_as_it_is(_connection: object) -> None:
    """Save the round trip that asyncpg cleans a connection by: nothing here needs it."""


def main() -> None:
    """Read the arguments, and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("dsn")
    parser.add_argument("pool_size", type=int)
    chosen = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(chosen.port, chosen.dsn, chosen.pool_size))


if __name__ == "__main__":
    main()
