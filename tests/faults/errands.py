"""Errands: what payers do with their wallets beside what journeys pay.

A batch is sent as it is until each of its items has an answer of its own; an item that has none in
the end is a key like any other, and is settled alone.
"""

import asyncio
import time
from collections.abc import Awaitable, Sequence

from paymentgateway.client import GatewayClient
from paymentgateway.errors import GatewayError, KeyMismatch
from paymentgateway.v1.payment_service_pb2 import PayRequest
from tests.faults.crowd import DEADLINE_S, MERCHANTS, PAUSE_S, WAIT_S, Caller, Open, Send
from tests.faults.plan import Errand
from tests.faults.purse import Result, spend, spend_many, spending, top_up, withdraw
from tests.faults.scripts import cny, script
from tests.faults.verbs import Answer

ITEM = "batch item"


def payer_named(number: int) -> str:
    """Name a payer of the campaign."""
    return f"p_{number}"


async def run_errand(caller: Caller, errand: Errand) -> None:
    """Do it to its end, or as long as a caller goes on about one key."""
    await asyncio.gather(*(_run_once(caller, errand) for _ in range(errand.copies)))


async def _run_once(caller: Caller, errand: Errand) -> None:
    if errand.kind == "batch":
        await _Batch(caller, errand).run()
        return
    payer = payer_named(errand.payer)
    key = f"{caller.crowd.seed}-{errand.kind[0]}-{caller.plan.index}"
    send = _moving(errand, payer, key)
    await caller.insist(errand.kind, f"@{payer}", key, send, errand.deadline_ms)


def _moving(errand: Errand, payer: str, key: str) -> Send:
    """Bring money in or out."""
    call = top_up if errand.kind == "top up" else withdraw
    amount, charge = cny(errand.minor_units), script(errand.charge)

    def send(client: GatewayClient, deadline_s: float) -> Awaitable[Answer]:
        return call(client, payer, key, amount=amount, charge=charge, deadline_s=deadline_s)

    return send


class _Batch:
    """One call with many payments, and which of them have no answer yet."""

    def __init__(self, caller: Caller, errand: Errand) -> None:
        self._caller = caller
        self._deadline_s = (errand.deadline_ms or 5_000) / 1_000
        name = f"{caller.crowd.seed}-{caller.plan.index}"
        order_id = f"{caller.crowd.seed}-b-{caller.plan.index}"
        self._requests = [
            spending(
                f"m_{item.number % MERCHANTS}",
                f"{name}-b{item.number}",
                payer_named(item.payer),
                item.minor_units,
                order_id=order_id,
            )
            for item in errand.items
        ]
        self._waiting = dict(enumerate(self._requests))

    async def run(self) -> None:
        """Send the batch until all is answered; leave open what is not."""
        crowd, end = self._caller.crowd, time.monotonic() + WAIT_S
        while self._waiting and time.monotonic() < min(end, crowd.until):
            try:
                results = await self._caller.call(self._send, self._deadline_s)
            except GatewayError as error:
                self._caller.check_error("batch", error)
            else:
                self._read(results)
            if self._waiting:
                await asyncio.sleep(PAUSE_S)
            self._deadline_s = DEADLINE_S
        for request in self._waiting.values():
            crowd.open.setdefault(request.idempotency_key, Open(ITEM, _alone(request)))

    def _send(self, client: GatewayClient, deadline_s: float) -> Awaitable[list[Result]]:
        return spend_many(client, self._requests, deadline_s=deadline_s)

    def _read(self, results: Sequence[Result]) -> None:
        """Keep what each item was told: all of them, also those that were told before."""
        crowd = self._caller.crowd
        if len(results) != len(self._requests):
            crowd.problems.append(f"{len(results)} results for {self._caller.plan}")
        for place, result in enumerate(results):
            if isinstance(result, Answer):
                crowd.told.append(result.told)
                crowd.open.pop(result.told.idempotency_key, None)
                outcome = result.state
            elif isinstance(result, KeyMismatch):
                outcome = "mismatch"
            else:
                self._caller.check_error(ITEM, result)
                continue
            if self._waiting.pop(place, None):
                crowd.outcomes[ITEM, outcome] += 1


def _alone(request: PayRequest) -> Send:
    def send(client: GatewayClient, deadline_s: float) -> Awaitable[Answer]:
        return spend(client, request, deadline_s=deadline_s)

    return send
