"""The command: run, write the results, and turn how it ended into one line and an exit status."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gatewayload.arguments import parse
from gatewayload.connection import Unreachable, gone
from gatewayload.document import json_text
from gatewayload.fleet import GatewayGone, GeneratorFailed
from gatewayload.page import page_text
from gatewayload.prepare import NotPrepared
from gatewayload.progress import Progress
from gatewayload.run import Result, Run
from gatewayload.settings import Settings
from gatewayload.table import table_text
from paymentgateway.errors import GatewayError

OK: Final = 0
BROKEN: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130
"""What shells report for a program that Ctrl-C has ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `gateway-load` with these arguments, or the process's own, and give its exit status.

    Raises SystemExit for --help (0) and for wrong usage (2), as argparse does.
    """
    settings = parse(argv)
    try:
        progress = Progress(sys.stderr, quiet=settings.outputs.quiet)
        return _told(settings, Run(settings, progress).go())
    except (GatewayGone, Unreachable) as error:
        return _complain(f"the gateway cannot be reached: {error}.", UNREACHABLE)
    except GatewayError as error:
        if gone(error):
            address = settings.target.address
            what = f"the gateway at {address} cannot be reached: {error.message}"
            return _complain(f"{what}. Start it, or name it with --target.", UNREACHABLE)
        return _complain(f"the gateway refused what the run needs: {error.summary}", BROKEN)
    except (NotPrepared, GeneratorFailed, OSError) as error:
        return _complain(str(error), BROKEN)
    except KeyboardInterrupt:
        return _complain("interrupted; there is no result.", INTERRUPTED)


def status_of(result: Result) -> int:
    """Give the exit status of a run."""
    if result.verdict is not None and result.verdict.unreachable:
        return UNREACHABLE
    return OK if result.good else BROKEN


def _told(settings: Settings, result: Result) -> int:
    """Show the result, and write it where it was asked for."""
    status = status_of(result)
    print(table_text(result), end="", flush=True)
    if settings.outputs.json is not None:
        _write(settings.outputs.json, json_text(result, status))
    if settings.outputs.html is not None:
        _write(settings.outputs.html, page_text(result))
    return status


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _complain(sentence: str, status: int) -> int:
    print(f"gateway-load: {sentence}", file=sys.stderr)
    return status
