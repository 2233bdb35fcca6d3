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
from typing import Final, TypeVar

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

CHUNK_ITEMS: Final = 100
"""Items that are read or written at a time, before others on the event loop have their turn."""

TWINS: Final = "paymentgateway.twins"
"""Package of the twins, which have the names of their messages otherwise."""

T = TypeVar("T")


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


async def chunks(items: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """Give the items some at a time, and let others have their turn before the next ones."""
    for begin in range(0, len(items), CHUNK_ITEMS):
        if begin:
            await asyncio.sleep(0)
        yield items[begin : begin + CHUNK_ITEMS]
