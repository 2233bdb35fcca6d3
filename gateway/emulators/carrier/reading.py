"""From bytes to what is asked: route, headers, command, names of fields.

What cannot be read is not an exception here: it is a refusal that is answered at its turn, after
the token, and its names are recorded like those of any other request.
"""

import re
from typing import Final

from aiohttp import web

from gateway.emulators.carrier.commands import Command
from gateway.emulators.carrier.errors import Refusal
from gateway.emulators.carrier.incoming import Incoming, Route, find_route
from gateway.emulators.carrier.operations import UNSERVED, Asked
from gateway.emulators.carrier.replies import CORRELATOR
from gateway.emulators.carrier.routes import ROUTES
from gateway.emulators.core.fields import InvalidField

_CORRELATOR: Final = re.compile(r"[a-zA-Z0-9\-_:;./<>{}]{0,256}")


def read(request: web.Request, body: bytes) -> Asked:
    """What somebody asks."""
    headers = _headers(request)
    incoming = Incoming(request.method, request.raw_path, headers, body)
    found = find_route(ROUTES, incoming.method, incoming.target)
    authorization = incoming.header("authorization")
    if found is None:
        refusal = Refusal("NOT_FOUND", f"Nothing is served here with {incoming.method}.")
        return Asked(UNSERVED, None, refusal, authorization, names=incoming.names())
    route, values = found
    incoming = Incoming(request.method, request.raw_path, headers, body, values)
    return Asked(
        route.operation,
        route.scope,
        _command(route, incoming),
        authorization,
        incoming.flat(),
        incoming.names(),
    )


def correlator_of(request: web.Request) -> str | None:
    """What every answer echoes, errors and empty ones too; None where it is not as it must be."""
    given = _headers(request).get(CORRELATOR, ())
    good = len(given) == 1 and _CORRELATOR.fullmatch(given[0])
    return given[0] if good else None


def _headers(request: web.Request) -> dict[str, tuple[str, ...]]:
    headers: dict[str, tuple[str, ...]] = {}
    for name, value in request.headers.items():
        headers[name.lower()] = (*headers.get(name.lower(), ()), value)
    return headers


def _command(route: Route, incoming: Incoming) -> Command | Refusal:
    given = incoming.headers.get(CORRELATOR, ("",))
    if route.scope and (len(given) != 1 or not _CORRELATOR.fullmatch(given[0])):
        return Refusal("INVALID_ARGUMENT", f"{CORRELATOR} must match the published pattern, once.")
    try:
        return route.read(incoming)
    except InvalidField as error:
        return Refusal("INVALID_ARGUMENT", f"{error.field} {error.message}.")
    except Refusal as refusal:
        return refusal
