"""The program: run one command, and turn how it ended into one line and an exit code."""

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Final, NoReturn, TextIO

from paymentgateway import errors
from paymentgateway.client import TARGET_DEFAULT, GatewayClient, Tls
from paymentgateway.payctl.arguments import parser
from paymentgateway.payctl.environment import TARGET_VARIABLE
from paymentgateway.payctl.output import Printer, printable
from paymentgateway.payctl.parsing import BadInput

BAD_INPUT: Final = 2
REFUSED: Final = 3
NO_ANSWER: Final = 4
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141
"""What shells report for a program that Ctrl-C, or a closed pipe, has ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run payctl with these arguments, or with the process's own, and return its exit code.

    Raises SystemExit for --help (0) and for wrong usage (2), as argparse does.
    """
    _lenient(sys.stdout, sys.stderr)
    arguments = parser().parse_args(_text(sys.argv[1:] if argv is None else argv))
    try:
        return asyncio.run(_run(arguments))
    except BadInput as error:
        return _complain(str(error), BAD_INPUT)
    except errors.GatewayError as error:
        return _complain(_told(error, arguments), exit_code(error))
    except KeyboardInterrupt:
        return _interrupted(arguments)
    except BrokenPipeError:
        # Python would write what is left at exit, and complain about the same pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED


def command() -> NoReturn:
    """Run payctl as a process of its own, and end it.

    It ends at once when all is said: gRPC's threads sometimes keep an interpreter from ending.
    """
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = PIPE_CLOSED
    os._exit(code)


def exit_code(error: errors.GatewayError) -> int:
    """Exit code of a call without an answer, as --help lists them."""
    fix_first = error.same_key is errors.SameKey.FIX_FIRST
    if isinstance(error, errors.InvalidRequest | errors.Overloaded) and fix_first:
        return BAD_INPUT
    if isinstance(error, errors.Unavailable | errors.OutcomeUnknown | errors.Overloaded):
        return NO_ANSWER
    if isinstance(error, errors.Conflict) and not fix_first:
        return NO_ANSWER
    return REFUSED


def _lenient(*streams: TextIO) -> None:
    """Let a terminal that lacks a letter show its number: money may have moved by then."""
    for stream in streams:
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _text(argv: Sequence[str]) -> Sequence[str]:
    """Refuse arguments that are not UTF-8, which Python hands over as halves of characters."""
    try:
        "".join(argv).encode()
    except UnicodeEncodeError:
        sys.exit(_complain("the arguments are not UTF-8 text.", BAD_INPUT))
    return argv


async def _run(arguments: Namespace) -> int:
    printer = Printer(sys.stdout, as_json=arguments.json)
    target = arguments.target or os.environ.get(TARGET_VARIABLE) or TARGET_DEFAULT
    tls = _tls(arguments)
    async with GatewayClient(target, tls=tls, deadline_s=arguments.deadline) as client:
        code: int = await arguments.run(client, arguments, printer)
        return code


def _tls(arguments: Namespace) -> Tls | None:
    paths = (arguments.tls_ca, arguments.tls_cert, arguments.tls_key)
    if paths == (None, None, None):
        return None
    try:
        return Tls.from_files(*paths)
    except (OSError, ValueError) as error:
        raise BadInput(f"TLS: {error}") from None


def _told(error: errors.GatewayError, arguments: Namespace) -> str:
    """What happened and, where a key is at stake, what may be done with it."""
    if not arguments.keyed:
        return error.summary
    known = error.same_key is errors.SameKey.SAFE and not isinstance(error, errors.NotFound)
    return f"{error} The key is {arguments.key}." if known else str(error)


def _interrupted(arguments: Namespace) -> int:
    if not arguments.keyed or arguments.key is None:
        return _complain("interrupted; nothing was sent that moves money.", INTERRUPTED)
    known = "the outcome is not known. Send the same request with the same key again."
    return _complain(f"interrupted; {known} The key is {arguments.key}.", NO_ANSWER)


def _complain(sentence: str, code: int) -> int:
    print(f"payctl: {printable(sentence)}", file=sys.stderr)
    return code
