"""`gateway channels`: what the channels can do."""

import json
from argparse import ArgumentParser, Namespace

from gateway.app import capabilities
from gateway.cli.command import DONE, Command, Environ
from gateway.config import load_settings


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--all", action="store_true", help="those that are not configured too")
    parser.add_argument("--json", action="store_true", help="a JSON array, for scripts")


def run(arguments: Namespace, environ: Environ) -> int:
    """Print the table."""
    found = capabilities.describe(load_settings(environ), all_known=arguments.all)
    if arguments.json:
        print(json.dumps(capabilities.fields(found), indent=2))
    elif found:
        print(capabilities.table(found))
    else:
        print("No channel is configured; --all shows those that there are.")
    return DONE


COMMAND = Command(
    name="channels",
    summary="show what the channels can do",
    description=(
        "Prints a table of the configured channels: ways of paying, currencies, bounds of amounts "
        "and times, refunds, and which numbers can be closed. What a channel cannot do the "
        "gateway refuses before anything is sent, so this is also what callers may ask for. Keys "
        "are read, and nobody is called."
    ),
    exits={0: "it is printed"},
    run=run,
    examples=["gateway channels", "gateway channels --all"],
    settings=(
        "sandbox_url",
        "wechat_url",
        "alipay_url",
        "douyin_url",
        "unionpay_url",
        "carrier_url",
    ),
    add_arguments=add_arguments,
)
