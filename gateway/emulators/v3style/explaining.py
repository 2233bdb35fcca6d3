"""The replies to what was raised before anybody was proven to ask: all of them unsigned."""

from http import HTTPStatus

import structlog
from aiohttp import web

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
from gateway.emulators.v3style.errors import Refusal, Unauthenticated
from gateway.emulators.v3style.replies import unsigned

_log = structlog.get_logger(__name__)


def explain(error: Exception) -> web.Response:
    """The reply to what a handler raised."""
    match error:
        case Missing():
            return _plain(HTTPStatus.NOT_FOUND, error)
        case Conflict() | TooManyRules():
            return _plain(HTTPStatus.CONFLICT, error)
        case _:
            return unsigned(_as_refusal(error))


def _plain(status: HTTPStatus, error: Exception) -> web.Response:
    return reply(status, json_bytes({"code": status.name, "message": str(error)}))


def _as_refusal(error: Exception) -> Refusal:
    match error:
        case Refusal():
            refusal = error
        case Unauthenticated():
            refusal = Refusal("SIGN_ERROR", str(error))
        case InvalidField():
            message = f"{error.field} {error.message}."
            refusal = Refusal("PARAM_ERROR", message, field=error.field)
        case BodyIncomplete():
            refusal = Refusal("PARAM_ERROR", "The body did not arrive whole in time.")
        case BodyTooLarge():
            refusal = Refusal("PAYLOAD_TOO_LARGE", f"The body exceeds {BODY_BYTES_MAX} bytes.")
        case BookBusy() | OutboxFull() | TooManyRequests():
            refusal = Refusal("RATELIMIT_EXCEEDED", str(error))
        case _:
            _log.error("request failed", exc_info=error)
            refusal = Refusal("SYSTEM_ERROR", "Something went wrong.")
    return refusal
