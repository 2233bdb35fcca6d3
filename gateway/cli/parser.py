"""From the commands to one argument parser, with a level for each word of a command's name."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any, Final

from gateway.cli import (
    bills,
    channels,
    config,
    doctor,
    emulate,
    health,
    ledger,
    migrate,
    reviews,
    sandbox,
    serve,
    version,
)
from gateway.cli.command import Command

COMMANDS: Final[tuple[Command, ...]] = (
    serve.COMMAND,
    sandbox.COMMAND,
    *emulate.COMMANDS,
    migrate.COMMAND,
    ledger.CHECK,
    ledger.RESERVE,
    ledger.FUND,
    reviews.LIST,
    reviews.RESOLVE,
    reviews.QUARANTINE,
    channels.COMMAND,
    bills.COMMAND,
    health.COMMAND,
    doctor.COMMAND,
    config.COMMAND,
    version.COMMAND,
)
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


def make_parser() -> ArgumentParser:
    """Make the parser of the whole command line; what it parses has `run`."""
    parser = ArgumentParser(
        prog="gateway",
        description="A payment gateway: pay, refund and query over gRPC, with books that balance.",
        epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=version.VERSION)
    top = _level(parser)
    groups = {}
    for command in COMMANDS:
        first, _, second = command.name.partition(" ")
        if second and first not in groups:
            group = top.add_parser(first, help=GROUPS[first], description=GROUPS[first])
            groups[first] = _level(group)
        level = groups[first] if second else top
        command.fill(level.add_parser(second or first, help=command.summary, allow_abbrev=False))
    return parser


def _level(parser: ArgumentParser) -> Any:
    return parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
