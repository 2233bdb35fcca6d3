"""One gateway of several processes: who dies is replaced, and the whole ends as one.

The workers share a port; which of them a connection meets is the system's choice. Clients therefore
open connections of their own here, where gRPC would let them share one.
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from paymentgateway import transport
from paymentgateway.client import GatewayClient, Retry, new_idempotency_key
from paymentgateway.v1.payment_pb2 import FAILURE_REASON_NOT_ACCEPTED, Payment
from paymentgateway.v1.payment_service_pb2 import PayResponse
from tests.e2e.gateways import Extra, paused, read_log
from tests.e2e.house import House
from tests.e2e.probing import Metrics, fetch_text
from tests.e2e.shop import Shop, state
from tests.e2e.waiting import insist, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORKERS = 2
CONNECTIONS = 16
DRAIN_S = 15
PAY = "paymentgateway.v1.PaymentService/Pay"
SETTINGS = {
    "GATEWAY_WORKERS": str(WORKERS),
    "GATEWAY_DRAIN_TIMEOUT_S": str(DRAIN_S),
    "GATEWAY_CHANNEL_TIMEOUT_MS": "5000",
}


@dataclass
class Crew:
    """The gateway, and what its supervisor says of it."""

    extra: Extra
    clients: list[GatewayClient] = field(default_factory=list)

    @property
    def supervisor(self) -> int:
        """The process id of the supervisor."""
        return self.extra.service.pid

    def worker(self, index: int) -> int:
        """The process id of the worker that was started last at this place."""
        lines = read_log(self.extra.service)
        pids = [line["pid"] for line in lines if line["event"] == "worker started"]
        indexes = [line["worker"] for line in lines if line["event"] == "worker started"]
        return int(dict(zip(indexes, pids, strict=True))[index])

    async def total(self, name: str, **labels: str) -> float:
        """Add up a metric of all workers, or of those that the labels name."""
        return (await Metrics.read(self.extra.ops_url)).total(name, **labels)

    async def all_serve(self) -> None:
        """Wait until every worker serves."""
        await until(
            lambda: self.total("gateway_worker_process_serving"), lambda count: count == WORKERS
        )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_crew(house: House) -> AsyncIterator[Crew]:
    """A gateway of two workers on the house's database, and many connections to it."""
    crew = Crew(house.extra("crew", **SETTINGS))
    options = transport.channel_options
    with pytest.MonkeyPatch.context() as patch:
        own = ("grpc.use_local_subchannel_pool", 1)
        patch.setattr(transport, "channel_options", lambda retry: [*options(retry), own])
        async with AsyncExitStack() as stack:
            for _ in range(CONNECTIONS):
                client = GatewayClient(crew.extra.target, retry=Retry(), deadline_s=30)
                crew.clients.append(await stack.enter_async_context(client))
            yield crew
    assert await crew.extra.service.stop() == 0


@pytest_asyncio.fixture(loop_scope="session")
async def crew(shared_crew: Crew) -> Crew:
    """The same, running, with both workers."""
    if not shared_crew.extra.service.running:
        await shared_crew.extra.service.start()
    await shared_crew.all_serve()
    return shared_crew


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_operators_see_all_workers_as_one(crew: Crew, shop: Shop) -> None:
    """Every call is counted once, by the worker that answered it; only the first one folds."""
    calls = [shop.pay(via=client) for client in crew.clients for _ in range(2)]
    await asyncio.gather(*calls)
    each = [await crew.total("gateway_rpc_calls_total", method=PAY, worker=str(n)) for n in (0, 1)]
    assert min(each) > 0
    assert sum(each) == await crew.total("gateway_rpc_calls_total", method=PAY) == len(calls)
    assert await crew.total("process_open_fds", worker="supervisor") > 0
    folds = [
        await crew.total("gateway_worker_runs_total", loop="fold", worker=str(n)) for n in (0, 1)
    ]
    assert folds[0] > 0
    assert folds[1] == 0
    assert await fetch_text(f"{crew.extra.ops_url}/livez") == (200, '{"alive": true}')
    assert (await crew.extra.command("health"))[0] == 0


async def test_lines_of_a_log_name_their_worker(crew: Crew) -> None:
    """What a worker logs bears its index; what the supervisor logs of itself does not."""
    serving = [line for line in read_log(crew.extra.service) if line["event"] == "serving"]
    assert {line["worker"] for line in serving} == {0, 1}
    (own, *_) = [line for line in read_log(crew.extra.service) if line["event"] == "supervising"]
    assert "worker" not in own


async def test_a_killed_worker_costs_no_payment(crew: Crew, shop: Shop) -> None:
    """Kill -9 of a worker under load: another takes its place, and every key has its payment."""
    answers: dict[str, PayResponse] = {}
    enough = asyncio.Event()

    async def pay_on(client: GatewayClient) -> None:
        while not enough.is_set():
            key = new_idempotency_key()
            answers[key] = await _pay(shop, key, client)

    load = [asyncio.create_task(pay_on(client)) for client in crew.clients]
    victim = crew.worker(1)
    try:
        await until(lambda: _count(answers), lambda count: count >= 2 * CONNECTIONS)
        await _kill_a_worker(crew, victim)
    finally:
        enough.set()
    await asyncio.gather(*load)
    assert crew.worker(1) != victim
    ended = await _all_true(shop, answers.values())
    assert [payment.idempotency_key for payment in ended] == [*answers]
    assert [state(payment) for payment in ended].count("SUCCEEDED") >= 2 * CONNECTIONS


async def _kill_a_worker(crew: Crew, victim: int) -> None:
    """Kill -9, and wait until there is another; meanwhile the whole is ready."""
    name = "gateway_worker_process_starts_total"
    starts = await crew.total(name)
    os.kill(victim, signal.SIGKILL)
    assert (await fetch_text(f"{crew.extra.ops_url}/readyz"))[0] == 200
    await until(lambda: crew.total(name), lambda count: count > starts)
    await crew.all_serve()


async def _pay(shop: Shop, key: str, client: GatewayClient) -> PayResponse:
    """Pay, and send the same again while there is no answer, as callers are told to."""
    return await insist(lambda: shop.pay(key=key, via=client))


async def _count(found: dict[str, PayResponse]) -> int:
    return len(found)


async def _alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if _is_alive(pid)]


@asynccontextmanager
async def _under_way(crew: Crew, shop: Shop) -> AsyncIterator[list[asyncio.Task[PayResponse]]]:
    """Begin a payment over every connection; the channel answers none while the block runs."""
    with paused(shop.house.stack.sandbox):
        calls = [
            asyncio.create_task(_pay(shop, new_idempotency_key(), client))
            for client in crew.clients
        ]
        await until(
            lambda: crew.total("gateway_rpc_in_flight", method=PAY),
            lambda count: count == CONNECTIONS,
        )
        yield calls


async def _both_drain(crew: Crew) -> None:
    """Wait until each of the workers has begun to stop."""

    async def stopping() -> set[int]:
        lines = read_log(crew.extra.service)
        (start, *_) = [n for n, line in enumerate(lines) if line["event"] == "supervising"][-1:]
        told = [line for line in lines[start:] if line["event"] == "stopping"]
        return {line["worker"] for line in told if "worker" in line}

    await until(stopping, lambda found: found == set(range(WORKERS)))


async def _all_succeeded(shop: Shop, answers: Iterable[PayResponse]) -> None:
    """Hold that every call that was inside when the stop began was carried out."""
    ended = await _all_true(shop, answers)
    assert {state(payment) for payment in ended} == {"SUCCEEDED"}


async def _all_true(shop: Shop, answers: Iterable[PayResponse]) -> list[Payment]:
    """Hold that the channel took the money exactly where the payments say so.

    What was accepted but had not reached the channel is FAILED, with its number closed there.
    """
    ended = [await shop.settled(answer.payment) for answer in answers]
    book = await shop.house.book("charges", *(payment.attempt_number for payment in ended))
    taken = {row["number"]: row["effects"]["charged"] for row in book}
    for payment in ended:
        has_paid = state(payment) == "SUCCEEDED"
        assert has_paid or payment.failure.reason == FAILURE_REASON_NOT_ACCEPTED
        assert taken[payment.attempt_number] == (1_000 if has_paid else 0)
    return ended


async def test_a_worker_that_is_told_to_end_is_replaced(crew: Crew) -> None:
    """SIGTERM to one worker drains it alone; while it is away the whole is ready."""
    before = crew.worker(0)
    os.kill(before, signal.SIGTERM)
    while crew.worker(0) == before:
        assert (await fetch_text(f"{crew.extra.ops_url}/readyz"))[0] == 200
        await asyncio.sleep(0.05)
    await crew.all_serve()


async def test_workers_of_a_killed_supervisor_drain(crew: Crew, shop: Shop) -> None:
    """Kill -9 of the supervisor: its workers answer what they have, and end."""
    workers = [crew.worker(index) for index in range(WORKERS)]
    async with _under_way(crew, shop) as calls:
        await crew.extra.service.kill()
        await _both_drain(crew)
    await _all_succeeded(shop, await asyncio.gather(*calls))
    await until(lambda: _alive(workers), lambda alive: not alive)


async def test_a_stop_drains_all_workers(crew: Crew, shop: Shop) -> None:
    """SIGTERM with payments under way: all are answered, within the drain, and it exits with 0."""
    async with _under_way(crew, shop) as calls:
        began = time.monotonic()
        stopping = asyncio.create_task(crew.extra.service.stop())
        await _both_drain(crew)
    assert await stopping == 0
    assert time.monotonic() - began < DRAIN_S
    await _all_succeeded(shop, await asyncio.gather(*calls))


async def test_a_port_of_another_program_is_one_sentence(house: House) -> None:
    """A taken port is told once, with its setting, before any worker starts."""
    name = "GATEWAY_GRPC_LISTEN"
    with socket.create_server(("127.0.0.1", 0)) as other:
        where = f"127.0.0.1:{other.getsockname()[1]}"
        extra = house.extra("refused", **SETTINGS | {name: where})
        status, output = await extra.command("serve")
    assert (status, output) == (
        2,
        f"gateway: Cannot listen on {where}: Address already in use. Free it, or set {name}.\n",
    )
