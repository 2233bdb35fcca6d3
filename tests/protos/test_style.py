"""The style of the contract: what every service, message, field and enum must look like.

The rules are those of the usual proto linters, checked on compiled descriptors with their comments,
so they need no tool besides the compiler. A caller reads the comments instead of our code, and the
shapes leave room to grow: every RPC has messages of its own, zero never means anything, money is
never a float, and no number is of a kind that some language lacks.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    ServiceDescriptorProto,
)

from protos import generate
from tests.protos.sample import FOLDER, PACKAGE, compiled

FLOATING = {FieldDescriptorProto.TYPE_DOUBLE, FieldDescriptorProto.TYPE_FLOAT}
UNSIGNED = {
    FieldDescriptorProto.TYPE_UINT32,
    FieldDescriptorProto.TYPE_UINT64,
    FieldDescriptorProto.TYPE_FIXED32,
    FieldDescriptorProto.TYPE_FIXED64,
}
# Field numbers of descriptor.proto, by which the compiler says where a comment stands.
MESSAGES, ENUMS, SERVICES = 4, 5, 6
FIELDS, NESTED_MESSAGES, NESTED_ENUMS, ONEOFS = 2, 3, 4, 8
METHODS = VALUES = 2

Place = tuple[int, ...]


def _named(file: FileDescriptorProto) -> Iterator[tuple[str, Place]]:
    """Yield everything in a file that must have a comment: its name, and where it stands."""
    for at, service in enumerate(file.service):
        yield service.name, (SERVICES, at)
        for below, method in enumerate(service.method):
            yield f"{service.name}.{method.name}", (SERVICES, at, METHODS, below)
    for at, message in enumerate(file.message_type):
        yield from _named_in_message(message, message.name, (MESSAGES, at))
    for at, enum in enumerate(file.enum_type):
        yield from _named_in_enum(enum, enum.name, (ENUMS, at))


def _named_in_message(
    message: DescriptorProto, name: str, place: Place
) -> Iterator[tuple[str, Place]]:
    if message.options.map_entry:  # made by the compiler, for a map
        return
    yield name, place
    for at, field in enumerate(message.field):
        yield f"{name}.{field.name}", (*place, FIELDS, at)
    for at, oneof in enumerate(message.oneof_decl):
        if not oneof.name.startswith("_"):  # made by the compiler, for an optional field
            yield f"{name}.{oneof.name}", (*place, ONEOFS, at)
    for at, nested in enumerate(message.nested_type):
        yield from _named_in_message(nested, f"{name}.{nested.name}", (*place, NESTED_MESSAGES, at))
    for at, enum in enumerate(message.enum_type):
        yield from _named_in_enum(enum, f"{name}.{enum.name}", (*place, NESTED_ENUMS, at))


def _named_in_enum(
    enum: EnumDescriptorProto, name: str, place: Place
) -> Iterator[tuple[str, Place]]:
    yield name, place
    for at, value in enumerate(enum.value):
        yield f"{name}.{value.name}", (*place, VALUES, at)


def _messages(above: FileDescriptorProto | DescriptorProto) -> Iterator[DescriptorProto]:
    """Yield every message below a file or message, but for the compiler's map entries."""
    below = above.message_type if isinstance(above, FileDescriptorProto) else above.nested_type
    for message in below:
        if not message.options.map_entry:
            yield message
            yield from _messages(message)


def _comment_faults(file: FileDescriptorProto) -> Iterator[str]:
    commented = {
        tuple(location.path)
        for location in file.source_code_info.location
        if location.leading_comments.strip()
    }
    for name, place in _named(file):
        if place not in commented:
            yield f"{name} has no comment"


def _service_faults(service: ServiceDescriptorProto) -> Iterator[str]:
    if not service.name.endswith("Service"):
        yield f"{service.name} does not end in Service"
    for method in service.method:
        if method.input_type != f".{PACKAGE}.{method.name}Request":
            yield f"{service.name}.{method.name} does not take {method.name}Request"
        if method.output_type != f".{PACKAGE}.{method.name}Response":
            yield f"{service.name}.{method.name} does not return {method.name}Response"


def _names_its_owner(request: DescriptorProto) -> bool:
    """Whether field 1 is the merchant or payer it is about, or requests that each name theirs."""
    first = request.field[0] if request.field else FieldDescriptorProto()
    kind = first.type_name.removeprefix(f".{PACKAGE}.")
    if first.number != 1:
        return False
    if first.type == FieldDescriptorProto.TYPE_STRING:
        return first.name in ("merchant_id", "payer_id")
    if first.label == FieldDescriptorProto.LABEL_REPEATED:
        return kind.endswith("Request")
    return kind == "Payer"


def _message_faults(message: DescriptorProto) -> Iterator[str]:
    if message.name.endswith("Request") and not _names_its_owner(message):
        yield f"{message.name} does not begin with the merchant or payer that it is about"
    for field in message.field:
        name = f"{message.name}.{field.name}"
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", field.name):
            yield f"{name} is not in lower_snake_case"
        if field.type in FLOATING:
            yield f"{name} is a floating-point number"
        if field.type in UNSIGNED:
            yield f"{name} is unsigned"
        if field.type_name == ".google.protobuf.Timestamp" and "_time" not in field.name:
            yield f"{name} is a moment, but no …_time"
    for enum in message.enum_type:
        yield f"{message.name}.{enum.name} is not at the top level"


def _enum_faults(enum: EnumDescriptorProto) -> Iterator[str]:
    prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper()
    if (enum.value[0].name, enum.value[0].number) != (f"{prefix}_UNSPECIFIED", 0):
        yield f"{enum.name} does not begin with {prefix}_UNSPECIFIED = 0"
    for value in enum.value:
        if not value.name.startswith(f"{prefix}_"):
            yield f"{enum.name}.{value.name} does not begin with {prefix}_"


def _faults(file: FileDescriptorProto) -> list[str]:
    """List everything in one compiled file that breaks the style."""
    found = [*_comment_faults(file)]
    if file.package != PACKAGE or not file.name.startswith(FOLDER):
        found.append(f"{file.name} is not in the folder that its package {file.package} names")
    for service in file.service:
        found += _service_faults(service)
    for message in _messages(file):
        found += _message_faults(message)
    for enum in file.enum_type:
        found += _enum_faults(enum)
    return found


def test_the_contract_keeps_the_style(tmp_path: Path) -> None:
    """Every proto of ours keeps every rule of the style."""
    files = [file for file in generate._compile(tmp_path).file if file.name.startswith(FOLDER)]
    found = [f"{file.name}: {fault}" for file in files for fault in _faults(file)]
    assert files
    assert not found, "\n".join(found)


def test_no_two_methods_share_a_name(tmp_path: Path) -> None:
    """Each RPC has messages of its own, because no other RPC has its name."""
    methods = [
        method.name
        for file in generate._compile(tmp_path).file
        for service in file.service
        for method in service.method
    ]
    assert len(methods) == len(set(methods))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("message A {}", "A has no comment"),
        ("/* A. */ message A { string b = 1; }", "A.b has no comment"),
        ("/* A. */ message A { /* B. */ message B { string c = 1; } }", "A.B.c has no comment"),
        ("/* A. */ enum A { /* Z. */ A_UNSPECIFIED = 0; A_B = 1; }", "A.A_B has no comment"),
        (
            "/* A. */ message A { oneof b { /* C. */ string c = 1; } }",
            "A.b has no comment",
        ),
        ("/* A. */ service A {}", "A does not end in Service"),
        (
            """/* A. */ message A {}
            /* R. */ message BResponse {}
            /* S. */ service BService { /* B. */ rpc B(A) returns (BResponse); }""",
            "BService.B does not take BRequest",
        ),
        (
            """/* R. */ message BRequest { /* M. */ string merchant_id = 1; }
            /* S. */ service BService { /* B. */ rpc B(BRequest) returns (BRequest); }""",
            "BService.B does not return BResponse",
        ),
        (
            "/* R. */ message BRequest { /* M. */ string merchant_id = 2; }",
            "BRequest does not begin with the merchant or payer that it is about",
        ),
        (
            "/* R. */ message BRequest { /* C. */ string currency_code = 1; }",
            "BRequest does not begin with the merchant or payer that it is about",
        ),
        (
            "/* R. */ message BRequest { /* B. */ repeated C c = 1; } /* C. */ message C {}",
            "BRequest does not begin with the merchant or payer that it is about",
        ),
        ("/* A. */ message A { /* B. */ string b__c = 1; }", "A.b__c is not in lower_snake_case"),
        ("/* A. */ message A { /* B. */ double b = 1; }", "A.b is a floating-point number"),
        ("/* A. */ message A { /* B. */ repeated uint32 b = 1; }", "A.b is unsigned"),
        (
            """import "google/protobuf/timestamp.proto";
            /* A. */ message A { /* B. */ google.protobuf.Timestamp b_at = 1; }""",
            "A.b_at is a moment, but no …_time",
        ),
        (
            "/* A. */ message A { /* B. */ enum B { /* Z. */ B_UNSPECIFIED = 0; } }",
            "A.B is not at the top level",
        ),
        ("/* A. */ enum A { /* Z. */ A_NONE = 0; }", "A does not begin with A_UNSPECIFIED = 0"),
        (
            "/* A. */ enum AbC { /* Z. */ AB_C_UNSPECIFIED = 0; /* B. */ B = 1; }",
            "AbC.B does not begin with AB_C_",
        ),
    ],
)
def test_a_fault_of_style_is_found(text: str, fault: str, tmp_path: Path) -> None:
    """Each rule reports the element that breaks it, and nothing else."""
    assert _faults(compiled(text, tmp_path).file[0]) == [fault]
