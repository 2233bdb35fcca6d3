"""What the load tester's README says is so: options, scenarios, faults, and recipes that parse."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, json_format

from gatewayload.arguments import SCENARIOS, parse, parser
from gatewayload.judge import Fault
from paymentgateway.v1.payment_service_pb2 import PayRequest
from paymentgateway.v1.wallet_service_pb2 import OpenWalletRequest, TopUpRequest

ROOT = Path(__file__).parents[3]
README = (ROOT / "clients" / "loadtest" / "README.md").read_text("utf-8")
COMMAND = re.compile(r"^    gateway-load ((?:.*\\\n)*.*)$", re.MULTILINE)


def commands() -> Iterator[list[str]]:
    for text in COMMAND.findall(README):
        yield text.replace("\\\n", " ").split()


def first_column(heading: str) -> list[str]:
    """Names in the first column of the table with this heading."""
    (table,) = re.findall(rf"^\| {heading} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", README, re.MULTILINE)
    return [row.split("|")[1].strip().strip("`") for row in table.splitlines()]


def test_every_command_can_be_typed() -> None:
    """Each command of the README is one that the program takes."""
    typed = list(commands())
    assert len(typed) >= 2
    for arguments in typed:
        parse(arguments)


def test_every_option_that_is_named_exists() -> None:
    """No option is named in prose that the program does not have."""
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    known = {option for action in parser()._actions for option in action.option_strings}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", prose)) <= known


def test_every_scenario_and_its_options() -> None:
    """The table of scenarios is that of the program, with the options each stands for."""
    assert first_column("scenario") == list(SCENARIOS)
    for name, options in re.findall(r"^\| `(\w+)` \| `(--.*?)`", README, re.MULTILINE):
        written = parse(["--rate", "1", *options.split()]).mix
        assert written == parse(["--rate", "1", "--scenario", name]).mix


def test_every_fault_is_explained() -> None:
    """The table of faults leaves out none, and names none that does not exist."""
    assert first_column("fault") == [str(fault) for fault in Fault]


@pytest.mark.parametrize(
    ("method", "kind"),
    [("OpenWallet", OpenWalletRequest), ("TopUp", TopUpRequest), ("Pay", PayRequest)],
)
def test_the_messages_for_ghz_are_of_the_contract(method: str, kind: type) -> None:
    """What ghz is told to send has the fields of the contract, and no others."""
    pattern = rf"--call paymentgateway\.v1\.\w+/{method} .*?--data '(.*?)'"
    (text,) = re.findall(pattern, README, re.DOTALL)
    filled = text.replace("{{newUUID}}", "k-1").replace("{{.RequestNumber}}", "1")
    json_format.ParseDict(json.loads(filled), kind())


def test_the_message_for_k6_is_of_the_contract() -> None:
    """What k6 is told to send has the fields of the contract, and no others."""
    (text,) = re.findall(r"PaymentService/Pay', (\{.*?\n  \})\);", README, re.DOTALL)
    quoted = re.sub(r"(\w+):", r'"\1":', text.replace("'", '"'))
    plain = re.sub(r": key\b", ': "k-1"', re.sub(r",(\s*\})", r"\1", quoted))
    json_format.ParseDict(json.loads(plain), PayRequest())


def test_the_descriptor_set_is_where_it_is_said_to_be() -> None:
    """The descriptor set that the recipes name exists, and has the services that they call."""
    (path,) = re.findall(r"^DESCRIPTORS=(\S+)$", README, re.MULTILINE)
    read = descriptor_pb2.FileDescriptorSet.FromString((ROOT / path).read_bytes())
    names = {f"{file.package}.{service.name}" for file in read.file for service in file.service}
    called = set(re.findall(r"(paymentgateway\.v1\.\w+Service)/", README))
    assert called <= names
