"""What `gateway doctor` looks at: everything the gateway needs, one finding each, with advice.

The judgements are pure functions over facts, and the facts are read within bounds, so a doctor
always comes to an end. It looks and changes nothing; opening the database starts the embedded one,
as serving would.
"""

import asyncio
import errno
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.app import wiring
from gateway.app.channels import opening
from gateway.app.errors import StartError
from gateway.app.ports import bind_error
from gateway.config import Address, Settings, variable
from gateway.domain.ports import Channel
from gateway.ops.server import SERVER_PRODUCT
from gateway.store.checkup import Checkup
from gateway.store.embedded import START_TIMEOUT_S_DEFAULT

# Longer than our own Postgres may take: cut short, a recovery would begin again from nothing.
DATABASE_TIMEOUT_S: Final = START_TIMEOUT_S_DEFAULT + 30.0
CHANNEL_TIMEOUT_S: Final = 5.0
LIVEZ_TIMEOUT_S: Final = 2.0
CLOCK_SKEW_S_MAX: Final = 2.0
POSTGRES_MAJOR_MIN: Final = 16


class Level(StrEnum):
    """How good a finding is. Only FAIL keeps the gateway from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to do about it; no advice where all is well."""

    name: str
    level: Level
    detail: str
    advice: str = ""


async def examine(settings: Settings) -> Sequence[Finding]:
    """Run all checks, those that need the database only if it can be reached."""
    findings = [_configuration(settings)]
    findings += [finding async for finding in _listeners(settings)]
    findings += await _database(settings)
    findings += await _channels(settings)
    return findings


def _configuration(settings: Settings) -> Finding:
    count = len(settings.model_fields_set)
    detail = f"{count} settings are set, all others have their defaults"
    if all(address.is_loopback for address in settings.listeners.values()):
        return Finding("configuration", Level.OK, detail)
    return Finding(
        "configuration",
        Level.WARN,
        f"{detail}; GATEWAY_ALLOW_REMOTE lets other machines in",
        "Callers are not authenticated yet: make sure the network keeps everybody else out.",
    )


async def _listeners(settings: Settings) -> AsyncIterator[Finding]:
    """Tell of each listener whether it could be opened, or is open in a gateway that runs."""
    is_running = await _is_gateway(settings.ops_listen)
    for name, address in settings.listeners.items():
        error = await asyncio.to_thread(bind_error, address)
        yield _listener(name, address, error, is_running=is_running)


def _listener(name: str, address: Address, error: OSError | None, *, is_running: bool) -> Finding:
    label = name.replace("_", " ")
    if error is None:
        return Finding(label, Level.OK, f"{address} is free")
    if error.errno == errno.EADDRINUSE and is_running:
        return Finding(label, Level.OK, f"{address} is in use by a gateway that runs here")
    advice = f"Set {variable(name)} to an address of this machine that this user may listen on."
    if error.errno == errno.EADDRINUSE:
        advice = f"Stop the program that listens there, or set {variable(name)} to another port."
    return Finding(label, Level.FAIL, f"{address}: {error.strerror}", advice)


async def _is_gateway(address: Address) -> bool:
    """Ask the operations listener whether it is one of ours, by its `Server` header."""
    try:
        async with asyncio.timeout(LIVEZ_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(
                address.from_here.host, address.port or None
            )
            writer.write(b"GET /livez HTTP/1.0\r\n\r\n")
            answer = await reader.read()
            writer.close()
    except (OSError, TimeoutError):
        return False
    return f"Server: {SERVER_PRODUCT}".encode() in answer


async def _database(settings: Settings) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT_S), wiring.open_database(settings) as database:
            return list(_judged(database, settings))
    except StartError as error:
        detail = str(error)
    except TimeoutError:
        detail = f"no answer within {DATABASE_TIMEOUT_S:g} s"
    advice = "Set GATEWAY_DATA_DIR or GATEWAY_DATABASE_URL, or put right what it says."
    if settings.database_url is not None:
        advice = "Check GATEWAY_DATABASE_URL, and that the server runs and lets this machine in."
    return [Finding("database", Level.FAIL, detail, advice)]


def _judged(database: Checkup, settings: Settings) -> Iterator[Finding]:
    is_embedded = settings.database_url is None
    yield _version(database.server_version, is_embedded=is_embedded)
    yield _migrations(*database.migrations, is_embedded=is_embedded)
    yield _role(database.role_problems)
    yield _connections(database, settings)
    yield _clock(database.clock_ahead_s)


def _version(version: str, *, is_embedded: bool) -> Finding:
    which = "the gateway's own" if is_embedded else "configured"
    detail = f"Postgres {version}, {which}, answers"
    major = re.match(r"\d+", version)  # of `16.4 (Debian ...)` and `19beta1` too
    if major and int(major[0]) >= POSTGRES_MAJOR_MIN:
        return Finding("database", Level.OK, detail)
    advice = f"Use Postgres {POSTGRES_MAJOR_MIN} or newer."
    return Finding("database", Level.FAIL, detail, advice)


def _migrations(applied: int, expected: int, *, is_embedded: bool) -> Finding:
    if applied == expected:
        return Finding("migrations", Level.OK, f"all {expected} are applied")
    detail = f"{applied} are applied, this version knows {expected}"
    if applied < expected and is_embedded:
        return Finding("migrations", Level.OK, f"{detail}; `gateway serve` applies the others")
    advice = "Run `gateway migrate`."
    if applied > expected:
        advice = "Run a gateway at least as new as the one that migrated this database."
    return Finding("migrations", Level.FAIL, detail, advice)


def _role(problems: Sequence[str]) -> Finding:
    if not problems:
        detail = "the runtime role can neither change nor delete transfers and events"
        return Finding("runtime role", Level.OK, detail)
    advice = "Let GATEWAY_DATABASE_URL name the role gateway_runtime, not the owner."
    return Finding("runtime role", Level.FAIL, "\n".join(problems), advice)


def _connections(database: Checkup, settings: Settings) -> Finding:
    wanted = settings.connections_max
    room = database.connections_max
    detail = (
        f"{settings.replicas} gateways x {settings.workers} processes x {settings.pool_size} "
        f"connections = {wanted}, the server has room for {room} and {database.connections_used} "
        "are used now"
    )
    if wanted > room:
        advice = "Lower GATEWAY_POOL_SIZE, raise max_connections, or put a pooler between."
        return Finding("connections", Level.FAIL, detail, advice)
    if wanted + database.connections_used > room:
        advice = "It fits only if the connections in use are the gateway's own: look at the others."
        return Finding("connections", Level.WARN, detail, advice)
    return Finding("connections", Level.OK, detail)


def _clock(ahead_s: float) -> Finding:
    detail = f"the database's clock is {abs(ahead_s):.3f} s {'ahead' if ahead_s > 0 else 'behind'}"
    if abs(ahead_s) <= CLOCK_SKEW_S_MAX:
        return Finding("clock", Level.OK, detail)
    advice = "Let NTP set the clocks of both machines: expiries and signatures depend on them."
    return Finding("clock", Level.WARN, detail, advice)


async def _channels(settings: Settings) -> Sequence[Finding]:
    try:
        async with opening.open_channels(settings) as opened:
            return await _reached(wiring.channel_ports(opened))
    except StartError as error:
        advice = "Correct the channel's settings."
        return [Finding("channels", Level.FAIL, str(error), advice)]


async def _reached(channels: Mapping[str, Channel]) -> Sequence[Finding]:
    if not channels:
        advice = "Set GATEWAY_SANDBOX_URL and GATEWAY_SANDBOX_KEY, and run `gateway sandbox`."
        return [Finding("channels", Level.WARN, "none is configured: nobody can pay", advice)]
    answers = await asyncio.gather(*(_reachable(channel) for channel in channels.values()))
    return [_channel(name, answer) for name, answer in zip(channels, answers, strict=True)]


async def _reachable(channel: Channel) -> bool:
    try:
        async with asyncio.timeout(CHANNEL_TIMEOUT_S):
            return await channel.reachable()
    except TimeoutError:
        return False


def _channel(name: str, reachable: bool) -> Finding:  # noqa: FBT001 the answer, not a switch
    if reachable:
        return Finding(f"channel {name}", Level.OK, "answers")
    advice = f"Start it, or correct {variable(name + '_url')}; payments through it wait until then."
    return Finding(f"channel {name}", Level.FAIL, "does not answer", advice)
