"""`gateway reviews list`, `resolve` and `quarantine`: what only a person can judge."""

import argparse
import asyncio
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from uuid import UUID

from gateway.app import admin
from gateway.app.review_fields import quarantine_fields, review_fields
from gateway.cli.command import DONE, Command, Environ
from gateway.config import load_settings

RESOLUTIONS = ("acknowledged", "succeeded", "failed")
NOTE_LENGTH_MAX = 1_000
HEAD_FIELDS = ("case_id", "kind", "create_time")
QUARANTINE_HEAD_FIELDS = ("channel", "last_time", "reason")


def add_list_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of `list`."""
    parser.add_argument("--all", action="store_true", help="resolved cases too")
    parser.add_argument("--json", action="store_true", help="a JSON array, for scripts")


def list_cases(arguments: Namespace, environ: Environ) -> int:
    """Print the cases, oldest first."""
    found = asyncio.run(admin.list_reviews(load_settings(environ), arguments.all))
    cases = [review_fields(case) for case in found]
    if arguments.json:
        print(json.dumps(cases, indent=2))
        return DONE
    for case in cases:
        print(_block(case, HEAD_FIELDS))
    print(f"{len(cases)} review cases{'' if arguments.all else ' are open'}.")
    return DONE


def add_quarantine_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of `quarantine`."""
    parser.add_argument("--json", action="store_true", help="a JSON array, for scripts")


def list_quarantine(arguments: Namespace, environ: Environ) -> int:
    """Print what was not believed, newest first."""
    found = asyncio.run(admin.list_quarantine(load_settings(environ)))
    kept = [quarantine_fields(item) for item in found]
    if arguments.json:
        print(json.dumps(kept, indent=2))
        return DONE
    for item in kept:
        print(_block(item, QUARANTINE_HEAD_FIELDS))
    print(f"{len(kept)} notifications are in quarantine.")
    return DONE


def _block(case: dict[str, str], head_fields: Sequence[str]) -> str:
    """Write one case as a block of lines: what it holds differs too much for columns."""
    head = "  ".join(_printable(case[name]) for name in head_fields)
    rest = (
        f"    {name:<12} {_printable(value)}"
        for name, value in case.items()
        if value and name not in head_fields
    )
    return "\n".join((head, *rest))


def _printable(text: str) -> str:
    """Replace what a terminal would obey instead of showing; a channel may have written it."""
    return "".join(character if character.isprintable() else "?" for character in text)


def add_resolve_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of `resolve`."""
    parser.add_argument("case", metavar="CASE", type=_case_id, help="id as `reviews list` shows it")
    parser.add_argument(
        "--as",
        dest="resolution",
        required=True,
        choices=RESOLUTIONS,
        help="acknowledged: seen, nothing to book. succeeded or failed: what became of the money "
        "at the channel, proven outside the gateway; it is booked so",
    )
    parser.add_argument(
        "--note", required=True, type=_note, help="why, and who proved it; kept for ever"
    )


def resolve(arguments: Namespace, environ: Environ) -> int:
    """Close one case."""
    settings = load_settings(environ)
    print(
        asyncio.run(
            admin.resolve_review(settings, arguments.case, arguments.resolution, arguments.note)
        )
    )
    return DONE


def _case_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not the id of a review case") from None


def _note(text: str) -> str:
    if not 0 < len(text.strip()) <= NOTE_LENGTH_MAX:
        raise argparse.ArgumentTypeError(f"write 1 to {NOTE_LENGTH_MAX} characters")
    return text.strip()


LIST = Command(
    name="reviews list",
    summary="list what waits for a person's decision",
    description=(
        "Lists the review cases: outcomes that nobody could prove in time, answers that do not fit "
        "the intent, refunds that the channel calls abnormal, money that came too late. The "
        "gateway never guesses about these; a person looks at the channel and resolves them."
    ),
    exits={0: "they are listed, or there are none"},
    run=list_cases,
    examples=["gateway reviews list", "gateway reviews list --all --json"],
    settings=("database_url", "data_dir"),
    add_arguments=add_list_arguments,
)

QUARANTINE = Command(
    name="reviews quarantine",
    summary="list notifications that were not believed",
    description=(
        "Lists notifications that came in a channel's name and were refused, because nothing "
        "proves them: signed with a key that is not trusted, stale, altered, or about another "
        "merchant. They changed nothing. Many at once mean that a channel's key was exchanged, or "
        "that somebody forges. The latest thousand are kept, each in part and without long "
        "numbers; a body that came again is counted. What is verified and does not fit an intent "
        "is a review case instead."
    ),
    exits={0: "they are listed, or there are none"},
    run=list_quarantine,
    examples=["gateway reviews quarantine", "gateway reviews quarantine --json"],
    settings=("database_url", "data_dir"),
    add_arguments=add_quarantine_arguments,
)

RESOLVE = Command(
    name="reviews resolve",
    summary="close a review case with what was found out",
    description=(
        "Closes one review case for good. --as succeeded and --as failed decide the payment, "
        "capture or refund behind the case: use them only with proof from the channel, for what "
        "is booked stays booked."
    ),
    exits={0: "it is closed"},
    run=resolve,
    examples=[
        'gateway reviews resolve 01990a5b-7c3d-7000-8000-0a1b2c3d4e5f --as failed --note "ticket 7"'
    ],
    settings=("database_url", "data_dir", "sandbox_url", "sandbox_key_file"),
    add_arguments=add_resolve_arguments,
)
