"""`gateway ledger check`, `gateway ledger reserve` and `gateway ledger fund`: the books."""

import argparse
import asyncio
import json
import re
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime, timedelta

from gateway.app import admin
from gateway.cli.command import DONE, UNMET, Command, Environ
from gateway.config import load_settings

MINOR_UNITS_MAX = (1 << 63) - 1
OVERDUE_DAYS_DEFAULT = 3
OVERDUE_DAYS_MAX = 3_650

_CURRENCY = re.compile(r"[A-Z]{3}")


def check(_arguments: Namespace, environ: Environ) -> int:
    """Add all books up again, from the transfers alone."""
    report = asyncio.run(admin.check_ledger(load_settings(environ)))
    for line in report.lines:
        print(line)
    return DONE if report.balanced else UNMET


def add_reserve_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of `reserve`."""
    parser.add_argument(
        "--currency",
        metavar="CURRENCY",
        type=_currency,
        help="three capital letters, such as CNY; all of them without it",
    )
    parser.add_argument(
        "--as-of",
        metavar="TIME",
        type=_moment,
        help="a moment at least a minute ago, with its offset, such as 2026-11-22T00:00:00Z; "
        "now without it",
    )
    parser.add_argument(
        "--overdue-after",
        metavar="DAYS",
        type=_days,
        default=OVERDUE_DAYS_DEFAULT,
        help="days of 24 hours that a channel may take to pay what it owes, default %(default)s",
    )
    parser.add_argument("--json", action="store_true", help="a JSON object, for scripts")


def reserve(arguments: Namespace, environ: Environ) -> int:
    """Prove that customers' money is there."""
    settings, overdue_after = load_settings(environ), timedelta(days=arguments.overdue_after)
    report = asyncio.run(
        admin.prove_reserve(settings, arguments.currency, arguments.as_of, overdue_after)
    )
    lines = [json.dumps(report.fields, indent=2)] if arguments.json else report.lines
    for line in lines:
        print(line)
    return DONE if report.holds else UNMET


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


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # told below
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a time with its offset, such as 2026-11-22T00:00:00Z"
    )


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:20]) <= OVERDUE_DAYS_MAX):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number of days from 0 to {OVERDUE_DAYS_MAX}"
        )
    return int(text)


CHECK = Command(
    name="ledger check",
    summary="add all books up again and say whether they balance",
    description=(
        "Adds every transfer of the journal up again, per book, account and currency, and compares "
        "the cached balances, the wallets and the payments with it. It says either that all of it "
        "balances or exactly what does not. It reads one consistent state and changes nothing, so "
        "it may run beside a gateway at work."
    ),
    exits={0: "the books balance", 1: "something does not balance; the lines say what"},
    run=check,
    examples=["gateway ledger check"],
    settings=("database_url", "data_dir"),
)

RESERVE = Command(
    name="ledger reserve",
    summary="prove that customers' money is there",
    description=(
        "Adds up, from the journal alone and per currency, what is owed to payers (wallets), to "
        "merchants, and for money in transit, in escrow, disputed and in suspense; what covers it: "
        "money in the reserve and what channels owe and are not late with; and our own part. "
        "What a channel paid settles what it owed first, so overdue is what it owed DAYS ago "
        "and has not paid since. A customer's account below zero covers nothing that another is "
        "owed. The proof holds where all that is owed is covered, our own part is the same in both "
        "books and not below zero, and assets equal liabilities to the last minor unit. As of a "
        "moment means everything that was stamped before it, whole entries; one that was stamped "
        "exactly with it counts after it. The stamp is made by the gateway just before the commit, "
        "so the first proof of a moment also keeps which transactions belong to it: the same "
        "moment gives the same answer for ever, and what is committed later with an earlier stamp "
        "counts in later moments."
    ),
    exits={0: "it holds", 1: "it does not hold; the lines say why, to the last minor unit"},
    run=reserve,
    examples=[
        "gateway ledger reserve",
        "gateway ledger reserve --currency CNY --as-of 2026-11-22T00:00:00Z --json",
    ],
    settings=("database_url", "data_dir"),
    add_arguments=add_reserve_arguments,
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
