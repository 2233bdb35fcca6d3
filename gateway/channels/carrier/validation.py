"""Validation by a code: some operators send one to the phone before they reserve an amount.

The payer's action is then a CHALLENGE with an `authorizationId`. Whoever takes the code from the
payer sends both here. That a code was right reserves nothing yet: what became of the payment is
asked, as always. A code is never kept, shown or logged.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from urllib.parse import quote

from gateway.channels.carrier.errors import PAYMENT, failure_of
from gateway.channels.carrier.fields import read_record
from gateway.channels.carrier.settings import PAYMENTS, Account, answered
from gateway.channels.connector import HttpReply, HttpRequest
from gateway.channels.fields import Malformed


class Validation(Enum):
    """What became of a code."""

    VALIDATED = "validated, now or before"
    WRONG = "not right: the payer may try again"
    EXHAUSTED = "tried too often"
    UNKNOWN = "not known: ask about the payment"


@dataclass(frozen=True, slots=True)
class PayerCode:
    """What the payer typed, for which payment and authorisation of the channel."""

    payment_id: str
    authorization_id: str = field(repr=False)
    code: str = field(repr=False)


_HTTP_NO_CONTENT = 204
_MEANINGS = {
    (400, f"{PAYMENT}INVALID_AUTHORIZATION_ID"): Validation.WRONG,
    (400, f"{PAYMENT}INVALID_CODE"): Validation.WRONG,
    (400, f"{PAYMENT}VALIDATION_FAILED"): Validation.EXHAUSTED,
    (409, "ALREADY_EXISTS"): Validation.VALIDATED,
}


def validation_request(
    account: Account, typed: PayerCode, moment: datetime, nonce: str
) -> HttpRequest:
    """Send a code. Raises TokenRefused where no token was fetched before."""
    path = f"{PAYMENTS}/{quote(typed.payment_id, safe='')}/validate"
    fields = {"authorizationId": typed.authorization_id, "code": typed.code}
    return account.post(path, fields, moment, nonce)


def read_validation(reply: HttpReply, nonce: str) -> Validation:
    """Tell what became of the code that was sent with this nonce."""
    try:
        answered(reply, nonce)
        if reply.status == _HTTP_NO_CONTENT:
            return Validation.VALIDATED
        code = failure_of(reply.status, read_record(reply.body)).channel_code
    except Malformed:
        return Validation.UNKNOWN
    return _MEANINGS.get((reply.status, code), Validation.UNKNOWN)
