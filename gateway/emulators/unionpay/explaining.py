"""The replies to what was raised before anybody was proven to ask: all of them unsigned."""

from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from gateway.emulators.core.book import BookBusy
from gateway.emulators.core.control import Conflict, Missing
from gateway.emulators.core.fields import InvalidField
from gateway.emulators.core.outbox import OutboxFull
from gateway.emulators.core.rules import TooManyRules
from gateway.emulators.core.service import TooManyRequests
from gateway.emulators.core.wire import BodyIncomplete, BodyTooLarge, json_bytes, reply
from gateway.emulators.unionpay.codes import Unauthenticated
from gateway.emulators.unionpay.replies import plain, unsigned

_log = structlog.get_logger(__name__)


class NotServed(Exception):
    """A request for something that is not there."""


def explain(error: Exception) -> web.Response:
    """The reply to what a handler raised."""
    if isinstance(error, Unauthenticated):
        return unsigned(error)
    for kinds, status, says_json in _KNOWN:
        if isinstance(error, kinds):
            return _control(status, error) if says_json else _plain(status, error)
    _log.error("request failed", exc_info=error)
    return plain(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong.")


def _plain(status: HTTPStatus, error: Exception) -> web.Response:
    return plain(status, str(error) or status.phrase)


def _control(status: HTTPStatus, error: Exception) -> web.Response:
    told = f"{error.field} {error.message}." if isinstance(error, InvalidField) else str(error)
    return reply(status, json_bytes({"code": status.name, "message": told}))


_KNOWN: Final = (
    ((NotServed,), HTTPStatus.NOT_FOUND, False),
    ((BodyTooLarge,), HTTPStatus.REQUEST_ENTITY_TOO_LARGE, False),
    ((BodyIncomplete,), HTTPStatus.BAD_REQUEST, False),
    ((BookBusy, OutboxFull, TooManyRequests), HTTPStatus.TOO_MANY_REQUESTS, False),
    ((Missing,), HTTPStatus.NOT_FOUND, True),
    ((Conflict, TooManyRules), HTTPStatus.CONFLICT, True),
    ((InvalidField,), HTTPStatus.BAD_REQUEST, True),
)
