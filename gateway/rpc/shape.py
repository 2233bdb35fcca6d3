"""What the bytes alone decide: from the bytes of a request to a message that keeps every rule.

The transport would answer UNKNOWN, with the text of an exception, for bytes that are no message;
here they are INVALID_ARGUMENT like any other bad input. Rules in the protos, rules beside them
(`rules`) and, on calls that move money, the ban on unknown fields are checked together, so one
answer names every violated field. An unknown field of such a call may be what a newer caller means
by the request; executing the rest of it would be another request.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeVar

import protovalidate
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from gateway.domain.errors import InvalidRequest, Reason
from gateway.rpc.call import Method, Rules, Violation

KEY_LENGTH_MAX = 64
"""Characters shown of a map's key in a path."""

MessageT = TypeVar("MessageT", bound=Message)


def read_request(kind: type[MessageT], data: bytes, rules: Rules, *, money: bool) -> MessageT:
    """Read the bytes of a request; `money`: no unknown field is let pass.

    Raises:
        InvalidRequest: with the full path of every violated field.
    """
    try:
        request = kind.FromString(data)
    except DecodeError:
        raise _not_a_message(kind.DESCRIPTOR.name) from None
    found = protovalidate.collect_violations(request)
    beside = tuple(rules(request))
    if found or beside or (money and _has_unknown_fields(request)):
        unknown = _unknown_fields(kind.FromString(data)) if money else ()
        raise _invalid((*map(_named, found), *beside, *unknown))
    return request


def prepare(methods: Iterable[Method]) -> None:
    """Compile the rules of all requests now, not when the first one comes.

    Raises:
        protovalidate.CompilationError: a rule in the protos is wrong.
    """
    for method in methods:
        protovalidate.collect_violations(method.request())


def _not_a_message(name: str) -> InvalidRequest:
    return InvalidRequest(
        Reason.INVALID_REQUEST,
        f"The bytes are not a {name}.",
        violations={name: "is truncated, malformed, or has text that is not UTF-8"},
    )


def _invalid(violations: Iterable[Violation]) -> InvalidRequest:
    """Refuse with all violations; those of one field are put together."""
    fields: dict[str, list[str]] = defaultdict(list)
    for field, rule in violations:
        fields[field].append(rule)
    return InvalidRequest(
        Reason.INVALID_REQUEST,
        f"The request breaks the contract in {len(fields)} field(s); the details name them.",
        violations={field: "; ".join(rules) for field, rules in fields.items()},
    )


def _named(violation: protovalidate.Violation) -> Violation:
    """Name the field of a violated proto rule by its full path, and the rule."""
    found = violation.proto
    elements = found.field.elements if found.field else ()
    path = ".".join(f"{e.field_name}{_subscript(e)}" for e in elements)
    return path, f"key {found.message}" if found.for_key else found.message


def _subscript(element: protovalidate.FieldPathElementPb) -> str:
    if element.subscript is None:
        return ""
    value = element.subscript.value
    # What a caller sends is shown as ASCII, so that nothing in it acts on a terminal or a log.
    return f"[{json.dumps(value[:KEY_LENGTH_MAX] if isinstance(value, str) else value)}]"


def _has_unknown_fields(message: Message) -> bool:
    """Tell whether there are any, nested ones too, by the size that they take; drops them."""
    size = message.ByteSize()
    message.DiscardUnknownFields()
    return message.ByteSize() != size


def _unknown_fields(message: Message, path: str = "") -> Iterator[Violation]:
    """Name each unknown field by the path of its message and its number."""
    unknown = UnknownFieldSet(message)
    for at in range(len(unknown)):
        yield f"{path}{unknown[at].field_number}", "is not a field that this gateway knows"
    for field, value in message.ListFields():
        if isinstance(value, Message):
            yield from _unknown_fields(value, f"{path}{field.name}.")
