"""Small protos made from text, on which the rules about protos are themselves tested."""

import importlib.resources
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

PACKAGE = "paymentgateway.v1"
FOLDER = "paymentgateway/v1/"


def compiled(text: str, folder: Path, name: str = "sample") -> FileDescriptorSet:
    """Compile one file that holds `text` after the lines that each proto begins with."""
    source = folder / FOLDER / f"{name}.proto"
    source.parent.mkdir(parents=True, exist_ok=True)
    lines = text.replace("/*", "\n/*")  # the compiler ties a comment to what follows on a new line
    source.write_text(f'syntax = "proto3";\npackage {PACKAGE};\n{lines}\n')
    output = folder / "sample.binpb"
    arguments = [
        f"--proto_path={folder}",
        f"--proto_path={importlib.resources.files('grpc_tools') / '_proto'}",
        f"--descriptor_set_out={output}",
        "--include_source_info",
    ]
    assert protoc.main(["protoc", *arguments, str(source)]) == 0
    return FileDescriptorSet.FromString(output.read_bytes())
