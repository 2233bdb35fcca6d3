"""Generate the client's stubs and its descriptor set from the protos in this folder.

The protos carry their constraints as protovalidate annotations, whose own proto ships inside the
protovalidate package. Generated code that imported it would force that package on every caller, so
the import is dropped from the compiled descriptors before the stubs are made: the annotations stay
behind as options that only the server reads. Run it with `make protos`; a test checks that what is
committed is what it makes.
"""

import importlib.resources
import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2
from google.rpc import status_pb2
from grpc_tools import protoc
from protovalidate._gen.buf.validate.validate_pb import desc as validate_descriptor

PROTOS = Path(__file__).resolve().parent
OUTPUT = PROTOS.parent / "clients" / "python"
ANNOTATIONS = "buf/validate/validate.proto"
DESCRIPTOR_SET = Path("paymentgateway") / "descriptors.binpb"


def main(output: Path = OUTPUT) -> None:
    """Write the stubs, their types and the descriptor set below `output`."""
    with tempfile.TemporaryDirectory() as folder:
        stripped = Path(folder) / "stripped.binpb"
        stripped.write_bytes(_without_annotations(_compile(Path(folder))).SerializeToString())
        _generate(stripped, output)
    _package_files(output)


def _compile(folder: Path) -> descriptor_pb2.FileDescriptorSet:
    imported = folder / "imported.binpb"
    imported.write_bytes(_imported().SerializeToString())
    compiled = folder / "compiled.binpb"
    _protoc(
        f"--proto_path={PROTOS}",
        f"--proto_path={importlib.resources.files('grpc_tools') / '_proto'}",
        f"--descriptor_set_in={imported}",
        f"--descriptor_set_out={compiled}",
        "--include_imports",
        "--include_source_info",
        *_names(),
    )
    return descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes())


def _imported() -> descriptor_pb2.FileDescriptorSet:
    """Give what our protos import and the compiler does not ship: both come with a package."""
    annotations = validate_descriptor().proto.to_binary()
    files = (annotations, status_pb2.DESCRIPTOR.serialized_pb)
    return descriptor_pb2.FileDescriptorSet(
        file=[descriptor_pb2.FileDescriptorProto.FromString(file) for file in files]
    )


def _without_annotations(
    compiled: descriptor_pb2.FileDescriptorSet,
) -> descriptor_pb2.FileDescriptorSet:
    kept = [file for file in compiled.file if file.name != ANNOTATIONS]
    for file in kept:
        dependencies = [name for name in file.dependency if name != ANNOTATIONS]
        del file.dependency[:]
        file.dependency.extend(dependencies)
    return descriptor_pb2.FileDescriptorSet(file=kept)


def _generate(stripped: Path, output: Path) -> None:
    (output / DESCRIPTOR_SET).parent.mkdir(parents=True, exist_ok=True)
    (output / DESCRIPTOR_SET).write_bytes(_without_comments(stripped))
    plugins = Path(sys.executable).parent
    _protoc(
        f"--descriptor_set_in={stripped}",
        f"--plugin=protoc-gen-mypy={plugins / 'protoc-gen-mypy'}",
        f"--python_out={output}",
        f"--mypy_out=quiet:{output}",
        *_names(),
    )
    _protoc(
        f"--descriptor_set_in={stripped}",
        f"--plugin=protoc-gen-mypy_grpc={plugins / 'protoc-gen-mypy_grpc'}",
        f"--grpc_python_out={output}",
        f"--mypy_grpc_out=quiet:{output}",
        *(name for name in _names() if name.endswith("_service.proto")),
    )


def _without_comments(stripped: Path) -> bytes:
    descriptors = descriptor_pb2.FileDescriptorSet.FromString(stripped.read_bytes())
    for file in descriptors.file:
        file.ClearField("source_code_info")
    return descriptors.SerializeToString(deterministic=True)


def _package_files(output: Path) -> None:
    (output / "paymentgateway" / "v1" / "__init__.py").write_text(
        '"""Generated messages and stubs of the package paymentgateway.v1. Do not edit."""\n'
    )


def _names() -> list[str]:
    return sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))


def _protoc(*arguments: str) -> None:
    if protoc.main(["protoc", *arguments]) != 0:
        raise SystemExit("protoc refused the protos; its message stands above.")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]))
