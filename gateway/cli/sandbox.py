"""`gateway sandbox`: the sandbox channel as a service of its own."""

import argparse
import asyncio
import signal
from argparse import ArgumentParser, Namespace
from pathlib import Path

from gateway.app.embedded import data_folder
from gateway.app.errors import StartError
from gateway.cli.command import DONE, Command, Environ
from gateway.config import Address, Settings, load_settings
from gateway.emulators.core.book import BookError
from gateway.emulators.sandbox import serve_sandbox
from gateway.telemetry.logging import configure_logging

LISTEN_DEFAULT = "127.0.0.1:7080"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        type=_address,
        default=LISTEN_DEFAULT,
        help=f"where to listen; port 0 takes a free one (default: {LISTEN_DEFAULT})",
    )
    parser.add_argument(
        "--data-dir",
        metavar="FOLDER",
        type=Path,
        help="where its book is kept (default: sandbox, in the gateway's data folder)",
    )
    key = parser.add_mutually_exclusive_group()
    key.add_argument(
        "--key",
        help="key shared with callers, 16 bytes or more, instead of GATEWAY_SANDBOX_KEY; other "
        "users of this machine can see it here",
    )
    key.add_argument("--key-file", metavar="FILE", help="file that holds the key")
    parser.add_argument("--account", help="name of its one account (default: gateway)")


def run(arguments: Namespace, environ: Environ) -> int:
    """Serve until SIGTERM or SIGINT."""
    settings = load_settings(_overridden(environ, arguments))
    configure_logging(settings.log_level, settings.log_format)
    try:
        asyncio.run(_serve(arguments, settings))
    except (BookError, OSError) as error:
        raise StartError(f"The sandbox cannot run on {arguments.listen}: {error}") from error
    return DONE


def _overridden(environ: Environ, arguments: Namespace) -> Environ:
    """Put what the command line says in the place of the variables that say the same."""
    given = dict(environ)
    if arguments.key or arguments.key_file:
        given["GATEWAY_SANDBOX_KEY"] = arguments.key or ""
        given["GATEWAY_SANDBOX_KEY_FILE"] = arguments.key_file or ""
    if arguments.account:
        given["GATEWAY_SANDBOX_ACCOUNT"] = arguments.account
    return given


async def _serve(arguments: Namespace, settings: Settings) -> None:
    address: Address = arguments.listen
    if settings.sandbox_key is None:
        raise StartError(
            "The sandbox has no key: set GATEWAY_SANDBOX_KEY or GATEWAY_SANDBOX_KEY_FILE, "
            "the same for the gateway."
        )
    if not (address.is_loopback or settings.allow_remote):
        raise StartError(
            f"--listen is {address}, which other machines can reach, and anybody may control a "
            "sandbox: listen on 127.0.0.1, or set GATEWAY_ALLOW_REMOTE=true."
        )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve_sandbox(
        host=address.host,
        port=address.port,
        data_dir=arguments.data_dir or data_folder(settings) / "sandbox",
        keys=[settings.sandbox_key.get_secret_value().encode()],
        account=settings.sandbox_account,
        ready=_print_ready,
        stop=stop,
    )


def _print_ready(host: str, port: int) -> None:
    print(f"sandbox ready: http://{Address(host, port)}", flush=True)


def _address(text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not host:port") from None


COMMAND = Command(
    name="sandbox",
    summary="run the sandbox channel, a channel that plays any part",
    description=(
        "Runs a payment channel of its own over HTTP, for development, tests and demonstrations: "
        "it keeps a durable book of what it moved, signs what it says, and plays, per "
        "payment, whatever a real channel may do: decline, ask the payer, answer late, twice or "
        "never. It prints its URL on stdout when it is ready, and no real money moves. Give it and "
        "the gateway the same key. SIGTERM and SIGINT stop it."
    ),
    exits={0: "it was told to stop, and did"},
    run=run,
    examples=[
        "GATEWAY_SANDBOX_KEY=not-a-secret-at-all gateway sandbox",
        "gateway sandbox --listen 127.0.0.1:0 --data-dir /tmp/sandbox --key-file key",
    ],
    settings=("sandbox_key", "sandbox_key_file", "sandbox_account", "data_dir", "allow_remote"),
    add_arguments=add_arguments,
)
