"""`gateway version`: which version this is."""

import platform
from argparse import Namespace

from gateway import __version__
from gateway.cli.command import DONE, Command, Environ

VERSION = f"payment-gateway {__version__} (Python {platform.python_version()})"


def run(_arguments: Namespace, _environ: Environ) -> int:
    """Print the version."""
    print(VERSION)
    return DONE


COMMAND = Command(
    name="version",
    summary="print the version",
    description="Prints the version of the gateway and of the Python it runs on.",
    exits={0: "always"},
    run=run,
    examples=["gateway version"],
)
