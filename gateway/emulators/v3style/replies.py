"""An answer becomes bytes: signed, or spoiled exactly as its fault says.

signed      every answer to an authenticated request, refusals and errors too
unsigned    a bill file, the first list of certificates, BUSY, SIGN_ERROR, and whatever comes before
            authentication
spoiled     MALFORMED is cut first and signed then, so only its JSON is wrong; TRUNCATED is signed
            whole and breaks off on the wire; the others are spoiled in one header or in the key
"""

import secrets
from typing import Final

from aiohttp import web

from gateway.emulators.core.outbox import GOOD
from gateway.emulators.core.wire import cut, json_bytes, send_half
from gateway.emulators.v3style.answers import Answer
from gateway.emulators.v3style.errors import Refusal
from gateway.emulators.v3style.names import Channel
from gateway.emulators.v3style.play import SPOILS, FaultName
from gateway.emulators.v3style.sealing import signed_headers

BAD_GATEWAY: Final = b"<html><head><title>502 Bad Gateway</title></head><body>502</body></html>"
_CUT: Final[frozenset[FaultName]] = frozenset(("DROP_BEFORE_EFFECT", "DROP_AFTER_EFFECT"))
_BAD_GATEWAY: Final[frozenset[FaultName]] = frozenset(
    ("BAD_GATEWAY_BEFORE_EFFECT", "BAD_GATEWAY_AFTER_EFFECT")
)


async def send(
    request: web.Request, channel: Channel, answer: Answer, wanted: str | None
) -> web.StreamResponse:
    """Send an answer, signed with the key of the serial `wanted`, or with the usual one."""
    name = answer.fault.name
    if name in _CUT:
        return cut(request)
    if name in _BAD_GATEWAY:
        return web.Response(status=502, body=BAD_GATEWAY, content_type="text/html")
    body = _body(answer)
    if name == "MALFORMED":
        body = body[: len(body) // 2]
    headers = {"Request-Id": _request_id(answer.request_number)}
    if answer.signed:
        seal = name if name in SPOILS else GOOD
        now_s = channel.clock.wire_s()
        headers |= signed_headers(channel, body, now_s=now_s, wanted=wanted, seal=seal)
    if name == "TRUNCATED":
        return await send_half(request, answer.status, body, headers)
    if answer.view is None and answer.file is None:
        return web.Response(status=answer.status, headers=headers)
    kind = "application/json" if answer.file is None else answer.file.content_type
    return web.Response(status=answer.status, body=body, content_type=kind, headers=headers)


def unsigned(refusal: Refusal) -> web.Response:
    """The reply to somebody who is not proven to be anybody."""
    return web.Response(
        status=refusal.status,
        body=json_bytes(refusal.view()),
        content_type="application/json",
        headers={"Request-Id": _request_id(refusal.number)},
    )


def _body(answer: Answer) -> bytes:
    if answer.file is not None:
        return answer.file.content
    return b"" if answer.view is None else json_bytes(answer.view)


def _request_id(number: int) -> str:
    return f"{secrets.token_hex(16).upper()}-{number}"
