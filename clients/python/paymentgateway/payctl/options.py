"""Groups of options that more than one command has."""

import argparse
import math
from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from google.protobuf.descriptor import EnumDescriptor

from paymentgateway.client import DEADLINE_S_DEFAULT, TARGET_DEFAULT, GatewayClient
from paymentgateway.payctl.environment import TARGET_VARIABLE
from paymentgateway.payctl.output import Printer
from paymentgateway.payctl.parsing import enum_names, enum_value, expiry, fields_help, moment
from paymentgateway.v1.payment_pb2 import SandboxScript

if TYPE_CHECKING:  # argparse has no public name for what add_subparsers returns
    Verbs: TypeAlias = argparse._SubParsersAction[ArgumentParser]  # noqa: SLF001

SANDBOX_EPILOG: Final = f"""\
sandbox scripts:
  Without a script the sandbox channel succeeds at once. --sandbox FIELD=VALUE,FIELD=VALUE is the
  script for the charge or the payout; with "capture:" or "refund:" in front it is the one for each
  capture or refund of this payment. Each may be given once:

    --sandbox outcome=decline,decline_code=EXPIRED_CARD
    --sandbox outcome=answer_later,settle_delay_ms=2000 --sandbox refund:fault=drop_reply

{fields_help(SandboxScript)}
"""

EXPIRE_HELP: Final = (
    "close it unpaid after 90s, 15m, 2h or 7d, or at 2026-01-31T12:00:00Z (default: 15m)"
)

Command: TypeAlias = Callable[[GatewayClient, Namespace, Printer], Awaitable[int]]

COUNT_DEFAULT: Final = 50
COUNT_MAX: Final = 10_000
"""Bound of what one list shows. Scripts that need more walk on by time."""


def everywhere(*, defaults: bool) -> ArgumentParser:
    """Options of every command, allowed before it, with their defaults, and after it, without."""
    options = ArgumentParser(add_help=False, argument_default=SUPPRESS)
    group = options.add_argument_group("connection and output")
    address = f"of the gateway (default: {TARGET_VARIABLE}, or else {TARGET_DEFAULT})"
    group.add_argument("--target", metavar="HOST:PORT", help=address)
    group.add_argument("--tls-ca", type=Path, metavar="PEM", help="trust these; turns TLS on")
    group.add_argument("--tls-cert", type=Path, metavar="PEM", help="own certificate; turns TLS on")
    group.add_argument("--tls-key", type=Path, metavar="PEM", help="private key of --tls-cert")
    group.add_argument(
        "--deadline",
        type=_seconds,
        metavar="SECONDS",
        help=f"of each call, with all its retries (default {DEADLINE_S_DEFAULT:g})",
    )
    group.add_argument("--json", action="store_true", help="one line of JSON for each message")
    if defaults:
        options.set_defaults(target=None, tls_ca=None, tls_cert=None, tls_key=None)
        options.set_defaults(deadline=DEADLINE_S_DEFAULT, json=False)
    return options


def command(
    verbs: "Verbs", name: str, run: Command, summary: str, epilog: str | None = None
) -> ArgumentParser:
    """Add a command."""
    verb = verbs.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=epilog,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
        parents=[everywhere(defaults=False)],
    )
    verb.set_defaults(run=run, keyed=False)
    return verb


def merchant(verb: ArgumentParser) -> None:
    """Add the merchant that the command is about."""
    verb.add_argument("--merchant", required=True, metavar="ID", help="merchant it is about")


def keyed(verb: ArgumentParser) -> None:
    """Add merchant and key of a command that moves money of a merchant."""
    merchant(verb)
    key(verb)


def key(verb: ArgumentParser) -> None:
    """Add the key of a command that moves money."""
    verb.add_argument("--key", metavar="KEY", help="key of this intent; made where none is given")
    verb.set_defaults(keyed=True)


def expire(verb: ArgumentParser) -> None:
    """Add the end of what stays unpaid."""
    verb.add_argument("--expire", type=expiry, metavar="WHEN", help=EXPIRE_HELP)


def method(verb: ArgumentParser, *, or_wallet: bool = False) -> None:
    """Add how is paid: the scripts of the sandbox channel (SANDBOX_EPILOG), or the wallet."""
    summary, add = "how the sandbox channel behaves for it; see below", verb.add_argument
    if or_wallet:
        add = verb.add_mutually_exclusive_group().add_argument
        add("--wallet", action="store_true", help="from the payer's wallet")
    add("--sandbox", action="append", default=[], metavar="SCRIPT", help=summary)


def amount(verb: ArgumentParser) -> None:
    """Add an amount that may be left out."""
    verb.add_argument("amount", nargs="?", metavar="AMOUNT", help="such as 2.50; default all")
    verb.add_argument("currency", nargs="?", metavar="CURRENCY", help="such as CNY")


def lookup(verb: ArgumentParser, dest: str) -> None:
    """Add the two ways to name one object of a merchant: its id, or its key."""
    merchant(verb)
    by = verb.add_mutually_exclusive_group(required=True)
    by.add_argument(dest, nargs="?", metavar=f"{dest.upper()}_ID")
    by.add_argument("--key", metavar="KEY", help="key that created it")


def choice(
    verb: ArgumentParser, name: str, enum: EnumDescriptor, default: str | None, meaning: str
) -> None:
    """Add an option that takes a name of an enum."""
    end = "" if default is None else f" (default {default})"
    summary = f"{meaning}: {', '.join(enum_names(enum))}{end}"
    read = enum_value(enum)
    # argparse reads a default that is text as if it had been typed
    verb.add_argument(name, type=read, default=default, metavar="NAME", help=summary)


def state(verb: ArgumentParser, enum: EnumDescriptor) -> None:
    """Add a filter by state; 0, which no name stands for, lets every state pass."""
    names = f"in this state: {', '.join(enum_names(enum))}"
    verb.add_argument("--state", type=enum_value(enum), default=0, metavar="NAME", help=names)


def created(verb: ArgumentParser) -> None:
    """Add a filter by time."""
    example = "2026-01-31T12:00:00Z"
    verb.add_argument(
        "--from", dest="since", type=moment, metavar="TIME", help=f"created at {example} or later"
    )
    verb.add_argument("--to", dest="until", type=moment, metavar="TIME", help="created before")


def limit(verb: ArgumentParser) -> None:
    """Add the bound of a list."""
    summary = f"show at most so many (default {COUNT_DEFAULT}, up to {COUNT_MAX})"
    verb.add_argument("--limit", type=_count, default=COUNT_DEFAULT, metavar="N", help=summary)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(COUNT_MAX))):
        raise argparse.ArgumentTypeError(f"write a number from 1 to {COUNT_MAX}.")
    count = int(text)
    if not 1 <= count <= COUNT_MAX:
        raise argparse.ArgumentTypeError(f"write a number from 1 to {COUNT_MAX}.")
    return count


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise argparse.ArgumentTypeError("write a number of seconds above 0.")
    return seconds
