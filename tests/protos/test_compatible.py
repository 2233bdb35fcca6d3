"""The contract stays compatible with every caller that was ever built against it.

`baseline.binpb` holds the descriptors of the last release. Whatever it holds must still be there,
under the same number, name and type, and in the same file, because generated Python is imported by
file. A field or value may only go if its number and its name stay reserved, and what is reserved
stays so for ever. Additions are free. `make baseline` renews the baseline; do it on purpose, at a
release, after this test has passed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

from protos import generate
from tests.protos.sample import FOLDER, compiled

BASELINE = Path(__file__).parent / "baseline.binpb"


@dataclass(frozen=True)
class Member:
    """One field, value or method: all of it that the wire, JSON or generated code depends on."""

    name: str
    number: int | None = None  # a method has none
    text: str = ""

    def __str__(self) -> str:
        """Show it in one line."""
        number = "" if self.number is None else f"= {self.number}"
        return " ".join(word for word in (self.name, number, self.text) if word)


@dataclass(frozen=True)
class Element:
    """What must stay as it is of one message, enum or service."""

    file: str
    members: dict[int | str, Member]  # fields and values by number, methods by name
    reserved: list[range] = field(default_factory=list)
    reserved_names: set[str] = field(default_factory=set)


def _field(message: DescriptorProto, item: FieldDescriptorProto) -> Member:
    label = FieldDescriptorProto.Label.Name(item.label).removeprefix("LABEL_").lower()
    kind = FieldDescriptorProto.Type.Name(item.type).removeprefix("TYPE_").lower()
    words = [label, kind, item.type_name, f"json {item.json_name}"]
    if item.HasField("oneof_index"):
        words.append(f"in {message.oneof_decl[item.oneof_index].name}")
    return Member(item.name, item.number, " ".join(word for word in words if word))


def _message(file: str, message: DescriptorProto) -> Element:
    return Element(
        file,
        {item.number: _field(message, item) for item in message.field},
        [range(item.start, item.end) for item in message.reserved_range],
        set(message.reserved_name),
    )


def _enum(file: str, enum: EnumDescriptorProto) -> Element:
    return Element(
        file,
        {item.number: Member(item.name, item.number) for item in enum.value},
        [range(item.start, item.end + 1) for item in enum.reserved_range],
        set(enum.reserved_name),
    )


def _service(file: str, service: ServiceDescriptorProto) -> Element:
    members: dict[int | str, Member] = {}
    for item in service.method:
        takes = "stream " * item.client_streaming + item.input_type
        returns = "stream " * item.server_streaming + item.output_type
        members[item.name] = Member(item.name, text=f"{takes} returns {returns}")
    return Element(file, members)


def _elements(descriptors: FileDescriptorSet) -> dict[str, Element]:
    """Map the full name of every message, enum and service of ours to what must stay of it."""
    found: dict[str, Element] = {}
    for file in descriptors.file:
        if file.name.startswith(FOLDER):
            found |= dict(_in_file(file))
    return found


def _in_file(file: FileDescriptorProto) -> Iterator[tuple[str, Element]]:
    for service in file.service:
        yield f"{file.package}.{service.name}", _service(file.name, service)
    for enum in file.enum_type:
        yield f"{file.package}.{enum.name}", _enum(file.name, enum)
    for message in file.message_type:
        yield from _in_message(file.name, f"{file.package}.{message.name}", message)


def _in_message(file: str, name: str, message: DescriptorProto) -> Iterator[tuple[str, Element]]:
    yield name, _message(file, message)
    for enum in message.enum_type:
        yield f"{name}.{enum.name}", _enum(file, enum)
    for nested in message.nested_type:
        yield from _in_message(file, f"{name}.{nested.name}", nested)


def _is_reserved(member: Member, new: Element) -> bool:
    """Whether a field or value that is gone left its number and its name reserved."""
    return member.name in new.reserved_names and any(member.number in span for span in new.reserved)


def _breaks_in(old: Element, new: Element) -> Iterator[str]:
    if new.file != old.file:
        yield f"moved from {old.file} to {new.file}"
    for key, member in old.members.items():
        if key in new.members and new.members[key] != member:
            yield f"({member}) became ({new.members[key]})"
        elif key not in new.members and not _is_reserved(member, new):
            yield f"({member}) is gone"
    for span in old.reserved:
        if not any(span.start in kept and span[-1] in kept for kept in new.reserved):
            yield f"{span.start} to {span[-1]} is no longer reserved"
    for name in sorted(old.reserved_names - new.reserved_names):
        yield f"{name} is no longer reserved"


def _breaks(before: FileDescriptorSet, after: FileDescriptorSet) -> list[str]:
    """List everything in `after` that a caller built against `before` would trip over."""
    old, new = _elements(before), _elements(after)
    found = [f"{name} is gone" for name in old.keys() - new.keys()]
    for name in old.keys() & new.keys():
        found += [f"{name}: {text}" for text in _breaks_in(old[name], new[name])]
    return sorted(found)


def test_the_contract_is_compatible() -> None:
    """Nothing that the last release promised is removed, renumbered, renamed or retyped."""
    before = FileDescriptorSet.FromString(BASELINE.read_bytes())
    after = FileDescriptorSet.FromString((generate.OUTPUT / generate.DESCRIPTOR_SET).read_bytes())
    assert _elements(before)
    found = _breaks(before, after)
    assert not found, "\n".join(found)


BEFORE = """
message A { string b = 1; oneof c { string d = 2; string e = 3; } reserved 8; reserved "h"; }
message B { map<string, A> g = 1; }
enum E { E_UNSPECIFIED = 0; E_F = 1; }
service S { rpc M(A) returns (A); }
"""


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("message B", "message X", "paymentgateway.v1.B is gone"),
        ("enum E", "enum X", "paymentgateway.v1.E is gone"),
        ("service S", "service X", "paymentgateway.v1.S is gone"),
        ("string b = 1;", "", "A: (b = 1 optional string json b) is gone"),
        ("string b = 1;", "reserved 1;", "A: (b = 1 optional string json b) is gone"),
        ("string b = 1;", 'reserved "b";', "A: (b = 1 optional string json b) is gone"),
        ("string b = 1", "string b = 7", "A: (b = 1 optional string json b) is gone"),
        ("string b = 1", "string x = 1", "became (x = 1 optional string json x)"),
        ("string b = 1", "bytes b = 1", "became (b = 1 optional bytes json b)"),
        ("string b = 1", "E b = 1", "became (b = 1 optional enum .paymentgateway.v1.E json b)"),
        ("string b = 1", "repeated string b = 1", "became (b = 1 repeated string json b)"),
        ("string b = 1", "optional string b = 1", "became (b = 1 optional string json b in _b)"),
        ("b = 1", 'b = 1 [json_name = "x"]', "became (b = 1 optional string json x)"),
        ("string e = 3; }", "} string e = 3;", "became (e = 3 optional string json e)"),
        ("map<string, A>", "map<string, E>", "B.GEntry: (value = 2 optional message"),
        ("reserved 8;", "", "A: 8 to 8 is no longer reserved"),
        ('reserved "h";', "", "A: h is no longer reserved"),
        ("E_F = 1;", "", "E: (E_F = 1) is gone"),
        ("E_F = 1", "E_X = 1", "E: (E_F = 1) became (E_X = 1)"),
        ("rpc M(A) returns (A);", "", "S: (M .paymentgateway.v1.A returns"),
        ("(A);", "(stream A);", "returns stream .paymentgateway.v1.A)"),
        ("M(A)", "M(stream A)", "became (M stream .paymentgateway.v1.A returns"),
    ],
)
def test_a_break_is_found(old: str, new: str, found: str, tmp_path: Path) -> None:
    """Each change that would break a caller is reported."""
    assert old in BEFORE
    before = compiled(BEFORE, tmp_path)
    after = compiled(BEFORE.replace(old, new, 1), tmp_path)
    assert found in "\n".join(_breaks(before, after))


def test_a_move_to_another_file_is_found(tmp_path: Path) -> None:
    """A message that moves to another file is reported: Python imports it by that file."""
    breaks = _breaks(compiled(BEFORE, tmp_path), compiled(BEFORE, tmp_path, "other"))
    assert len(breaks) == len(_elements(compiled(BEFORE, tmp_path)))
    assert all("moved from" in text for text in breaks)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("string b = 1;", "string b = 1; string x = 9;"),
        ("string b = 1;", 'reserved 1; reserved "b";'),
        ("string e = 3;", "string e = 3; string x = 9;"),
        ("reserved 8;", "reserved 8 to max;"),
        ("E_F = 1;", "E_F = 1; E_X = 2;"),
        ("E_F = 1;", 'reserved 1; reserved "E_F";'),
        ("rpc M(A) returns (A);", "rpc M(A) returns (A); rpc N(A) returns (A);"),
        ("enum E", "message X {} service Y {} enum Z { Z_UNSPECIFIED = 0; } enum E"),
    ],
)
def test_growth_is_let_pass(old: str, new: str, tmp_path: Path) -> None:
    """Additions, and removals that stay reserved, break nobody."""
    assert old in BEFORE
    before = compiled(BEFORE, tmp_path)
    assert _breaks(before, compiled(BEFORE.replace(old, new, 1), tmp_path)) == []
