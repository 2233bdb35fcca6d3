"""What a connector is: pure functions between the gateway's words and a provider's bytes.

Time and nonces come in with the call, so the same call builds the same bytes, and a reply can be
bound to the very request that it answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from gateway.domain.channel import (
    EVIDENCE_LENGTH_MAX,
    Acknowledgement,
    Capabilities,
    ChannelRequest,
    Notice,
    Outcome,
)


class Action(StrEnum):
    """What is wanted of a channel for one number."""

    SEND = "SEND"
    ASK = "ASK"
    FENCE = "FENCE"


@dataclass(frozen=True, slots=True)
class Call:
    """One exchange to be had, at wall-clock time `moment`; `nonce` is 32 fresh digits [0-9a-f].

    `again`: the same was sent just before, and was refused as not looked at.
    """

    action: Action
    request: ChannelRequest
    moment: datetime
    nonce: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """Bytes to send. `path` is absolute and raw, with its query, exactly as it goes on the wire.

    What may hold a credential or name a payer is not shown; a path never does.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """Bytes that came back. Names of headers are lower case; repeated ones are joined by `, `."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Connector(Protocol):
    """One provider's protocol, without I/O."""

    @property
    def capabilities(self) -> Capabilities:
        """What the channel can do."""

    @property
    def health_path(self) -> str:
        """Path whose answer shows that the channel is there."""

    def build(self, call: Call) -> HttpRequest:
        """Build the request. The body depends on the call's request alone, so a re-send repeats it.

        Raises:
            ValueError: the channel has no such request, a fence of what is no charge for one, or
                something that it needs is missing. The message says which, without a secret.
        """

    def parse(self, call: Call, reply: HttpReply) -> Outcome:
        """Tell what the reply proves. Whatever cannot be verified or read is UNKNOWN."""

    def read_notification(
        self, path: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Notice:
        """Verify and read a notification; names of headers are lower case.

        Raises:
            NotificationRefused: it is forged, stale or malformed.
        """

    def acknowledge(self, *, accepted: bool) -> Acknowledgement:
        """Give the answer that the channel wants for a notification."""


@runtime_checkable
class NeedsToken(Protocol):
    """What a connector has besides, if its requests carry a token that must be fetched first.

    The client asks before each try, fetches one token for all who wait, and stays within the call's
    own deadline. The connector keeps the token: it is the only state a connector has.
    """

    def needs_token(self, moment: datetime) -> bool:
        """Tell whether no token is at hand that is still good for a request made now."""

    def token_request(self, moment: datetime, nonce: str) -> HttpRequest:
        """Build the request for a fresh token."""

    def accept_token(self, reply: HttpReply, moment: datetime) -> None:
        """Keep the token of a reply; `moment` is when it was asked for.

        Raises:
            TokenRefused: the reply holds none. What needed it was not sent.
        """


@runtime_checkable
class MayRepeat(Protocol):
    """What a connector has besides, if its channel refuses requests before it looks at them."""

    def may_repeat(self, reply: HttpReply, moment: datetime) -> bool:
        """Tell whether the request that was made then may be sent again, under its number.

        That is all that such a reply allows: of the number it proves nothing.
        """


class TokenRefused(Exception):
    """No token was given. The message says why; it names no secret."""


def evidence(text: str) -> str:
    """Make text fit to be kept and shown: printable, and at most EVIDENCE_LENGTH_MAX characters."""
    bounded = text[:EVIDENCE_LENGTH_MAX]
    return "".join(character if character.isprintable() else " " for character in bounded)
