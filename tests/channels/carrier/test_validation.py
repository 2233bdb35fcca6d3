"""The payer's code: how it is sent, and what the answer says of it."""

import pytest

from gateway.channels.carrier.validation import (
    PayerCode,
    Validation,
    read_validation,
    validation_request,
)
from gateway.channels.connector import HttpReply
from tests.channels.carrier.wire import NONCE, NOW, PAYMENT_ID, body_of, carrier, error, reply

TYPED = PayerCode(PAYMENT_ID, "Fn34o8g239v3wrb3t", "352673")


def test_request() -> None:
    """The code goes to its payment, with the authorisation that it is for; it is never shown."""
    sent = validation_request(carrier().account, TYPED, NOW, NONCE)
    assert sent.path == f"/carrier-billing/v0.5/payments/{PAYMENT_ID}/validate"
    assert body_of(sent) == {"authorizationId": "Fn34o8g239v3wrb3t", "code": "352673"}
    assert "352673" not in repr(TYPED)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(204), Validation.VALIDATED),
        (error(409, "ALREADY_EXISTS"), Validation.VALIDATED),
        (error(400, "CARRIER_BILLING.INVALID_CODE"), Validation.WRONG),
        (error(400, "CARRIER_BILLING.INVALID_AUTHORIZATION_ID"), Validation.WRONG),
        (error(400, "CARRIER_BILLING.VALIDATION_FAILED"), Validation.EXHAUSTED),
        (error(400, "INVALID_ARGUMENT"), Validation.UNKNOWN),
        (error(429, "TOO_MANY_REQUESTS"), Validation.UNKNOWN),
        (reply(500, b"<html>"), Validation.UNKNOWN),
        (reply(200), Validation.UNKNOWN),
        (HttpReply(204, {}, b""), Validation.UNKNOWN),
    ],
)
def test_answer(answer: HttpReply, expected: Validation) -> None:
    """A wrong code may be tried again; what is not documented says nothing."""
    assert read_validation(answer, NONCE) is expected
