"""What every stand-in does with HTTP: bounded bodies, JSON out, replies broken off on purpose."""

import asyncio
import json
from collections.abc import Mapping

from aiohttp import ClientError, web
from aiohttp.http_exceptions import PayloadEncodingError

BODY_BYTES_MAX = 65_536
BODY_TIMEOUT_S = 10.0
CUT_STATUS = 444  # never sent; how logs tell a connection that was closed without a reply


class BodyTooLarge(Exception):
    """The body has more than BODY_BYTES_MAX bytes."""


class BodyIncomplete(Exception):
    """The body did not arrive whole within BODY_TIMEOUT_S."""


async def read_body(request: web.Request) -> bytes:
    """The body exactly as received. Raises BodyTooLarge, BodyIncomplete."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > BODY_BYTES_MAX:
                    raise BodyTooLarge
    except (TimeoutError, ConnectionError, ClientError, PayloadEncodingError) as error:
        raise BodyIncomplete from error
    return bytes(body)


def json_bytes(value: Mapping[str, object]) -> bytes:
    """JSON in UTF-8 without spaces; everything beyond ASCII is escaped."""
    return json.dumps(value, separators=(",", ":")).encode()


def reply(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON reply."""
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def cut(request: web.Request) -> web.Response:
    """Cut the connection so that the caller gets no reply at all.

    The response returned is for the server's bookkeeping; its bytes have nowhere to go.
    """
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=CUT_STATUS)


async def send_half(
    request: web.Request, status: int, body: bytes, headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    """Announce the whole body, send half of it, cut the connection."""
    response = web.StreamResponse(status=status, headers=headers)
    response.content_type = "application/json"
    response.content_length = max(len(body), 1)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    cut(request)
    return response
