"""Processes that end, gracefully or not, with work inside; and that nothing is left behind.

Every call is answered or says that the same key is safe; whatever was acknowledged is still there;
and a process that has done much holds no more than one that has just begun.
"""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from paymentgateway.client import GatewayClient, Retry, new_idempotency_key
from paymentgateway.errors import GatewayError, Unavailable
from paymentgateway.v1.payment_pb2 import FAILURE_REASON_NOT_ACCEPTED, Payment, SandboxScript
from paymentgateway.v1.payment_service_pb2 import PayResponse, WatchPaymentsRequest
from tests.e2e.gateways import Extra, paused
from tests.e2e.house import House
from tests.e2e.probing import Metrics
from tests.e2e.scripts import script
from tests.e2e.shop import Shop, state
from tests.e2e.waiting import insist, until
from tests.e2e.wire import PACKAGE, refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONCE = Retry(attempts_max=1)
IN_FLIGHT = 200
PAY = "paymentgateway.v1.PaymentService/Pay"
ROOMY = {
    "GATEWAY_CHANNEL_TIMEOUT_MS": "25000",
    "GATEWAY_CHANNEL_CALLS_MAX": "300",
    "GATEWAY_CHANNEL_CONNECTIONS_MAX": "400",
    "GATEWAY_DRAIN_TIMEOUT_S": "25",
}
"""A gateway that waits for its channel long enough to hold all of them at once."""

POOL_SIZE = 8
SPARE = 5
"""Threads and descriptors more or less that say nothing; each round breaks fifty connections."""


@dataclass
class Load:
    """Calls that were made, by key: how, and the answer, or the error."""

    shop: Shop
    found: dict[str, PayResponse | GatewayError] = field(default_factory=dict)
    scripts: dict[str, SandboxScript | None] = field(default_factory=dict)

    async def pay(self, client: GatewayClient, how: SandboxScript | None = None) -> None:
        """Pay once, under a key of its own, and note what came."""
        key = new_idempotency_key()
        self.scripts[key] = how
        try:
            self.found[key] = await self.shop.pay(key=key, via=client, script=how)
        except GatewayError as error:
            self.found[key] = error

    @property
    def answered(self) -> dict[str, PayResponse]:
        """The calls that got an answer."""
        return {k: v for k, v in self.found.items() if isinstance(v, PayResponse)}

    @property
    def errors(self) -> dict[str, GatewayError]:
        """The calls that got none."""
        return {k: v for k, v in self.found.items() if isinstance(v, GatewayError)}

    async def kept(self) -> set[str]:
        """Read the keys under which there is a payment."""
        rows = await self.shop.house.fetch(
            "select idempotency_key from payments where merchant_id = $1", self.shop.merchant_id
        )
        return {row["idempotency_key"] for row in rows}

    async def settle(self) -> Counter[str]:
        """Send every key again: each has one payment, the acknowledged one; count the outcomes.

        The channel took the money exactly where the payment says so. What was accepted but never
        reached the channel is FAILED, with its number closed there.
        """
        ended = await asyncio.gather(*(self._ended(key) for key in self.found))
        numbers = [payment.attempt_number for payment in ended]
        book = {row["number"]: row for row in await self.shop.house.book("charges", *numbers)}
        for payment in ended:
            if state(payment) == "FAILED":
                assert payment.failure.reason == FAILURE_REASON_NOT_ACCEPTED
            taken = book[payment.attempt_number]["effects"]["charged"]
            assert taken == (1_000 if state(payment) == "SUCCEEDED" else 0)
        assert await self.kept() == set(self.found)
        return Counter(state(payment) for payment in ended)

    async def _ended(self, key: str) -> Payment:
        answer = await insist(lambda: self.shop.pay(key=key, script=self.scripts[key]))
        before = self.found[key]
        if isinstance(before, PayResponse):
            assert answer.payment.payment_id == before.payment.payment_id
        return await self.shop.settled(answer.payment)


async def test_sigterm_under_payments_in_flight(house: House, shop: Shop) -> None:
    """200 inside are answered, new ones are turned away with nothing kept, and it exits with 0."""
    drained, load = house.extra("drained", **ROOMY), Load(shop)
    await drained.service.start()
    async with GatewayClient(drained.target, retry=ONCE, deadline_s=30) as client:
        with paused(house.stack.sandbox):
            calls = [asyncio.create_task(load.pay(client)) for _ in range(IN_FLIGHT)]
            await until(lambda: _in_flight(drained), lambda count: count == IN_FLIGHT)
            stopping = asyncio.create_task(drained.service.stop())
            while not stopping.done() and len(load.errors) < 20:
                calls.append(asyncio.create_task(load.pay(client)))
                await asyncio.wait(calls[-1:], timeout=0.1)
        await asyncio.gather(*calls)
        assert await stopping == 0
    assert len(load.answered) >= IN_FLIGHT
    told = Counter(state(answer.payment) for answer in load.answered.values())
    assert told.keys() <= {"SUCCEEDED", "PROCESSING"}
    reasons = {error.reason for error in load.errors.values()}
    assert "SHUTTING_DOWN" in reasons
    assert {type(error) for error in load.errors.values()} == {Unavailable}
    turned_away = {key for key, error in load.errors.items() if error.reason == "SHUTTING_DOWN"}
    assert not turned_away & await load.kept()
    for key in load.errors:
        del load.found[key]
    assert (await load.settle()).keys() <= {"SUCCEEDED", "FAILED"}


async def _in_flight(extra: Extra) -> float:
    return (await Metrics.read(extra.ops_url)).total("gateway_rpc_in_flight", method=PAY)


async def test_postgres_killed_under_load(house: House, shop: Shop) -> None:
    """Kill -9: answers are OK or UNAVAILABLE, both gateways heal, nothing told is lost."""
    load, stop = Load(shop), asyncio.Event()

    async def write(client: GatewayClient) -> None:
        while not stop.is_set():
            await load.pay(client)

    clients = [GatewayClient(target, retry=ONCE) for target in house.stack.targets]
    writers = [asyncio.create_task(write(clients[n % 2])) for n in range(8)]
    await until(_count(load), lambda count: count >= 40)
    before = house.postgres.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    await until(_count(load, errors=True), lambda count: count >= 1)
    healed = len(load.answered)
    await until(_count(load), lambda count: count >= healed + 40)
    stop.set()
    await asyncio.gather(*writers)
    for client in clients:
        await client.close()
    assert house.postgres.pid != before
    reasons = Counter(error.reason for error in load.errors.values())
    assert {error.code for error in load.errors.values()} == {grpc.StatusCode.UNAVAILABLE}, reasons
    not_kept = {key for key, error in load.errors.items() if error.reason != "COMMIT_UNKNOWN"}
    assert not not_kept & await load.kept()
    outcomes = await load.settle()
    assert outcomes["FAILED"] <= len(load.errors) - len(not_kept)


def _count(load: Load, *, errors: bool = False):
    async def count() -> int:
        return len(load.errors if errors else load.answered)

    return count


async def test_a_gateway_killed_with_work_inside(extra: Extra, shop: Shop) -> None:
    """Kill -9 while the channel holds payments: the other replicas find out, once each."""
    slow, load = script(reply_delay_ms=700), Load(shop)
    async with GatewayClient(extra.target, retry=ONCE) as client:
        calls = [asyncio.create_task(load.pay(client, slow)) for _ in range(20)]
        await until(lambda: _charged(shop), lambda count: count == 20)
        await extra.service.kill()
        await asyncio.gather(*calls)
    assert {type(error) for error in load.errors.values()} <= {Unavailable}
    await shop.house.rest()
    assert await load.settle() == {"SUCCEEDED": 20}


async def _charged(shop: Shop) -> int:
    """Count the payments of a merchant that the sandbox has a charge of."""
    rows = await shop.house.fetch(
        "select attempt_number from payments where merchant_id = $1", shop.merchant_id
    )
    return len(await shop.house.book("charges", *(row["attempt_number"] for row in rows)))


async def test_what_a_process_holds_returns_to_its_baseline(extra: Extra, shop: Shop) -> None:
    """After much work, abandoned calls and broken watchers: no more descriptors, threads, slots."""
    await _work(extra, shop)
    threads, descriptors = _count_in(extra, "task"), _count_in(extra, "fd")
    for _ in range(2):
        await _work(extra, shop)
    metrics = await until(lambda: Metrics.read(extra.ops_url), _is_quiet)
    assert metrics.total("gateway_database_pool_size") <= POOL_SIZE
    assert _count_in(extra, "task") <= threads + SPARE
    assert _count_in(extra, "fd") <= descriptors + SPARE
    (in_transactions,) = await shop.house.fetch(
        "select count(*) from pg_stat_activity"
        " where application_name = 'payment-gateway' and state like 'idle in transaction%'"
    )
    assert in_transactions["count"] == 0


def _count_in(extra: Extra, folder: str) -> int:
    """Count the threads (task) or descriptors (fd) of a process."""
    return len(list(Path(f"/proc/{extra.service.pid}/{folder}").iterdir()))


def _is_quiet(metrics: Metrics) -> bool:
    """Tell whether no call is inside, nobody watches, and every slot of the pool is free."""
    size, idle, waiting = (
        metrics.total(f"gateway_database_pool_{name}") for name in ("size", "idle", "waiting")
    )
    inside = metrics.total("gateway_rpc_in_flight") + metrics.total("gateway_watchers")
    return not inside and not waiting and size == idle


async def _work(extra: Extra, shop: Shop) -> None:
    """Pay, leave in the middle, send nonsense, watch and hang up, over connections that break."""
    slow, watch = script(reply_delay_ms=50), WatchPaymentsRequest(merchant_id=shop.merchant_id)
    async with GatewayClient(extra.target) as client:
        for _ in range(3):
            calls = [asyncio.create_task(shop.pay(script=slow, via=client)) for _ in range(15)]
            await asyncio.sleep(0.03)
            for call in calls[::3]:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
    for _ in range(10):
        async with grpc.aio.insecure_channel(extra.target) as channel:
            await refusal(channel, "PaymentService/Pay", b"\xff")
            stream = channel.unary_stream(f"/{PACKAGE}.PaymentService/WatchPayments")
            with contextlib.suppress(grpc.aio.AioRpcError):
                await stream(watch.SerializeToString()).read()
    await shop.house.rest()
