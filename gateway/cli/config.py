"""`gateway config`: the settings in force, and all settings there are."""

from argparse import ArgumentParser, Namespace

from gateway.cli.command import DONE, Command, Environ
from gateway.config import load_settings, settings_listing, settings_table


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--markdown",
        action="store_true",
        help="describe all settings as a Markdown table instead, whatever is set",
    )


def run(arguments: Namespace, environ: Environ) -> int:
    """Print the settings."""
    print(settings_table() if arguments.markdown else settings_listing(load_settings(environ)))
    return DONE


COMMAND = Command(
    name="config",
    summary="print the settings in force, secrets masked",
    description=(
        "Reads the environment as gateway serve does and prints every setting with the value in "
        "force, as lines VARIABLE=value. Secrets are masked. A variable GATEWAY_... that is no "
        "setting, or has a wrong value, is named in one sentence."
    ),
    exits={0: "the configuration can be used"},
    run=run,
    examples=["gateway config", "gateway config --markdown"],
    add_arguments=add_arguments,
)
