"""`gateway ledger check` and `gateway ledger fund`: the books."""

import argparse
import asyncio
import re
from argparse import ArgumentParser, Namespace

from gateway.app import admin
from gateway.cli.command import DONE, UNMET, Command, Environ
from gateway.config import load_settings

MINOR_UNITS_MAX = (1 << 63) - 1

_CURRENCY = re.compile(r"[A-Z]{3}")


def check(_arguments: Namespace, environ: Environ) -> int:
    """Add all books up again, from the transfers alone."""
    report = asyncio.run(admin.check_ledger(load_settings(environ)))
    for line in report.lines:
        print(line)
    return DONE if report.balanced else UNMET


def add_fund_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of `fund`."""
    parser.add_argument(
        "currency", metavar="CURRENCY", type=_currency, help="three capital letters, such as CNY"
    )
    parser.add_argument(
        "minor_units",
        metavar="MINOR_UNITS",
        type=_minor_units,
        help="amount in the smallest unit of the currency: 100 is 1.00 CNY",
    )
    parser.add_argument(
        "--key",
        required=True,
        help="your name for this movement; the same key never moves money twice",
    )


def fund(arguments: Namespace, environ: Environ) -> int:
    """Move money of the platform into its reserve."""
    settings = load_settings(environ)
    print(
        asyncio.run(admin.fund(settings, arguments.currency, arguments.minor_units, arguments.key))
    )
    return DONE


def _currency(text: str) -> str:
    if not _CURRENCY.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not three capital letters, such as CNY")
    return text


def _minor_units(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) <= MINOR_UNITS_MAX):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number of minor units from 1 to {MINOR_UNITS_MAX}"
        )
    return int(text)


CHECK = Command(
    name="ledger check",
    summary="add all books up again and say whether they balance",
    description=(
        "Adds every transfer of the journal up again, per book, account and currency, and compares "
        "the cached balances and the payments with it. It says either that all of it balances or "
        "exactly what does not. It reads one consistent state and changes nothing, so it may run "
        "beside a gateway at work."
    ),
    exits={0: "the books balance", 1: "something does not balance; the lines say what"},
    run=check,
    examples=["gateway ledger check"],
    settings=("database_url", "data_dir"),
)

FUND = Command(
    name="ledger fund",
    summary="move the platform's own money into its reserve",
    description=(
        "Books that the platform put money of its own into the reserve, from which refunds are "
        "advanced for merchants whose balance does not cover them. It moves no money at any bank: "
        "it records that somebody did."
    ),
    exits={0: "it is booked, now or earlier under this key"},
    run=fund,
    examples=["gateway ledger fund CNY 10000000 --key reserve-2026-01"],
    settings=("database_url", "data_dir"),
    add_arguments=add_fund_arguments,
)
