"""`gateway serve`: the gateway itself."""

from argparse import Namespace

import uvloop

from gateway.app import serve
from gateway.cli.command import DONE, Command, Environ
from gateway.config import load_settings
from gateway.telemetry.logging import configure_logging


def run(_arguments: Namespace, environ: Environ) -> int:
    """Serve until SIGTERM or SIGINT."""
    settings = load_settings(environ)
    configure_logging(settings.log_level, settings.log_format)
    uvloop.run(serve.serve(settings))
    return DONE


COMMAND = Command(
    name="serve",
    summary="run the gateway",
    description=(
        "Runs the gateway: gRPC for callers, HTTP for notifications from channels, HTTP for "
        "/metrics, /livez and /readyz, and the workers that resolve what is unknown. Without "
        "GATEWAY_DATABASE_URL it starts a Postgres of its own and migrates it; a database that is "
        "configured is never migrated by itself (see gateway migrate), and one with a schema this "
        "version does not know is refused. SIGTERM and SIGINT stop it gracefully: calls under way "
        "are answered, work that is not finished is left to another replica. Logs go to stderr."
    ),
    exits={0: "it was told to stop, and did", 1: "it failed; the last log lines say why"},
    run=run,
    examples=[
        "gateway serve",
        "GATEWAY_DATABASE_URL_FILE=/run/secrets/database gateway serve",
        "GATEWAY_SANDBOX_URL=http://127.0.0.1:7080 GATEWAY_SANDBOX_KEY_FILE=key gateway serve",
    ],
    settings=(
        "database_url",
        "data_dir",
        "pool_size",
        "grpc_listen",
        "allow_remote",
        "notify_listen",
        "notify_url",
        "ops_listen",
        "sandbox_url",
        "sandbox_key_file",
        "drain_timeout_s",
        "log_level",
        "log_format",
    ),
)
