"""Batches: many requests in one, each read and answered as if it had come alone.

On the wire a message inside another is a length and bytes, just as a field of bytes is. So the
request of a batch is read by a twin of its message, in which the items are bytes until their turn
comes: one that is malformed spoils no other, and no step takes longer than its few items. The
bounds on their number hold as they stand in the proto, because the twin keeps the field's rules.
Answers leave the same way: messages of the same kind, written one after another, are one message
with all their results.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, TypeVar

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from gateway.clock import Deadline
from gateway.domain.errors import GatewayError, InvalidRequest
from gateway.rpc import decode, encode, rules
from gateway.rpc.call import Call, Caller, Desk
from gateway.rpc.settings import ITEM_ANSWER_S, MARGIN_SHARE_MAX
from gateway.rpc.shape import read_request
from gateway.rpc.status import FAULT, verdict_on
from gateway.usecases.commands import PayCommand, PaymentAnswer
from paymentgateway.v1.payment_service_pb2 import PayRequest

CHUNK_ITEMS: Final = 100
"""Items that are read or written at a time, before others on the event loop have their turn."""

TWINS: Final = "paymentgateway.twins"
"""Package of the twins, which have the names of their messages otherwise."""

T = TypeVar("T")


async def batch_pay(desk: Desk, call: Call, request: Any) -> bytes:
    """Take money many times, each item as if it had come alone. The items are still bytes."""
    items: list[PayCommand | InvalidRequest] = []
    async for chunk in _chunks(request.payments):
        items.extend(_read_item(item, call.caller) for item in chunk)
    outcomes = await _pay_many(desk, items, _with_time_to_answer(call.deadline, len(items)))
    call.fields["items"] = str(len(outcomes))
    if faults := sum(map(_is_fault, outcomes)):
        call.fields["incident"] = call.incident
        desk.log.error(
            "rpc_item_faults", items=faults, incident=call.incident, request_id=call.request_id
        )
    return b"".join(
        [
            encode.batch_pay(part, call.incident).SerializeToString()
            async for part in _chunks(outcomes)
        ]
    )


def with_bytes(kind: type[Message], field: str) -> type[Message]:
    """Make the twin of a message in which a repeated message is read as bytes."""
    name = kind.DESCRIPTOR.name
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{TWINS}/{name}", package=TWINS, syntax="proto3"
    )
    twin = file.message_type.add()
    kind.DESCRIPTOR.CopyToProto(twin)
    (item,) = (found for found in twin.field if found.name == field)
    item.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
    item.ClearField("type_name")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{TWINS}.{name}"))


async def _chunks(items: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """Give the items some at a time, and let others have their turn before the next ones."""
    for begin in range(0, len(items), CHUNK_ITEMS):
        if begin:
            await asyncio.sleep(0)
        yield items[begin : begin + CHUNK_ITEMS]


def _read_item(item: bytes, caller: Caller) -> PayCommand | InvalidRequest:
    try:
        request = read_request(PayRequest, item, rules.pay, money=True)
    except InvalidRequest as refusal:
        return refusal
    return decode.pay(request, caller)


async def _pay_many(
    desk: Desk, items: Sequence[PayCommand | InvalidRequest], deadline: Deadline
) -> Sequence[PaymentAnswer | GatewayError]:
    """Pay what can be paid, and put its outcomes between those of what could not be read."""
    commands = {at: item for at, item in enumerate(items) if isinstance(item, PayCommand)}
    paid = await desk.services.pay_many([*commands.values()], deadline) if commands else ()
    answers = dict(zip(commands, paid, strict=True))
    return [
        item if isinstance(item, InvalidRequest) else answers[at] for at, item in enumerate(items)
    ]


def _with_time_to_answer(deadline: Deadline, items: int) -> Deadline:
    """Keep back the time in which the results are written, at most a share of what is left."""
    return deadline.earlier(min(items * ITEM_ANSWER_S, deadline.remaining() * MARGIN_SHARE_MAX))


def _is_fault(outcome: PaymentAnswer | GatewayError) -> bool:
    return isinstance(outcome, GatewayError) and verdict_on(outcome) == FAULT
