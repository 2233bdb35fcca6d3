"""From an authenticated request to what is asked: route, headers, command, names of fields.

What cannot be read is not an exception here: it is a refusal that is answered signed, and its names
are recorded like those of any other request.
"""

from collections.abc import Mapping

from aiohttp import web

from gateway.emulators.core import seen
from gateway.emulators.core.fields import InvalidField, UnknownField
from gateway.emulators.v3style.authorization import Caller
from gateway.emulators.v3style.commands import Command, FetchBill
from gateway.emulators.v3style.errors import UNKNOWN_FIELD_NUMBER, Refusal
from gateway.emulators.v3style.incoming import Incoming, find_route
from gateway.emulators.v3style.keys import UnknownSerial
from gateway.emulators.v3style.names import Channel
from gateway.emulators.v3style.operations import UNSERVED, Asked

_JSON = "application/json"


def read(channel: Channel, request: web.Request, caller: Caller, body: bytes) -> Asked:
    """What a caller asks."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    mchid, method, target = caller.merchant.mchid, request.method, request.raw_path
    names = _names_of(Incoming(mchid, method, target, headers, body))
    try:
        route, values = find_route(channel.names.routes, method, target)
    except Refusal as refusal:
        return Asked(caller, UNSERVED, refusal, names=names)
    incoming = Incoming(mchid, method, target, headers, body, values)
    command: Command | Refusal
    wanted = None
    try:
        wanted = _wanted_serial(channel, headers)
        command = route.read(incoming)
        _check_headers(headers, command)
    except InvalidField as error:
        command = _as_refusal(error)
    except Refusal as refusal:
        command = refusal
    return Asked(caller, route.operation, command, incoming.flat(), names, wanted)


def _wanted_serial(channel: Channel, headers: Mapping[str, str]) -> str | None:
    """Whose key the answer shall be signed with. Raises Refusal."""
    wanted = headers.get(f"{channel.names.header}-Serial".lower())
    try:
        channel.keys.signer(wanted)
    except UnknownSerial:
        raise Refusal("PARAM_ERROR", "No key of the platform has this serial.") from None
    return wanted


def _check_headers(headers: Mapping[str, str], command: Command) -> None:
    accepted = headers.get("accept", "")
    if not headers.get("user-agent") or not accepted:
        raise Refusal("PARAM_ERROR", "The headers Accept and User-Agent must be there.")
    if _JSON not in accepted and not isinstance(command, FetchBill):
        raise Refusal("PARAM_ERROR", f"Accept must be {_JSON}.")


def _names_of(incoming: Incoming) -> dict[seen.Place, frozenset[str]]:
    """Every name that the request carries, as far as it can be read."""
    found: dict[seen.Place, frozenset[str]] = {"header": frozenset(incoming.headers)}
    try:
        found["query"] = frozenset(name for name, _ in incoming.query)
        if incoming.raw:
            found["body"] = frozenset(path for path, _ in seen.flatten(incoming.json))
    except InvalidField:
        pass
    return found


def _as_refusal(error: InvalidField) -> Refusal:
    number = UNKNOWN_FIELD_NUMBER if isinstance(error, UnknownField) else None
    message = f"{error.field} {error.message}."
    return Refusal("PARAM_ERROR", message, number=number, field=error.field)
