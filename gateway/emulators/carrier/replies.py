"""An answer becomes bytes: as it is, or spoiled exactly as its fault says.

Nothing is signed, so a reply can only be missing, broken, or well-formed and wrong. MALFORMED is
half the JSON under a length of its own; TRUNCATED announces the whole and breaks off.
"""

import json
from typing import Final

from aiohttp import web

from gateway.emulators.carrier.answers import Answer
from gateway.emulators.carrier.errors import Refusal
from gateway.emulators.carrier.play import FaultName
from gateway.emulators.core.wire import cut, json_bytes, reply, send_half

BAD_GATEWAY: Final = b"<html><head><title>502 Bad Gateway</title></head><body>502</body></html>"
CORRELATOR: Final = "x-correlator"
_CUT: Final[frozenset[FaultName]] = frozenset(("DROP_BEFORE_EFFECT", "DROP_AFTER_EFFECT"))
_BAD_GATEWAY: Final[frozenset[FaultName]] = frozenset(
    ("BAD_GATEWAY_BEFORE_EFFECT", "BAD_GATEWAY_AFTER_EFFECT")
)


async def send(request: web.Request, answer: Answer, correlator: str | None) -> web.StreamResponse:
    """Send an answer; `correlator` is what the caller wants to find in it."""
    name = answer.fault.name
    if name in _CUT:
        return cut(request)
    if name in _BAD_GATEWAY:
        return web.Response(status=502, body=BAD_GATEWAY, content_type="text/html")
    headers = dict(answer.headers)
    if correlator is not None:
        headers[CORRELATOR] = "another" if name == "WRONG_CORRELATOR" else correlator
    if answer.view is None:
        return web.Response(status=answer.status, headers=headers)
    body = json.dumps(answer.view, separators=(",", ":")).encode()
    if name == "TRUNCATED":
        return await send_half(request, answer.status, body, headers)
    if name == "MALFORMED":
        body = body[: len(body) // 2]
    return reply(answer.status, body, headers)


def explained(refusal: Refusal) -> web.Response:
    """The reply to what never came to its turn."""
    return reply(refusal.status, json_bytes(refusal.view()))
