"""`gateway doctor`: check everything the gateway needs, and say what to do."""

import asyncio
from argparse import Namespace
from collections.abc import Iterator, Sequence
from textwrap import fill

from gateway.app.doctor import Finding, Level, examine
from gateway.cli.command import DONE, UNMET, WIDTH, Command, Environ
from gateway.config import ConfigError, load_settings

NAME_WIDTH = 22


def run(_arguments: Namespace, environ: Environ) -> int:
    """Run all checks, and print what each found."""
    findings = _examine(environ)
    for line in _lines(findings):
        print(line)
    return UNMET if any(finding.level is Level.FAIL for finding in findings) else DONE


def _examine(environ: Environ) -> Sequence[Finding]:
    try:
        settings = load_settings(environ)
    except ConfigError as error:
        advice = "Correct it, then run gateway doctor again: nothing else can be checked before."
        return [Finding("configuration", Level.FAIL, str(error), advice)]
    return asyncio.run(examine(settings))


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        mark = finding.level.upper() if finding.level is Level.FAIL else finding.level
        yield _cell(f"{mark:<5} {finding.name:<{NAME_WIDTH}} ", finding.detail)
        if finding.advice:
            yield _cell(f"{'':<5} {'':<{NAME_WIDTH}} -> ", finding.advice)
    failed = sum(finding.level is Level.FAIL for finding in findings)
    warned = sum(finding.level is Level.WARN for finding in findings)
    yield f"{len(findings)} checks: {failed} failed, {warned} to look at."


def _cell(head: str, text: str) -> str:
    """Write text behind its head, in as many lines as it takes."""
    margin = " " * len(head)
    return fill(text, WIDTH, initial_indent=head, subsequent_indent=margin, break_on_hyphens=False)


COMMAND = Command(
    name="doctor",
    summary="check what the gateway needs, and say what to do",
    description=(
        "Checks the configuration, the addresses to listen on, the database (reachable, migrated, "
        "rights of the runtime role, room for all connections, clock) and every channel that is "
        "configured, and says for each problem what to do. It changes nothing, but for the "
        "gateway's own Postgres, which it starts if none is configured."
    ),
    exits={0: "nothing failed (there may be warnings)", 1: "something failed"},
    run=run,
    examples=["gateway doctor"],
    settings=("database_url", "replicas", "workers", "pool_size", "grpc_listen", "sandbox_url"),
)
