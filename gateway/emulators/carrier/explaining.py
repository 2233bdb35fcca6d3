"""What was raised outside a request's turn, and what control requests are told."""

from http import HTTPStatus

import structlog
from aiohttp import web

from gateway.emulators.carrier.errors import Refusal
from gateway.emulators.carrier.replies import explained
from gateway.emulators.core.book import BookBusy
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

_log = structlog.get_logger(__name__)


class Missing(Exception):
    """A control request names nothing that is there."""


class Conflict(Exception):
    """A control request asks for what cannot happen now."""


def explain(error: Exception) -> web.Response:
    """The reply to what a handler raised."""
    match error:
        case Missing():
            return _plain(HTTPStatus.NOT_FOUND, error)
        case Conflict() | TooManyRules():
            return _plain(HTTPStatus.CONFLICT, error)
        case _:
            return explained(as_refusal(error))


def _plain(status: HTTPStatus, error: Exception) -> web.Response:
    view = {"status": int(status), "code": status.name, "message": str(error)}
    return reply(status, json_bytes(view))


def as_refusal(error: Exception) -> Refusal:
    """What the API says of something that was raised."""
    match error:
        case Refusal():
            refusal = error
        case InvalidField():
            refusal = Refusal("INVALID_ARGUMENT", f"{error.field} {error.message}.")
        case BodyIncomplete():
            refusal = Refusal("INVALID_ARGUMENT", "The body did not arrive whole in time.")
        case BodyTooLarge():
            message = f"The body exceeds {BODY_BYTES_MAX} bytes."
            refusal = Refusal("INVALID_ARGUMENT", message)
        case BookBusy() | OutboxFull() | TooManyRequests():
            refusal = Refusal("TOO_MANY_REQUESTS", str(error))
        case _:
            _log.error("request failed", exc_info=error)
            refusal = Refusal("INTERNAL", "Something went wrong.")
    return refusal
