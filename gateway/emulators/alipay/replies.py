"""An answer becomes bytes: its content, then what signs exactly that text, or a spoiled copy.

The content is JSON as the real channel writes it: without spaces, slashes escaped, what lies beyond
ASCII as it is. The signature is over those characters and no others, so a reader that parses and
writes them anew verifies something else. Whoever is not proven is answered without a signature.

spoiled     UNSIGNED, WRONG_KEY, ALTERED in the signature; UNKNOWN_SN in the name of its key;
            MALFORMED and TRUNCATED end in the middle; SPACED is sound, only written otherwise
"""

import json
from typing import Final

from aiohttp import web

from gateway.emulators.alipay.answers import Answer
from gateway.emulators.alipay.channel import Channel
from gateway.emulators.alipay.errors import Unproven
from gateway.emulators.alipay.play import FaultName
from gateway.emulators.alipay.reading import ERROR_NODE
from gateway.emulators.alipay.records import View
from gateway.emulators.core import crypto
from gateway.emulators.core.wire import cut, send_half

BAD_GATEWAY: Final = b"<html><head><title>502 Bad Gateway</title></head><body>502</body></html>"
BROKEN: Final = b"<html><head><title>500</title></head><body>500</body></html>"
STRANGE_SN: Final = "0123456789abcdef0123456789abcdef"

_HTML: Final = "text/html"
_CUT: Final[frozenset[FaultName]] = frozenset(("DROP_BEFORE_EFFECT", "DROP_AFTER_EFFECT"))
_BAD_GATEWAY: Final[frozenset[FaultName]] = frozenset(
    ("BAD_GATEWAY_BEFORE_EFFECT", "BAD_GATEWAY_AFTER_EFFECT")
)
_BROKEN: Final[frozenset[FaultName]] = frozenset(("ERROR_BEFORE_EFFECT", "ERROR_AFTER_EFFECT"))


async def send(
    request: web.Request, channel: Channel, answer: Answer, node: str, *, certified: bool
) -> web.StreamResponse:
    """Send an answer in the mode of its request."""
    name = answer.fault.name
    broken = break_off(request, name)
    if broken is not None:
        return broken
    if answer.page is not None:
        return _respond(answer.page.encode())
    node = ERROR_NODE if name == "SIGN_ERROR" else node
    body = compose(channel, answer, node, certified=certified)
    if name == "TRUNCATED":
        return await send_half(request, 200, body)
    return _respond(body[: len(body) // 2] if name == "MALFORMED" else body)


def break_off(request: web.Request, name: FaultName) -> web.Response | None:
    """What a fault that leaves nothing of the answer sends instead."""
    if name in _CUT:
        return cut(request)
    if name in _BAD_GATEWAY:
        return _respond(BAD_GATEWAY, 502)
    return _respond(BROKEN, 500) if name in _BROKEN else None


def compose(channel: Channel, answer: Answer, node: str, *, certified: bool) -> bytes:
    """The whole text of an answer."""
    name = answer.fault.name
    content = write(answer.view, spaced=name == "SPACED")
    members = [f'"{node}":{content}']
    if answer.signed:
        keys = channel.keys
        key = keys.signer(certified=certified)
        if certified:
            sn = STRANGE_SN if name == "UNKNOWN_SN" else key.sn
            members.append(f'"alipay_cert_sn":"{sn}"')
        if name in ("WRONG_KEY", "UNKNOWN_SN"):
            key = keys.stranger(certified=certified)
        text = content + " " if name == "ALTERED" else content
        members.append(f'"sign":"{crypto.sign(key.private, text.encode())}"')
    return ("{" + ",".join(members) + "}").encode()


def write(view: View, *, spaced: bool = False) -> str:
    """The text of a content; spaced: the same in another hand."""
    if spaced:
        return json.dumps(view, indent=1)
    return json.dumps(view, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")


def unproven(error: Unproven) -> web.Response:
    """The answer to somebody who is not proven to be anybody."""
    return _respond(("{" + f'"{ERROR_NODE}":{write(error.view())}' + "}").encode())


def _respond(body: bytes, status: int = 200) -> web.Response:
    return web.Response(status=status, body=body, content_type=_HTML, charset="utf-8")
