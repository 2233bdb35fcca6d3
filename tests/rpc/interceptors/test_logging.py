"""The line of a call: what stands in it, and what never does."""

import hashlib
import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from gateway.domain.errors import (
    Contended,
    DeadlinePassed,
    GatewayError,
    InvalidRequest,
    NotFound,
    Overloaded,
    Reason,
    Refused,
    Unavailable,
)
from gateway.rpc.request_id import request_id
from gateway.telemetry.logging import configure_logging, get_logger
from paymentgateway.v1.payment_service_pb2 import GetPaymentRequest
from tests.rpc import samples
from tests.rpc.fakes import House, UseCases, open_house

CARD = "4111 1111 1111 1111"


async def test_the_line_of_a_payment(house: House) -> None:
    """One line says what was asked for whom, how it went, and how long it took."""
    metadata = (("x-request-id", "req-1"),)
    await house.send("Pay", samples.pay_request(), metadata=metadata, timeout=3.0)
    ((level, fields),) = house.log.calls()
    assert level == "debug"
    assert 0 < fields.pop("deadline_ms") <= 3_000
    assert 0 <= fields.pop("duration_ms") < 3_000
    assert fields.pop("peer").startswith("ipv4:127.0.0.1:")
    digest = hashlib.blake2b(b"key-1", digest_size=6).hexdigest()
    assert fields == {
        "method": "paymentgateway.v1.PaymentService/Pay",
        "code": "OK",
        "reason": "",
        "merchant_id": "shop",
        "payment_id": samples.PAYMENT_TEXT,
        "key_hash": digest,
        "request_id": "req-1",
    }


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (InvalidRequest(Reason.INVALID_REQUEST, "No."), "info"),
        (NotFound(Reason.PAYMENT_NOT_FOUND, "No."), "info"),
        (Refused(Reason.ILLEGAL_TRANSITION, "No."), "info"),
        (Contended(Reason.CONTENTION, "No."), "warning"),
        (Overloaded(Reason.OVERLOADED, "No."), "warning"),
        (Unavailable(Reason.DATABASE_UNAVAILABLE, "No."), "warning"),
        (DeadlinePassed(Reason.DEADLINE_EXCEEDED, "No."), "warning"),
        (RuntimeError("No."), "error"),
    ],
)
async def test_levels(house: House, error: Exception, level: str) -> None:
    """What tells of the gateway's own condition is a warning, a fault is an error."""
    house.use_cases.answers["get_payment"] = error
    request = GetPaymentRequest(merchant_id="shop", payment_id=samples.PAYMENT_TEXT)
    await house.refusal("GetPayment", request)
    ((found, fields),) = house.log.calls()
    assert found == level
    assert fields["reason"] == (error.reason if isinstance(error, GatewayError) else "INTERNAL")
    assert fields["payment_id"] == samples.PAYMENT_TEXT


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the gateway's own logging writes, as it is configured when it runs."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = StringIO()
    configure_logging("info", "json", stream)
    yield stream
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    logging.raiseExceptions = True
    root.handlers, root.level = handlers, level


@pytest.mark.parametrize(("fails", "lines"), [(False, 0), (True, 1)])
async def test_answered_calls_leave_no_line_at_the_usual_level(
    written: StringIO, fails: bool, lines: int
) -> None:
    """At `info` a refusal is told and an answer is not; neither caller notices."""
    answer = NotFound(Reason.PAYMENT_NOT_FOUND, "No.") if fails else samples.payment()
    request = GetPaymentRequest(merchant_id="shop", payment_id=samples.PAYMENT_TEXT)
    async with open_house(UseCases(get_payment=answer), log=get_logger("test")) as house:
        if fails:
            await house.refusal("GetPayment", request)
        else:
            await house.send("GetPayment", request)
    assert len(written.getvalue().splitlines()) == lines


async def test_bad_input_is_not_repeated_in_the_log(house: House) -> None:
    """A request that is refused by its bytes leaves a line without any of them."""
    request = samples.pay_request()
    request.merchant_id = "Secret Merchant"
    await house.refusal("Pay", request)
    ((_, fields),) = house.log.calls()
    assert fields["code"] == "INVALID_ARGUMENT"
    assert "merchant_id" not in fields
    assert "Secret" not in str(fields)


async def test_nothing_that_a_caller_wrote_is_in_a_line(written: StringIO) -> None:
    """Keys, texts and card-like numbers stay out, down to the bytes that are written."""
    request = samples.pay_request()
    request.idempotency_key = f"secret-key {CARD}"
    request.description, request.order_id = f"text {CARD}", "4111111111111111"
    request.payer.payer_id, request.attributes["note"] = (
        "4111-1111-1111-1111".replace("-", "."),
        CARD,
    )
    use_cases = UseCases(pay=RuntimeError("no"))
    async with open_house(use_cases, log=get_logger("test")) as house:
        metadata = (("x-request-id", "4111-1111-1111-1111"), ("authorization", "Bearer abc"))
        await house.refusal("Pay", request, metadata=metadata)
    text = written.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["event"] for line in lines] == ["rpc", "rpc_fault"]
    assert lines[0]["merchant_id"] == "shop"
    assert lines[0]["incident"] == lines[1]["incident"]
    assert "RuntimeError: no" in lines[1]["exception"]
    for secret in ("secret-key", "4111", "1111", "Bearer", "text"):
        assert secret not in text.replace("Traceback", "")


@pytest.mark.parametrize("text", ["req-1", "A.b:c_d", "x" * 64, "0af7651916cd43dd8448eb211c80319c"])
def test_a_request_id_of_the_callers_is_kept(text: str) -> None:
    """Lines of several services can be found together."""
    assert request_id([("other", "x"), ("x-request-id", text)]) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 65,
        "a b",
        "a\nb",
        "ü",
        "{}",
        "4111111111111111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4111_1111:1111-1111",
        b"bytes",
    ],
)
def test_a_request_id_that_may_not_be_logged_is_replaced(text: str | bytes) -> None:
    """What could break a line or be a card number is not taken over."""
    made = request_id([("x-request-id", text)])
    assert made != text
    assert made != request_id([("x-request-id", text)])
    assert len(made) == 16


def test_a_call_without_a_request_id_gets_one() -> None:
    """Every line can be named."""
    assert len(request_id([])) == 16
