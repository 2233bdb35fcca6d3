"""`gateway serve`: the gateway itself, as one process or as a supervisor and its workers."""

import argparse
import asyncio
import socket
import sys
from argparse import ArgumentParser, Namespace

import uvloop

from gateway.app import serve, supervisor
from gateway.app.leash import Place
from gateway.app.seat import Launch
from gateway.cli.command import DONE, UNMET, Command, Environ
from gateway.config import Settings, load_settings
from gateway.telemetry.logging import configure_logging, log_context


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments; those that a supervisor gives its workers are not shown to people."""
    parser.add_argument(
        "--workers", metavar="N", help="how many processes serve, instead of GATEWAY_WORKERS"
    )
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--leash", type=int, help=argparse.SUPPRESS)


def run(arguments: Namespace, environ: Environ) -> int:
    """Serve until SIGTERM or SIGINT."""
    given = dict(environ)
    if arguments.workers is not None:
        given["GATEWAY_WORKERS"] = arguments.workers
    settings = load_settings(given)
    configure_logging(settings.log_level, settings.log_format)
    if arguments.leash is not None:
        return _work(settings, arguments.worker, arguments.leash)
    if settings.workers > 1:
        launch = Launch([*_own_command(), "serve"], given)
        return DONE if asyncio.run(supervisor.supervise(settings, launch)) else UNMET
    uvloop.run(serve.serve(settings))
    return DONE


def _work(settings: Settings, index: int, leash_fd: int) -> int:
    leash = socket.socket(fileno=leash_fd)
    leash.set_inheritable(False)
    with log_context(worker=index):
        uvloop.run(serve.serve(settings, Place(index, leash)))
    return DONE


def _own_command() -> list[str]:
    """Say how this program was started, less its arguments: same interpreter, same flags."""
    given = len(sys.argv) - 1
    return [sys.executable, *sys.orig_argv[1 : len(sys.orig_argv) - given]]


COMMAND = Command(
    name="serve",
    summary="run the gateway",
    description=(
        "Runs the gateway: gRPC for callers, HTTP for notifications from channels, HTTP for "
        "/metrics, /livez and /readyz, and the jobs that resolve what is unknown. Without "
        "GATEWAY_DATABASE_URL it starts a Postgres of its own and migrates it; a database that is "
        "configured is never migrated by itself (see gateway migrate), and one with a schema this "
        "version does not know is refused. With --workers above 1 a supervisor runs that many "
        "processes on the same ports, restarts those that die, and answers operators for all: "
        "/readyz says ready while at least one worker serves, and every series of /metrics has the "
        "label worker. SIGTERM and SIGINT stop it gracefully: calls under way are answered, work "
        "that is not finished is left to another gateway or the next start. Logs go to stderr."
    ),
    exits={
        0: "it was told to stop, and did",
        1: "it failed, or a worker had to be killed; the last log lines say why",
    },
    run=run,
    examples=[
        "gateway serve",
        "gateway serve --workers 4",
        "GATEWAY_DATABASE_URL_FILE=/run/secrets/database gateway serve",
        "GATEWAY_SANDBOX_URL=http://127.0.0.1:7080 GATEWAY_SANDBOX_KEY_FILE=key gateway serve",
    ],
    settings=(
        "database_url",
        "data_dir",
        "workers",
        "replicas",
        "pool_size",
        "grpc_listen",
        "allow_remote",
        "notify_listen",
        "notify_url",
        "ops_listen",
        "sandbox_url",
        "sandbox_key_file",
        "wechat_url",
        "alipay_url",
        "douyin_url",
        "unionpay_url",
        "carrier_url",
        "drain_timeout_s",
        "log_level",
        "log_format",
    ),
    add_arguments=add_arguments,
)
