"""`gateway health`: ask a running gateway whether it serves, by gRPC's own health protocol."""

import argparse
import asyncio
from argparse import ArgumentParser, Namespace

from gateway.cli.command import DONE, UNMET, Command, Environ
from gateway.config import load_settings
from gateway.rpc.probe import probe

TIMEOUT_S_DEFAULT = 2.0
TIMEOUT_S_MAX = 60.0


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--target", metavar="HOST:PORT", help="which gateway (default: the one configured here)"
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_timeout_s,
        default=TIMEOUT_S_DEFAULT,
        help=f"longest wait, up to {TIMEOUT_S_MAX:g} (default: {TIMEOUT_S_DEFAULT:g})",
    )


def run(arguments: Namespace, environ: Environ) -> int:
    """Ask, and say what the answer was."""
    target = arguments.target or str(load_settings(environ).grpc_listen.from_here)
    problem = asyncio.run(probe(target, arguments.timeout))
    print(f"{target} {problem or 'serves'}")
    return UNMET if problem else DONE


def _timeout_s(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= TIMEOUT_S_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 to {TIMEOUT_S_MAX:g}")
    return seconds


COMMAND = Command(
    name="health",
    summary="ask a running gateway whether it serves",
    description=(
        "Asks grpc.health.v1.Health of a running gateway. It is the probe of the container image. "
        "A gateway whose database is away says that it does not serve: use this for routing, and "
        "/livez for restarting."
    ),
    exits={0: "it serves", 1: "it does not serve, or does not answer in time"},
    run=run,
    examples=["gateway health", "gateway health --target 10.0.0.7:7070 --timeout 1"],
    settings=("grpc_listen",),
    add_arguments=add_arguments,
)
