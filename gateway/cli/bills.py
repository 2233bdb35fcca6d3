"""`gateway bills fetch`: a channel's bill of a day, checked, and held against our own books."""

import argparse
import asyncio
import json
from argparse import ArgumentParser, Namespace
from datetime import date

from gateway.app import bills
from gateway.cli.command import DONE, UNMET, Command, Environ
from gateway.config import load_settings


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("channel", metavar="CHANNEL", help="a configured channel, such as wechat")
    parser.add_argument(
        "day", metavar="DAY", type=_day, help="a day of the channel's, such as 2026-11-22"
    )
    parser.add_argument(
        "--compare", action="store_true", help="hold it against our own books, number by number"
    )
    parser.add_argument("--json", action="store_true", help="a JSON object, for scripts")


def run(arguments: Namespace, environ: Environ) -> int:
    """Fetch, check, compare and print."""
    settings = load_settings(environ)
    report = asyncio.run(
        bills.fetch_bill(settings, arguments.channel, arguments.day, with_ledger=arguments.compare)
    )
    lines = [json.dumps(report.fields, indent=2)] if arguments.json else report.lines
    for line in lines:
        print(line)
    return DONE if report.agrees else UNMET


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-11-22") from None


COMMAND = Command(
    name="bills fetch",
    summary="check a channel's bill of a day, and compare it with our books",
    description=(
        "Fetches the bill of a day from a channel, checks that it is the file that was announced "
        "and adds up, and prints its totals. With --compare every number is held against our own "
        "books: missing here, missing there, or with another amount. A day is the channel's, in "
        "Beijing, and its bill is there from the next morning on. What we learned of within ten "
        "minutes of the day's ends and the bill does not list is told, and not judged: look at the "
        "bill of the day beside. Where a channel makes no bill (carrier), a statement is put "
        "together from its lists. It changes nothing."
    ),
    exits={
        0: "the bill adds up, and with --compare agrees with our books",
        1: "the bill and our books differ; the lines say where",
    },
    run=run,
    examples=[
        "gateway bills fetch wechat 2026-11-21",
        "gateway bills fetch wechat 2026-11-21 --compare --json",
    ],
    settings=(
        "database_url",
        "data_dir",
        "wechat_url",
        "alipay_url",
        "unionpay_url",
        "carrier_url",
    ),
    add_arguments=add_arguments,
)
