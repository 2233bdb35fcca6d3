"""An answer becomes bytes: signed, or spoiled exactly as the script asks.

signed      every answer to an authenticated request, refusals and errors too
unsigned    BUSY, UNSIGNED_REPLY, and whatever comes before authentication
spoiled     MALFORMED_REPLY is truncated first and signed then, so only its JSON is wrong;
            FORGED_REPLY is whole and signed with a key that nobody holds
"""

from collections.abc import Mapping

from aiohttp import web

from gateway.emulators.core.faults import Fault
from gateway.emulators.core.wire import cut, json_bytes, reply
from gateway.emulators.sandbox.operations import Answer
from gateway.emulators.sandbox.signing import Caller, forged_key, sign_reply

_CUT: frozenset[Fault] = frozenset(("DROP_REPLY", "REFUSE"))
_UNSIGNED: frozenset[Fault] = frozenset(("UNSIGNED_REPLY", "BUSY"))


def send(request: web.Request, caller: Caller, answer: Answer, *, now_s: int) -> web.Response:
    """The response to an authenticated request."""
    if answer.fault in _CUT:
        return cut(request)
    body = json_bytes(answer.body)
    if answer.fault == "MALFORMED_REPLY":
        body = body[: len(body) // 2]
    return reply(answer.status, body, _headers(caller, answer, body, now_s))


def _headers(caller: Caller, answer: Answer, body: bytes, now_s: int) -> Mapping[str, str] | None:
    if answer.fault in _UNSIGNED:
        return None
    key = forged_key(caller.key) if answer.fault == "FORGED_REPLY" else caller.key
    return sign_reply(key, answer.status, caller.nonce, body, now_s=now_s)
