"""`gateway migrate`: bring the database's schema up to this version."""

import asyncio
from argparse import ArgumentParser, Namespace

from gateway.app import admin
from gateway.cli.command import DONE, UNMET, Command, Environ
from gateway.config import load_settings


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--check", action="store_true", help="only tell what is pending")


def run(arguments: Namespace, environ: Environ) -> int:
    """Apply the migrations that are pending, or only name them."""
    check_only: bool = arguments.check
    names = asyncio.run(admin.migrate(load_settings(environ), check_only=check_only))
    for name in names:
        print(f"{'pending' if check_only else 'applied'}  {name}")
    if not names:
        print("The schema is up to date.")
    return UNMET if check_only and names else DONE


COMMAND = Command(
    name="migrate",
    summary="apply the database migrations that are pending",
    description=(
        "Brings the schema of the database up to what this version needs. It runs as the owner of "
        "the schema (GATEWAY_OWNER_DATABASE_URL), which gateway serve must not be. Several may "
        "run at once: one works, the others wait and find nothing to do. Without a database "
        "configured it works on the gateway's own."
    ),
    exits={
        0: "the schema is up to date",
        1: "migrations are pending (with --check)",
    },
    run=run,
    examples=["gateway migrate", "gateway migrate --check"],
    settings=("owner_database_url", "owner_database_url_file", "data_dir"),
    add_arguments=add_arguments,
)
