"""Who may notify us: a token per attempt, made by us, given to the operator, checked when it comes.

CAMARA signs no event. It sends along the access token that our request gave it, so that token has
to say everything that can be believed: which attempt the event is about, and until when. It is our
number, an expiry and an HMAC over both; nothing is kept, and a token that leaks speaks for one
attempt only. What else the event says is the operator's word at best, or a thief's.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from gateway.domain.channel import ChannelRequest

KEY_LENGTH_MIN = 32
"""Bytes."""

LIFETIME = timedelta(days=30)
"""How long after the attempt's beginning and the payment's expiry the operator may notify us."""

_TOKEN = re.compile(r"([0-9A-Za-z]{28})\.([0-9]{10})\.([0-9a-f]{64})")


class SinkRefused(Exception):
    """The token is missing, forged or expired. The message shows nothing of it."""


class SinkKey:
    """A key that makes tokens for notifications and never shows itself.

    Raises:
        ValueError: it is shorter than KEY_LENGTH_MIN bytes.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_LENGTH_MIN:
            raise ValueError(
                f"The key for carrier notifications is too short: give {KEY_LENGTH_MIN} bytes."
            )
        self._key = key

    def __repr__(self) -> str:
        return "SinkKey(***)"

    def token(self, number: str, expire_time: datetime) -> str:
        """Make the token of an attempt; it ends at this time, in whole seconds."""
        expiry = f"{int(expire_time.timestamp()):010d}"
        text = f"carrier notification\n{number}\n{expiry}\n".encode()
        return f"{number}.{expiry}.{hmac.new(self._key, text, hashlib.sha256).hexdigest()}"


def expiry_of(request: ChannelRequest) -> datetime:
    """Say until when an attempt may be notified about: the same on every re-send."""
    return max(request.create_time, request.expire_time).replace(microsecond=0) + LIFETIME


def notified_number(keys: Sequence[SinkKey], authorization: str, now: datetime) -> str:
    """Tell our number of the attempt that a notification's token speaks for.

    Raises:
        SinkRefused: the token is not ours, or its time is over.
    """
    scheme, _, token = authorization.partition(" ")
    match = _TOKEN.fullmatch(token)
    if scheme.lower() != "bearer" or match is None:
        raise SinkRefused("no token of ours")
    number, expire_time = match[1], datetime.fromtimestamp(int(match[2]), UTC)
    good = [hmac.compare_digest(key.token(number, expire_time), token) for key in keys]
    if not any(good):
        raise SinkRefused("a token that is not ours")
    if now >= expire_time:
        raise SinkRefused("a token whose time is over")
    return number
