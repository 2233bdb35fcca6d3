r"""An answer taken apart: the node that was signed, as the very bytes that came.

    {"alipay_trade_query_response":{…},"alipay_cert_sn":"…","sign":"…"}

The signature is over the node's raw text, escapes such as `\/` included, so the text is cut out by
a JSON scanner that tells where each value begins and ends, and never written anew. What is read is
the value of exactly that text. Only the members above may stand there, each once: whatever else
did would be unsigned. Numbers stay as they are written, since an amount must not pass through
binary fractions.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.channels.fields import Fields, Malformed

SIGN = "sign"
CERTIFICATE_SN = "alipay_cert_sn"
ERROR_NODE = "error_response"
SIGN_LENGTH_MAX = 1_024
"""Characters of a signature: a key of 4096 bits needs 684."""

_SPACE = re.compile(r"[ \t\r\n]*")
_SN = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What one answer says, not yet believed.

    Attributes:
        text: what was signed.
        node: the same, read.
        signature: in base64; empty where there is none.
        certificate_sn: names the certificate that signed; empty in key mode.
    """

    text: bytes
    node: Fields
    signature: str
    certificate_sn: str


def read_envelope(body: bytes, method: str) -> Envelope:
    """Take the answer to a method apart.

    Raises:
        Malformed: the bytes are no answer to it.
    """
    try:
        members = list(_members(body.decode()))
    except (ValueError, RecursionError) as error:
        raise Malformed("not an answer of the protocol") from error
    values = {name: value for name, value, _ in members}
    texts = {name: text for name, _, text in members}
    nodes = texts.keys() - {SIGN, CERTIFICATE_SN}
    if len(values) != len(members) or len(nodes) != 1:
        raise Malformed("not one node and its signature")
    node = nodes.pop()
    if node not in (node_of(method), ERROR_NODE):
        raise Malformed("not an answer to what was asked")
    said = Fields(values)
    return Envelope(
        text=texts[node].encode(),
        node=said.inner(node),
        signature=said.text(SIGN, most=SIGN_LENGTH_MAX) if said.has(SIGN) else "",
        certificate_sn=said.optional(CERTIFICATE_SN, _SN),
    )


def node_of(method: str) -> str:
    """Name the member that holds the answer to a method."""
    return f"{method.replace('.', '_')}_response"


def read_json(text: str) -> Any:
    """Read JSON that stands inside a text, by the same rules.

    Raises:
        ValueError: it is none.
    """
    return _JSON.decode(text)


def _members(text: str) -> Iterator[tuple[str, Any, str]]:
    """Give each member of the outermost object: its name, its value, and the value's raw text."""
    place = _after(text, 0, "{")
    while True:
        name, end = _JSON.raw_decode(text, place)
        start = _after(text, end, ":")
        value, end = _JSON.raw_decode(text, start)
        yield str(name), value, text[start:end]
        end = _skip(text, end)
        if text[end : end + 1] != ",":
            break
        place = _after(text, end, ",")
    if _after(text, end, "}") != len(text):
        raise ValueError("more than one object")


def _after(text: str, place: int, mark: str) -> int:
    """Give the place behind a mark that must come next, and behind the blanks around it."""
    place = _skip(text, place)
    if text[place : place + 1] != mark:
        raise ValueError(f"no {mark} where one must stand")
    return _skip(text, place + 1)


def _skip(text: str, place: int) -> int:
    blanks = _SPACE.match(text, place)
    return blanks.end() if blanks else place


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands twice")
    return fields


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


_JSON = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=str, parse_int=str, parse_constant=_no_number
)
