"""`gateway emulate CHANNEL`: strict stand-ins for real payment channels, one command each.

A channel joins by its name in STAND_INS: everything else (help, folder, address, settings) is said
here once and filled in from what the stand-in, a package of `gateway.emulators`, says about itself.
"""

import argparse
import asyncio
import signal
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path

from gateway.app.embedded import data_folder
from gateway.app.errors import StartError
from gateway.cli.command import DONE, Command, Environ
from gateway.config import Address, Settings, load_settings
from gateway.emulators.core.book import BookError
from gateway.emulators.core.stand_in import StandIn
from gateway.telemetry.logging import configure_logging

STAND_INS = ("wechat", "alipay", "douyin", "unionpay", "carrier")


def run(stand_in: StandIn, arguments: Namespace, environ: Environ) -> int:
    """Serve until SIGTERM or SIGINT."""
    settings = load_settings(environ)
    configure_logging(settings.log_level, settings.log_format)
    try:
        asyncio.run(_serve(stand_in, arguments, settings))
    except (BookError, OSError) as error:
        where = f"The stand-in for {stand_in.title} cannot run on {arguments.listen}"
        raise StartError(f"{where}: {error}") from error
    return DONE


async def _serve(stand_in: StandIn, arguments: Namespace, settings: Settings) -> None:
    address: Address = arguments.listen
    if not (address.is_loopback or settings.allow_remote):
        raise StartError(
            f"--listen is {address}, which other machines can reach, and anybody may control a "
            "stand-in: listen on 127.0.0.1, or set GATEWAY_ALLOW_REMOTE=true."
        )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stand_in.serve(
        host=address.host,
        port=address.port,
        data_dir=arguments.data_dir or data_folder(settings) / "emulators" / stand_in.name,
        ready=partial(_print_ready, stand_in),
        stop=stop,
    )


def _print_ready(stand_in: StandIn, host: str, port: int, values: Mapping[str, str]) -> None:
    """Print the settings first, so that whoever reads up to `ready` has them all."""
    url = f"http://{Address(host, port)}"
    for name, value in {"url": url, **values}.items():
        print(f"{stand_in.name}_{name}".upper() + f"={value}")
    print(f"{stand_in.name} ready: {url}", flush=True)


def _add_arguments(stand_in: StandIn, parser: ArgumentParser) -> None:
    default = f"127.0.0.1:{stand_in.port_default}"
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        type=_address,
        default=default,
        help=f"where to listen; port 0 takes a free one (default: {default})",
    )
    parser.add_argument(
        "--data-dir",
        metavar="FOLDER",
        type=Path,
        help="where its book and its keys are kept "
        f"(default: emulators/{stand_in.name}, in the gateway's data folder)",
    )


def _address(text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not host:port") from None


def _command(stand_in: StandIn) -> Command:
    return Command(
        name=f"emulate {stand_in.name}",
        summary=f"run a strict stand-in for {stand_in.title}",
        description=(
            f"Runs a stand-in for {stand_in.title} over HTTP, as strict as the real one: it "
            "verifies every request from the bytes it receives, refuses what the real one "
            "refuses, signs what it says, and keeps a durable book of what it moved. At the "
            "first start it makes keys of its own in its folder, readable by you alone. It prints "
            "on stdout what a gateway needs to connect, as NAME=value (a gateway's variables, less "
            "GATEWAY_ in front), and last its URL. How buyers, time and faults are played is in "
            "its PROTOCOL.md. No real money moves. SIGTERM and SIGINT stop it."
        ),
        exits={0: "it was told to stop, and did"},
        run=partial(run, stand_in),
        examples=[
            f"gateway emulate {stand_in.name}",
            f"gateway emulate {stand_in.name} --listen 127.0.0.1:0 --data-dir /tmp/{stand_in.name}",
        ],
        settings=("data_dir", "allow_remote"),
        add_arguments=partial(_add_arguments, stand_in),
    )


def commands(name: str) -> Iterator[Command]:
    """Give the command of the stand-in of this name; of all, where none has it."""
    for known in [name] if name in STAND_INS else STAND_INS:
        yield _command(import_module(f"gateway.emulators.{known}").STAND_IN)
