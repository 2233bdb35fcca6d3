"""BatchPay: each item as if it had come alone, in its place, and nobody kept waiting."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from gateway.clock import Deadline
from gateway.domain.errors import (
    GatewayError,
    Overloaded,
    Reason,
    Refused,
    Unavailable,
    key_mismatch,
)
from gateway.rpc import decode
from gateway.rpc.batches import CHUNK_ITEMS
from gateway.rpc.call import ANONYMOUS, Call
from gateway.rpc.methods import METHODS
from gateway.rpc.pipeline import serve
from gateway.rpc.settings import ITEM_ANSWER_S, RECEIVE_BYTES_MAX
from gateway.rpc.status import DETAILS_BYTES_MAX, MESSAGE_BYTES_MAX, status_for
from gateway.usecases.commands import PayCommand, PaymentAnswer
from paymentgateway.v1.payment_service_pb2 import (
    BatchPayRequest,
    BatchPayResponse,
    BatchPayResult,
    PayRequest,
    PayResponse,
)
from tests.rpc import samples
from tests.rpc.fakes import House, UseCases, desk
from tests.rpc.wrong_input import PAY_ROWS, UNKNOWN, Change, assert_refused

BATCH_PAY = next(method for method in METHODS if method.name == "BatchPay")
ITEMS_MAX = 4_000
ANSWER_BYTES_MAX = 32 * 1024 * 1024
TORN = b"\x0a\x05ab"


def item(key: str) -> PayRequest:
    """A payment that is right, under its own key."""
    request = samples.pay_request()
    request.idempotency_key = key
    return request


def batch(*items: PayRequest | bytes) -> bytes:
    """Write a batch, whatever its items are, as it stands on the wire."""
    data = (one if isinstance(one, bytes) else one.SerializeToString() for one in items)
    return b"".join(b"\x0a" + _varint(len(one)) + one for one in data)


def _varint(number: int) -> bytes:
    if number < 128:
        return bytes([number])
    return bytes([number & 127 | 128]) + _varint(number >> 7)


async def pay_each(commands: Sequence[PayCommand], _deadline: Deadline) -> list[PaymentAnswer]:
    """Answer each payment with its own key."""
    paid = samples.payment()
    return [
        PaymentAnswer(replace(paid, idempotency_key=command.idempotency_key), replayed=False)
        for command in commands
    ]


async def results(house: House, data: bytes) -> list[BatchPayResult]:
    """Send a batch and read its results."""
    return list(BatchPayResponse.FromString(await house.send("BatchPay", data)).results)


async def served(use_cases: UseCases, data: bytes, deadline: Deadline) -> bytes:
    """Serve a batch without a server."""
    call: Any = Call(data, None, 0.0, ANONYMOUS, deadline)  # type: ignore[arg-type]
    return await serve(BATCH_PAY, desk(use_cases))(call)


async def test_each_item_is_paid_as_by_pay(house: House) -> None:
    """Items reach the use case as Pay would hand them over, and their answers are those of Pay."""
    requests = [item("key-1"), item("key-2")]
    data = BatchPayRequest(payments=requests).SerializeToString()
    assert data == batch(*requests)
    found = await results(house, data)
    (name, commands, deadline), *others = house.asked
    assert (name, others) == ("pay_many", [])
    assert isinstance(deadline, Deadline)
    assert commands == [decode.pay(request, ANONYMOUS) for request in requests]
    alone = PayResponse.FromString(await house.send("Pay", requests[0]))
    assert [result.response for result in found] == [alone, alone]


async def test_results_stand_in_the_order_of_the_items(house: House) -> None:
    """Result i is that of item i, over any number of chunks, with bad items between good ones."""
    house.use_cases.answers["pay_many"] = pay_each
    count = 2 * CHUNK_ITEMS + 7
    items = [b"" if at % 5 == 0 else item(f"key-{at}") for at in range(count)]
    found = await results(house, batch(*items))
    keys = [result.response.payment.idempotency_key for result in found]
    assert keys == ["" if at % 5 == 0 else f"key-{at}" for at in range(count)]
    assert [result.HasField("error") for result in found] == [at % 5 == 0 for at in range(count)]


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        (TORN, "PayRequest"),
        (b"\x0a\x01\xff", "PayRequest"),
        (samples.pay_request().SerializeToString() + UNKNOWN, "127"),
    ],
    ids=["torn", "not UTF-8", "unknown field"],
)
async def test_a_bad_item_fails_alone(house: House, bad: bytes, path: str) -> None:
    """Bytes that are no payment, or that mean more than is known, spoil no other item."""
    found = await results(house, batch(item("key-1"), bad, item("key-2")))
    assert [result.WhichOneof("result") for result in found] == ["response", "error", "response"]
    (_, commands, _) = house.asked[0]
    assert [command.idempotency_key for command in commands] == ["key-1", "key-2"]
    assert found[1].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert _violations(found[1].error) == {path}


def _violations(status: status_pb2.Status) -> set[str]:
    request = error_details_pb2.BadRequest()
    assert any(detail.Unpack(request) for detail in status.details)
    return {violation.field for violation in request.field_violations}


async def test_items_are_refused_for_what_pay_refuses(house: House) -> None:
    """Every way to be wrong is found in an item too, and named from the item on."""
    rows: list[tuple[Change, str]] = PAY_ROWS
    items = []
    for change, _ in rows:
        request = samples.pay_request()
        change(request)
        items.append(request)
    found = await results(house, batch(*items))
    assert [_violations(result.error) for result in found] == [{path} for _, path in rows]
    assert house.asked == []


@pytest.mark.parametrize(
    "error",
    [
        key_mismatch(),
        Refused(Reason.CHANNEL_NOT_ENABLED, "No."),
        Overloaded(Reason.OVERLOADED, "No.", retry_after_s=0.2),
        Unavailable(Reason.COMMIT_UNKNOWN, "No.", retry_after_s=1.5),
    ],
    ids=lambda error: error.reason,
)
async def test_an_error_of_an_item_says_what_pay_says(house: House, error: GatewayError) -> None:
    """Code, message and details are those that the call alone would have ended with."""
    house.use_cases.answers["pay"] = error
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await house.send("Pay", item("key-1"))
    alone = dict(caught.value.trailing_metadata() or ())["grpc-status-details-bin"]
    house.use_cases.answers["pay_many"] = [PaymentAnswer(samples.payment(), replayed=False), error]
    paid, failed = await results(house, batch(item("key-1"), item("key-2")))
    assert paid.HasField("response")
    assert failed.error == status_pb2.Status.FromString(alone)


async def test_a_fault_of_an_item_is_hidden_and_logged(house: House) -> None:
    """An item that met a fault of ours names an incident, under which the log has a line."""
    house.use_cases.answers["pay_many"] = [GatewayError(Reason.INTERNAL, "secret 4111")]
    (result,) = await results(house, batch(item("key-1")))
    ((level, event, fields),) = [line for line in house.log.lines if line[1] != "rpc"]
    assert (level, event, fields["items"]) == ("error", "rpc_item_faults", 1)
    assert result.error == status_for(RuntimeError(), fields["incident"])
    assert "secret" not in str(result)


async def test_the_line_of_a_batch(house: House) -> None:
    """A batch leaves one line, which says how many items it had and nothing of what is in them."""
    await results(house, batch(item("key-1"), b"", item("key-2")))
    ((level, fields),) = house.log.calls()
    assert (level, fields["code"], fields["items"]) == ("debug", "OK", "3")
    assert "key-1" not in str(fields)
    assert "key_hash" not in fields


async def test_an_error_of_the_whole_batch(house: House) -> None:
    """What concerns all items is an error of the call."""
    house.use_cases.answers["pay_many"] = Overloaded(Reason.OVERLOADED, "No.", retry_after_s=0.2)
    refusal = await house.refusal("BatchPay", batch(item("key-1")))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert refusal.pushback_ms == "200"


@pytest.mark.parametrize("answered", [0, 1, 3])
async def test_as_many_answers_as_payments(house: House, answered: int) -> None:
    """Answers that cannot be told to their items are a fault, not somebody else's answers."""
    paid = PaymentAnswer(samples.payment(), replayed=False)
    house.use_cases.answers["pay_many"] = [paid] * answered
    refusal = await house.refusal("BatchPay", batch(item("key-1"), item("key-2")))
    assert refusal.code is grpc.StatusCode.INTERNAL


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b"", "payments"),
        (batch(*[b""] * (ITEMS_MAX + 1)), "payments"),
        (batch(b"") + UNKNOWN, "127"),
        (batch(b"") + TORN, "BatchPayRequest"),
    ],
    ids=["no item", "too many items", "unknown field", "torn"],
)
async def test_what_the_whole_batch_is_refused_for(house: House, data: bytes, path: str) -> None:
    """The number of items, and what stands beside them, concern the whole call."""
    await assert_refused(house, "BatchPay", data, path)


async def test_a_full_batch_is_served(house: House) -> None:
    """As many items as the contract allows, of a usual size, pass through the transport."""
    found = await results(house, batch(*[item("key-1")] * ITEMS_MAX))
    assert len(found) == ITEMS_MAX


def test_a_full_batch_has_room_for_large_items() -> None:
    """The bound on messages leaves what the contract says to each item of a full batch."""
    assert RECEIVE_BYTES_MAX // ITEMS_MAX >= 1_000


async def test_the_answer_is_bounded() -> None:
    """The largest answer is below what the contract tells callers to let in."""
    assert ITEMS_MAX * (DETAILS_BYTES_MAX + MESSAGE_BYTES_MAX) < ANSWER_BYTES_MAX
    request = samples.pay_request()
    request.attributes.update({f"k{at}": "\x00" for at in range(50)})
    worst = batch(*[request] * (CHUNK_ITEMS * 2))
    answer = await served(UseCases(), worst, Deadline.after(5))
    assert len(answer) / (CHUNK_ITEMS * 2) < DETAILS_BYTES_MAX + MESSAGE_BYTES_MAX


async def test_others_have_their_turn() -> None:
    """Reading and writing a large batch never holds the event loop for more than a chunk."""
    turns = {"reading": 0, "writing": 0}
    phase = "reading"

    async def pay_many(
        commands: Sequence[PayCommand], deadline: Deadline
    ) -> Sequence[PaymentAnswer]:
        nonlocal phase
        phase = "writing"
        return await pay_each(commands, deadline)

    async def other() -> None:
        while True:
            turns[phase] += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    data = batch(*[item("key-1")] * (10 * CHUNK_ITEMS))
    await served(UseCases(pay_many=pay_many), data, Deadline.after(5))
    beside.cancel()
    assert min(turns.values()) >= 9


@pytest.mark.parametrize(
    ("left_s", "kept_s"), [(60.0, CHUNK_ITEMS * ITEM_ANSWER_S), (1e-3, 5e-4), (0.0, 0.0)]
)
async def test_time_is_kept_to_write_the_answer(left_s: float, kept_s: float) -> None:
    """Who pays must be done early enough for all results, but never has less than half the time."""
    use_cases = UseCases(pay_many=pay_each)
    given = Deadline.after(left_s)
    await served(use_cases, batch(*[item("key-1")] * CHUNK_ITEMS), given)
    _, _, deadline = use_cases.asked[0]
    kept = given.moment - deadline.moment
    assert 0 <= kept <= kept_s + 1e-9
    assert left_s < 1 or kept == pytest.approx(kept_s)
