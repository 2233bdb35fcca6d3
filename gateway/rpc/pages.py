"""Opaque tokens: where a list or a stream goes on.

A token carries a position and an authentication code (HMAC-SHA256, cut to 16 bytes) over it and
over what it is good for: the method with all its filters, or the merchant of a stream. So nobody
can make one, and none leads into another merchant's data or into a differently filtered list. The
scope of a page is the request itself without its page fields: a filter that joins the contract
later is covered from its first day.
"""

import hmac
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from gateway.domain.errors import InvalidRequest, Reason
from gateway.domain.ports import FeedPosition
from gateway.rpc.settings import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX

CODE_BYTES: Final = 16
"""Length of the authentication code in a token."""

_UUID_BYTES: Final = 16
_TRANSACTION_BYTES: Final = 8
_POSITION_BYTES: Final = 2 * _UUID_BYTES + _TRANSACTION_BYTES

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """A page to read: `size` objects at most, after the position `start` (empty: the first)."""

    size: int
    start: bytes
    scope: bytes
    key: bytes

    @property
    def limit(self) -> int:
        """How many objects to read: one more than fit, which tells whether a page follows."""
        return self.size + 1

    @property
    def start_id(self) -> UUID | None:
        """Position as the identifier that it is in most lists; None for the first page."""
        return UUID(bytes=self.start) if self.start else None

    def cut(self, found: Sequence[T], mark: Callable[[T], bytes]) -> tuple[Sequence[T], str]:
        """Give what stands on this page, and the token of the next one, empty at the end."""
        if len(found) <= self.size:
            return found, ""
        return found[: self.size], _seal(self.key, self.scope, mark(found[self.size - 1]))


class Pages:
    """Makes and reads page tokens. `key` is secret and the same on every replica."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def open(self, request: Any) -> Page:
        """Read which page a list request asks for, and take its page fields out of the request.

        Raises:
            InvalidRequest: INVALID_PAGE_TOKEN, the token is forged or from other filters.
        """
        size, token = request.page_size or PAGE_SIZE_DEFAULT, request.page_token
        request.ClearField("page_size")
        request.ClearField("page_token")
        request.DiscardUnknownFields()
        name: str = request.DESCRIPTOR.full_name
        scope = _scope(name.encode(), request.SerializeToString(deterministic=True))
        start = _unseal(self._key, scope, token) if token else b""
        if start is None:
            raise _refused(Reason.INVALID_PAGE_TOKEN, "page_token", "page token")
        return Page(min(size, PAGE_SIZE_MAX), start, scope, self._key)


class Cursors:
    """Makes and reads cursors of streams. `deployment_id` names the database they hold for."""

    def __init__(self, key: bytes, deployment_id: UUID) -> None:
        self._key = key
        self._deployment_id = deployment_id

    def encode(self, merchant_id: str, position: FeedPosition) -> str:
        """Make the cursor of a position in one merchant's feed."""
        content = (
            position.deployment_id.bytes
            + position.transaction_id.to_bytes(_TRANSACTION_BYTES, "big")
            + position.event_id.bytes
        )
        return _seal(self._key, _scope(b"cursor", merchant_id.encode()), content)

    def decode(self, merchant_id: str, cursor: str) -> FeedPosition | None:
        """Read a cursor; None for an empty one, which means from now on.

        Raises:
            InvalidRequest: INVALID_CURSOR, it is forged, or from another merchant or database.
        """
        if not cursor:
            return None
        content = _unseal(self._key, _scope(b"cursor", merchant_id.encode()), cursor)
        if content is None or len(content) != _POSITION_BYTES:
            raise _refused(Reason.INVALID_CURSOR, "cursor", "cursor")
        deployment_id = UUID(bytes=content[:_UUID_BYTES])
        if deployment_id != self._deployment_id:
            raise _refused(Reason.INVALID_CURSOR, "cursor", "cursor")
        transaction_id = int.from_bytes(content[_UUID_BYTES:-_UUID_BYTES], "big")
        return FeedPosition(deployment_id, transaction_id, UUID(bytes=content[-_UUID_BYTES:]))


def _scope(kind: bytes, content: bytes) -> bytes:
    """Say what a token is good for; lengths keep different scopes from reading the same."""
    return b"%d:%b%d:%b" % (len(kind), kind, len(content), content)


def _seal(key: bytes, scope: bytes, content: bytes) -> str:
    token = _code(key, scope, content) + content
    return urlsafe_b64encode(token).rstrip(b"=").decode()


def _unseal(key: bytes, scope: bytes, token: str) -> bytes | None:
    """Give the content of a token, or None if it was not made by us for this scope."""
    try:
        sealed = b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
    except ValueError:
        return None
    code, content = sealed[:CODE_BYTES], sealed[CODE_BYTES:]
    return content if hmac.compare_digest(code, _code(key, scope, content)) else None


def _code(key: bytes, scope: bytes, content: bytes) -> bytes:
    return hmac.digest(key, scope + content, "sha256")[:CODE_BYTES]


def _refused(reason: Reason, field: str, what: str) -> InvalidRequest:
    return InvalidRequest(
        reason,
        f"The {what} is not one that this gateway made for this request.",
        violations={field: "was not made for this request; leave it empty to start anew"},
    )
