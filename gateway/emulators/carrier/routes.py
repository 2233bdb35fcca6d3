"""Every path that is served, and the scope that a token must have for it."""

from typing import Final

from gateway.emulators.carrier import bodies, filters
from gateway.emulators.carrier.incoming import Route
from gateway.emulators.carrier.oauth import ask_token
from gateway.emulators.carrier.payments import PAYMENTS_PATH

TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105 a path
REFUNDS_PATH: Final = "/carrier-billing-refund/v0.3/payments"
TOKEN: Final = "token"  # noqa: S105 an operation

CREATE: Final = "carrier-billing:payments:create"
READ: Final = "carrier-billing:payments:read"
WRITE: Final = "carrier-billing:payments:write"
CREATE_REFUND: Final = "carrier-billing-refund:refunds:create"
READ_REFUND: Final = "carrier-billing-refund:refunds:read"
SCOPES: Final = frozenset((CREATE, READ, WRITE, CREATE_REFUND, READ_REFUND))

_PAYMENT: Final = f"{PAYMENTS_PATH}/{{paymentId}}"
_REFUNDS: Final = f"{REFUNDS_PATH}/{{paymentId}}/refunds"

ROUTES: Final = (
    Route(TOKEN, "POST", TOKEN_PATH, ask_token),
    Route("create", "POST", PAYMENTS_PATH, bodies.new_payment("ONE_STEP"), CREATE),
    Route("prepare", "POST", f"{PAYMENTS_PATH}/prepare", bodies.new_payment("TWO_STEP"), CREATE),
    Route("validate", "POST", f"{_PAYMENT}/validate", bodies.validate_payment, WRITE),
    Route("confirm", "POST", f"{_PAYMENT}/confirm", bodies.confirm_payment, WRITE),
    Route("cancel", "POST", f"{_PAYMENT}/cancel", bodies.cancel_payment, WRITE),
    Route("list", "GET", PAYMENTS_PATH, filters.list_payments, READ),
    Route("query", "GET", _PAYMENT, bodies.query_payment, READ),
    Route("refund", "POST", _REFUNDS, bodies.new_refund, CREATE_REFUND),
    Route("list_refunds", "GET", _REFUNDS, filters.list_refunds, READ_REFUND),
    Route("remaining", "GET", f"{_REFUNDS}/remaining-amount", bodies.query_remaining, READ_REFUND),
    Route("query_refund", "GET", f"{_REFUNDS}/{{refundId}}", bodies.query_refund, READ_REFUND),
)
OPERATIONS: Final = frozenset(route.operation for route in ROUTES)
