"""The commands of `gateway`: one file each, all with the same kind of help and the same exit codes.

What can go wrong outside the program is told in one sentence on stderr, with exit code 2; a
traceback is always a fault of ours. Answers go to stdout, logs to stderr.

    command    what a command is, and its help
    parser     from the commands to one argument parser
    serve, sandbox, emulate, migrate, ledger, reviews, channels, bills, health, doctor, config,
    version
"""

import os
import sys
from collections.abc import Mapping, Sequence

from gateway.app.embedded import EmbeddedPostgresError
from gateway.app.errors import StartError
from gateway.cli.command import UNUSABLE
from gateway.cli.parser import make_parser
from gateway.config import ConfigError
from gateway.telemetry.logging import configure_logging

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect it."""


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one command and give its exit code; by default with the process's own arguments."""
    if not __debug__:
        return _complain("Python was told to leave out assertions: start without -O.")
    words = sys.argv[1:] if arguments is None else arguments
    chosen = make_parser(words).parse_args(words)
    configure_logging("warning", "console")  # until a command that serves knows better
    try:
        code: int = chosen.run(chosen, os.environ if environ is None else environ)
        sys.stdout.flush()
    except (ConfigError, StartError, EmbeddedPostgresError) as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our answer has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNUSABLE
    return code


def _complain(message: str) -> int:
    for line in message.splitlines():
        print(f"gateway: {line}", file=sys.stderr)
    return UNUSABLE
