"""From the commands to one argument parser, with a level for each word of a command's name.

Only the module of the command that was named is loaded: loading all of them takes seconds, because
together they know everything that the gateway can do.
"""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from gateway.cli.command import Command
from gateway.cli.version import VERSION

MODULES: Final[Mapping[str, Sequence[str]]] = {
    "serve": ["COMMAND"],
    "sandbox": ["COMMAND"],
    "emulate": [],
    "migrate": ["COMMAND"],
    "ledger": ["CHECK", "RESERVE", "FUND"],
    "reviews": ["LIST", "RESOLVE", "QUARANTINE"],
    "channels": ["COMMAND"],
    "bills": ["COMMAND"],
    "health": ["COMMAND"],
    "doctor": ["COMMAND"],
    "config": ["COMMAND"],
    "version": ["COMMAND"],
}
"""Modules of this package by the first word of their commands, and what their commands are called
there; `emulate` makes its own, one per stand-in.
"""

GROUPS: Final = {
    "bills": "what channels say they moved, day by day",
    "emulate": "strict stand-ins for real payment channels",
    "ledger": "the books: check them, prove and fund the reserve",
    "reviews": "what waits for a person's decision, and what was not believed",
}

EPILOG: Final = """exit codes:
  0  it is so
  1  it is not so (not ready, not healthy, not balanced, ...)
  2  it could not be tried: wrong command line or configuration, or something needed is away

Configuration comes from environment variables GATEWAY_...; `gateway config` prints those in force,
`gateway config --markdown` describes all. `gateway COMMAND --help` says more about each command."""


def commands(words: Sequence[str] = ()) -> Iterator[Command]:
    """Give the commands that a command line may mean: of the module that it names, or all."""
    first, second = [*words, "", ""][:2]
    for name in [first] if first in MODULES else MODULES:
        module: Any = import_module(f"gateway.cli.{name}")
        yield from (getattr(module, constant) for constant in MODULES[name])
        if name == "emulate":
            yield from module.commands(second)


def make_parser(words: Sequence[str] = ()) -> ArgumentParser:
    """Make the parser for a command line, of the whole without one; what it parses has `run`."""
    parser = ArgumentParser(
        prog="gateway",
        description="A payment gateway: pay, refund and query over gRPC, with books that balance.",
        epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=VERSION)
    top = _level(parser)
    groups = {}
    for command in commands(words):
        first, _, second = command.name.partition(" ")
        if second and first not in groups:
            group = top.add_parser(first, help=GROUPS[first], description=GROUPS[first])
            groups[first] = _level(group)
        level = groups[first] if second else top
        command.fill(level.add_parser(second or first, help=command.summary, allow_abbrev=False))
    return parser


def _level(parser: ArgumentParser) -> Any:
    return parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
