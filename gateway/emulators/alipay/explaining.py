"""The replies to what was raised: to strangers unsigned, to people at the controls as JSON."""

from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from gateway.emulators.alipay.errors import Unproven
from gateway.emulators.alipay.replies import unproven
from gateway.emulators.core.book import BookBusy
from gateway.emulators.core.control import Conflict, Missing
from gateway.emulators.core.fields import InvalidField
from gateway.emulators.core.outbox import OutboxFull
from gateway.emulators.core.rules import TooManyRules
from gateway.emulators.core.service import TooManyRequests
from gateway.emulators.core.wire import (
    BODY_BYTES_MAX,
    BodyIncomplete,
    BodyTooLarge,
    json_bytes,
    reply,
)

_TOO_LARGE: Final = f"The body exceeds {BODY_BYTES_MAX} bytes."
_KINDS: Final[tuple[tuple[type[Exception], HTTPStatus, str], ...]] = (
    (Missing, HTTPStatus.NOT_FOUND, ""),
    (Conflict, HTTPStatus.CONFLICT, ""),
    (TooManyRules, HTTPStatus.CONFLICT, ""),
    (BodyIncomplete, HTTPStatus.BAD_REQUEST, "The body did not arrive whole in time."),
    (BodyTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE),
    (BookBusy, HTTPStatus.TOO_MANY_REQUESTS, ""),
    (OutboxFull, HTTPStatus.TOO_MANY_REQUESTS, ""),
    (TooManyRequests, HTTPStatus.TOO_MANY_REQUESTS, ""),
)
_log = structlog.get_logger(__name__)


def explain(error: Exception) -> web.Response:
    """The reply to what a handler raised."""
    if isinstance(error, Unproven):
        return unproven(error)
    status, message = _explain(error)
    return reply(status, json_bytes({"code": status.name, "message": message}))


def _explain(error: Exception) -> tuple[HTTPStatus, str]:
    if isinstance(error, InvalidField):
        return HTTPStatus.BAD_REQUEST, f"{error.field} {error.message}."
    for kind, status, message in _KINDS:
        if isinstance(error, kind):
            return status, message or str(error)
    _log.error("request failed", exc_info=error)
    return HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong."
