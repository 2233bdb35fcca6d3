"""The benchmark can be believed: its generator counts and times rightly, and its figures are those.

The generator runs as it does in the benchmark, in a process of its own, against servers of the
library that the gateway uses.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

import grpc
import protovalidate
import pytest

from paymentgateway.v1 import payment_pb2
from paymentgateway.v1.payment_service_pb2 import (
    BatchPayRequest,
    BatchPayResponse,
    PayRequest,
    PayResponse,
)
from tests.bench import accounts, databases, messages, usage
from tests.bench.load import Load, LoadFailed, running_load
from tests.bench.pgbench import run_pgbench
from tests.bench.plan import Kind, Mix, Plan
from tests.bench.series import Sample, rounds
from tests.bench.servers import running_child
from tests.store.postgres import Server, running_server

Answer = Callable[[bytes, Any], Awaitable[bytes]]

PAY = Mix(merchants=("m_1", "m_2"), payers=("p1", "p2"))
STALL_S = 0.4


class _Handlers(grpc.GenericRpcHandler):
    def __init__(self, answer: Answer) -> None:
        self.calls: list[Any] = []
        self._handler = grpc.unary_unary_rpc_method_handler(answer)

    def service(self, details: Any) -> Any:
        self.calls.append(details)
        return self._handler


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[tuple[int, list[Any]]]:
    """Run a server whose every method answers so; give its port and the calls it was asked."""
    handlers = _Handlers(answer)
    options = [("grpc.max_receive_message_length", 8 << 20)]
    server = grpc.aio.server(handlers=[handlers], options=options)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port, handlers.calls
    finally:
        await server.stop(0)


@pytest.fixture
async def load() -> AsyncIterator[Load]:
    async with running_load() as found:
        yield found


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as found:
        yield found


def plan(port: int, mix: Mix = PAY, **asked: Any) -> Plan:
    usual = {"messages": 200, "seconds": 10.0, "warmup_s": 0.0, "concurrency": 16}
    return Plan("127.0.0.1", port, mix, **{**usual, "sample_every": 1, **asked})


def paid(request: PayRequest, **changed: Any) -> PayResponse:
    """Answer as a gateway that took the money."""
    payment = payment_pb2.Payment(
        merchant_id=request.merchant_id,
        idempotency_key=request.idempotency_key,
        payment_id="pay_" + "0" * 22,
        captured=request.amount,
        state=payment_pb2.PAYMENT_STATE_SUCCEEDED,
    )
    payment.MergeFrom(payment_pb2.Payment(**changed))
    return PayResponse(payment=payment)


async def pay(request: bytes, _context: Any) -> bytes:
    return paid(PayRequest.FromString(request)).SerializeToString()


async def test_every_answer_is_counted(load: Load) -> None:
    """All calls reach the server, each with a key of its own, and all answers are counted."""
    keys = []

    async def answer(request: bytes, context: Any) -> bytes:
        keys.append(PayRequest.FromString(request).idempotency_key)
        return await pay(request, context)

    async with answering(answer) as (port, _):
        outcome = await load.run(plan(port))

    assert (outcome.sent, outcome.answered, outcome.failed) == (200, 200, 0)
    assert (outcome.paid, outcome.counted, outcome.sampled) == (200, 200, 200)
    assert len(set(keys)) == 200
    assert outcome.problems() == []
    assert outcome.rate > 0


async def test_a_call_is_what_the_library_sends(load: Load) -> None:
    """The server sees of a call what it sees of the same call of gRPC's own client."""
    seen = []

    async def answer(request: bytes, context: Any) -> bytes:
        seen.append((request, context.time_remaining() > 1))
        return await pay(request, context)

    async with answering(answer) as (port, calls):
        await load.run(plan(port, messages=1))
        request, _ = seen[0]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            method = channel.unary_unary(messages.PATHS[Kind.PAY])
            answered = await method(request, timeout=20)

    assert seen[0] == seen[1]
    assert calls[0].method == calls[1].method == "/paymentgateway.v1.PaymentService/Pay"
    assert PayResponse.FromString(answered) == paid(PayRequest.FromString(request))


async def test_errors_are_counted(load: Load) -> None:
    """A call that ends with an error is no answer, and makes the run invalid."""
    numbers = count()

    async def answer(request: bytes, context: Any) -> bytes:
        if next(numbers) % 4 == 0:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too much")
        return await pay(request, context)

    async with answering(answer) as (port, _):
        outcome = await load.run(plan(port))

    assert (outcome.answered, outcome.failed) == (150, 50)
    assert outcome.problems() == ["50 of 200 calls were not answered"]


@pytest.mark.parametrize(
    "changed",
    [
        {"state": payment_pb2.PAYMENT_STATE_FAILED},
        {"idempotency_key": "another"},
        {"captured": {"minor_units": 1}},
    ],
)
async def test_a_wrong_answer_is_seen(load: Load, changed: dict[str, Any]) -> None:
    """An answer of another payment, or of one that took no money or the wrong sum, is told."""

    async def answer(request: bytes, _context: Any) -> bytes:
        return paid(PayRequest.FromString(request), **changed).SerializeToString()

    async with answering(answer) as (port, _):
        outcome = await load.run(plan(port, messages=20))

    assert outcome.answered == 20
    assert outcome.problems()


async def test_batches_beyond_every_window_go_through(load: Load) -> None:
    """Messages larger than frames and windows arrive whole, and so do their answers."""

    async def answer(request: bytes, _context: Any) -> bytes:
        asked = BatchPayRequest.FromString(request).payments
        results = [{"response": paid(item)} for item in asked]
        return BatchPayResponse(results=results).SerializeToString()

    mix = Mix(Kind.BATCH_PAY, merchants=("m_1",), payers=("p1",), batch_size=4_000)
    async with answering(answer) as (port, _):
        outcome = await load.run(plan(port, mix, messages=6, concurrency=4, connections=2))

    assert (outcome.answered, outcome.sampled) == (6, 6)
    assert outcome.problems() == []


@pytest.mark.parametrize(("code", "problems"), [(8, 0), (14, 0), (13, 1)])
async def test_refused_items_of_batches_are_no_payments(
    load: Load, code: int, problems: int
) -> None:
    """What a batch was refused is not counted as paid; only too much load is no fault."""

    async def answer(request: bytes, _context: Any) -> bytes:
        _, *others = BatchPayRequest.FromString(request).payments
        results = [{"error": {"code": code, "message": "no"}}]
        results += [{"response": paid(item)} for item in others]
        return BatchPayResponse(results=results).SerializeToString()

    mix = Mix(Kind.BATCH_PAY, merchants=("m_1",), payers=("p1",), batch_size=5)
    async with answering(answer) as (port, _):
        outcome = await load.run(plan(port, mix, messages=1))

    assert outcome.paid == 4
    assert len(outcome.problems()) == problems


async def test_a_stall_is_told_by_every_call_that_met_it(load: Load) -> None:
    """In the open loop a server that stands still is timed by the schedule, not by its pace."""
    numbers = count()

    async def answer(request: bytes, context: Any) -> bytes:
        if next(numbers) == 50:
            time.sleep(STALL_S)
        return await pay(request, context)

    async with answering(answer) as (port, _):
        outcome = await load.run(plan(port, messages=400, rate=200.0, seconds=1.0))

    assert outcome.problems() == []
    assert 100 < outcome.sent < 300
    assert outcome.latency.highest > STALL_S * 0.9
    assert outcome.latency.p90 > STALL_S / 4  # a third of all calls fell into it


async def test_a_server_that_goes_away_ends_the_run(load: Load, tmp_path: Path) -> None:
    """Lost connections end a run with a sentence, at once."""
    mix = Mix(merchants=("m_1",), payers=("p1",), checked=False)
    async with running_child("echo", tmp_path) as echo:
        loop = asyncio.get_running_loop()
        with pytest.raises(LoadFailed, match="closed every connection"):
            await load.run(
                plan(echo.port, mix, messages=50_000),
                before=lambda: loop.call_later(0.2, os.kill, echo.pid, signal.SIGKILL),
            )


async def test_remembered_payments_are_sent_again_and_read(load: Load) -> None:
    """Replays carry keys that were answered before; reads ask for payments that are there."""
    async with answering(pay) as (port, _):
        first = plan(port, Mix(merchants=("m_1",), payers=("p1",), memory="m"), messages=50)
        await load.run(first)
        replayed = await load.run(plan(port, Mix(Kind.REPLAY, memory="m")))
        with pytest.raises(LoadFailed, match="nothing is remembered"):
            await load.run(plan(port, Mix(Kind.GET_PAYMENT, memory="other")))

    assert (replayed.answered, replayed.paid) == (200, 0)
    assert replayed.problems() == []


def test_messages_keep_the_contract() -> None:
    """Every payment that is sent passes the rules in the protos, with a key of its own."""
    found = [PayRequest.FromString(body) for body in islice(messages.payments(PAY, Random(1)), 50)]

    for request in found:
        protovalidate.validate(request)
    assert len({request.idempotency_key for request in found}) == 50
    assert {request.merchant_id for request in found} == {"m_1", "m_2"}
    assert {request.payer.payer_id for request in found} == {"p1", "p2"}


def test_replays_have_their_share() -> None:
    """Half of the calls send an earlier message again, long after it."""
    mix = Mix(merchants=("m_1",), payers=("p1",), replays=0.5)
    made = messages.encode(plan(1, mix, messages=4_000, concurrency=4), messages.Memory())

    first: dict[bytes, int] = {}
    for number, (body, fresh) in enumerate(zip(made.bodies, made.fresh, strict=True)):
        assert (body not in first) == fresh
        assert fresh or number - first[body] >= 16
        first.setdefault(body, number)
    assert 0.45 < made.fresh.count(False) / 4_000 < 0.55


async def test_what_it_is_compared_with_pays_the_same(
    server: Server, load: Load, tmp_path: Path
) -> None:
    """The textbook server and pgbench take the same money and leave the same rows."""
    dsn = await databases.make_database(server.postgres, "compared")
    await databases.require_durable(dsn)
    mix = Mix(merchants=accounts.MERCHANTS, payers=accounts.PAYERS)
    async with running_child("textbook", tmp_path, dsn, "4") as textbook:
        outcome = await load.run(plan(textbook.port, mix))
    ran = await run_pgbench(dsn, 2, 1, merchant=accounts.HOT_MERCHANT, payers=len(accounts.PAYERS))

    assert outcome.problems() == []
    assert (ran.failed, ran.payments > 0) == (0, True)
    totals = await databases.read_totals(dsn)
    assert totals.contradictions(200 + ran.payments) == []
    assert totals.contradictions(201 + ran.payments)


async def test_the_echo_answers_as_much_as_the_gateway(load: Load, tmp_path: Path) -> None:
    """The echo answers every call, with a message like a payment's."""
    async with running_child("echo", tmp_path) as echo:
        outcome = await load.run(
            plan(echo.port, Mix(merchants=("m_1",), payers=("p1",), checked=False))
        )
        cpu = echo.cpu()

    assert outcome.problems() == []
    assert cpu.server > 0


def test_cpu_time_of_children_is_not_lost() -> None:
    """What a child used still counts after it ended."""
    before = usage.cpu_s(usage.family(os.getpid()))
    busy = "import time\nwhile time.process_time() < 0.2: pass"
    subprocess.run([sys.executable, "-c", busy], check=True)

    assert usage.cpu_s(usage.family(os.getpid())) - before > 0.15


async def test_rounds_take_turns() -> None:
    """Every series is measured once per round, each round beginning with another one."""
    order = []

    def series(name: str) -> Callable[[int], Awaitable[Sample]]:
        async def measure(number: int) -> Sample:
            order.append((number, name))
            return Sample(1.0)

        return measure

    found = await rounds({name: series(name) for name in "abc"}, 2, lambda _: None)

    assert order == [(0, "a"), (0, "b"), (0, "c"), (1, "b"), (1, "c"), (1, "a")]
    assert {name: len(samples) for name, samples in found.items()} == {"a": 2, "b": 2, "c": 2}
