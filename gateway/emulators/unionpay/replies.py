"""An answer becomes bytes: signed, or spoiled exactly as its fault says.

signed      every answer to an authenticated request, refusals too; always HTTP 200
unsigned    BUSY (429), errors of the service (500, 502), SIGN_ERROR, whatever comes before
            authentication
spoiled     MALFORMED lacks its code and is signed so; TRUNCATED is signed whole and breaks off on
            the wire; the others are spoiled in one thing
"""

from typing import Final

from aiohttp import web

from gateway.emulators.core.outbox import GOOD
from gateway.emulators.core.wire import cut, send_half
from gateway.emulators.unionpay import views
from gateway.emulators.unionpay.answers import Answer
from gateway.emulators.unionpay.channel import Channel
from gateway.emulators.unionpay.codes import Refusal
from gateway.emulators.unionpay.form import write_text
from gateway.emulators.unionpay.play import SPOILS
from gateway.emulators.unionpay.signing import sign

TEXT: Final = "text/html"
BAD_GATEWAY: Final = b"<html><head><title>502 Bad Gateway</title></head><body>502</body></html>"
_CUT: Final = frozenset(("DROP_BEFORE_EFFECT", "DROP_AFTER_EFFECT"))
_BAD_GATEWAY: Final = frozenset(("BAD_GATEWAY_BEFORE_EFFECT", "BAD_GATEWAY_AFTER_EFFECT"))


async def send(request: web.Request, channel: Channel, answer: Answer) -> web.StreamResponse:
    """Send an answer."""
    name = answer.fault.name
    if name in _CUT:
        return cut(request)
    if name in _BAD_GATEWAY:
        return web.Response(status=502, body=BAD_GATEWAY, content_type=TEXT)
    if answer.fields is None:
        busy = name == "BUSY"
        return plain(429, "Too many requests.") if busy else plain(500, "Something went wrong.")
    seal = "UNSIGNED" if name == "SIGN_ERROR" else name if name in SPOILS else GOOD
    body = write_text(sign(channel.keys.signers, answer.fields, seal))
    return await send_half(request, 200, body) if name == "TRUNCATED" else text(body)


def unsigned(refusal: Refusal) -> web.Response:
    """The answer to somebody who is not proven to be anybody."""
    return text(write_text(views.answer({}, refusal.code, refusal.detail)))


def text(body: bytes) -> web.Response:
    """An answer of ACP."""
    return web.Response(body=body, content_type=TEXT, charset="utf-8")


def plain(status: int, sentence: str) -> web.Response:
    """What a server says that is not ACP."""
    return web.Response(status=status, text=sentence)
