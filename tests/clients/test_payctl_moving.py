"""payctl moves money: what it sends, what it shows of the key, and the code it ends with."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from paymentgateway.client import money
from paymentgateway.v1 import payment_pb2, payment_service_pb2, refund_pb2, refund_service_pb2
from tests.clients.scripted_gateway import ScriptedGateway, Silence
from tests.clients.terminal import ID, NOON, PAY, Payctl, payment

KEY = re.compile(r"key: (\S+) - send the same command with --key \1( --expire \S+)? to repeat")


def paid(**more: Any) -> payment_service_pb2.PayResponse:
    return payment_service_pb2.PayResponse(payment=payment(**more))


def test_pay_sends_the_contract(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """Everything that can be typed about a payment arrives in its field."""
    gateway.script("Pay", paid())
    more = "--key k-1 --capture manual --payer p-1 --scene mini-program --description 茶"
    times = "--attribute a=b --attribute c=d=e --expire 2026-01-31T20:00:00.5+08:00"
    scripts = "--sandbox outcome=DECLINE,decline_code=X --sandbox refund:fault=drop-reply"
    assert payctl(*PAY, *more.split(), *times.split(), *scripts.split()) == 0
    sandbox = payment_pb2.SandboxMethod(
        charge=payment_pb2.SandboxScript(
            outcome=payment_pb2.SANDBOX_OUTCOME_DECLINE, decline_code="X"
        ),
        refund=payment_pb2.SandboxScript(fault=payment_pb2.SANDBOX_FAULT_DROP_REPLY),
    )
    assert gateway.requests("Pay") == [
        payment_service_pb2.PayRequest(
            merchant_id="m_demo",
            idempotency_key="k-1",
            order_id="o-1",
            amount=money("12.50", "CNY"),
            payment_method=payment_pb2.PaymentMethod(sandbox=sandbox),
            capture_mode=payment_pb2.CAPTURE_MODE_MANUAL,
            payer=payment_pb2.Payer(payer_id="p-1"),
            scene=payment_pb2.SCENE_MINI_PROGRAM,
            description="茶",
            attributes={"a": "b", "c": "d=e"},
            expire_time=NOON,
        )
    ]


def test_pay_makes_a_key_and_shows_it_first(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """Without a key payctl makes one and shows it, even when no answer comes."""
    gateway.script("Pay", Silence())
    assert payctl("--deadline", "0.2", *PAY) == 4
    match = KEY.match(payctl.err)
    assert match is not None
    (request,) = gateway.requests("Pay")
    assert isinstance(request, payment_service_pb2.PayRequest)
    assert request.idempotency_key == match[1]
    assert payctl.err.count("\n") == 2
    assert payctl.err.endswith(
        "The outcome is not known. Send the same request with the same key again."
        f" The key is {match[1]}.\n"
    )


def test_a_repeated_expiry_is_the_same_moment(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """The key stands for the expiry too, so the line to repeat names the moment, not the wait."""
    gateway.script("Pay", paid(), paid())
    assert payctl(*PAY, "--expire", "15m") == 0
    match = KEY.match(payctl.err)
    assert match is not None
    assert payctl(*PAY, "--key", match[1], *(match[2] or "").split()) == 0
    first, second = gateway.requests("Pay")
    assert first == second
    assert isinstance(first, payment_service_pb2.PayRequest)
    ahead = first.expire_time.ToDatetime(UTC) - datetime.now(UTC)
    assert timedelta(minutes=14) < ahead <= timedelta(minutes=15)


def test_a_key_that_was_typed_is_not_shown_again(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """Nothing is said about a key that the caller knows."""
    gateway.script("Pay", paid())
    assert payctl(*PAY, "--key", "k-1") == 0
    assert payctl.err == ""


def test_the_table_of_a_payment(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """A payment is shown as aligned words, amounts and times; what is empty is left out."""
    failure = payment_pb2.Failure(
        reason=payment_pb2.FAILURE_REASON_DECLINED, channel_code="X1", message="no\x1b[2J"
    )
    answer = paid(attributes={"b": "2", "a": "1"}, failure=failure)
    answer.replayed = True
    gateway.script("Pay", answer)
    assert payctl(*PAY, "--key", "k") == 0
    assert payctl.out.splitlines() == [
        f"payment     {ID}",
        "state       SUCCEEDED",
        "failure     DECLINED: no\N{REPLACEMENT CHARACTER}[2J (channel code X1)",
        "amount      12.50 CNY",
        "captured    12.50 CNY",
        "refunded    2.50 CNY",
        "fee         0.075 CNY",
        "merchant    m_demo",
        "order       o-1",
        "attributes  a=1, b=2",
        "created     2026-01-31T12:00:00Z",
        "replayed    yes: the key was known, nothing was executed now",
    ]


def test_json_has_the_fields_of_the_contract(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """With --json an answer is one line of ASCII that holds the whole message."""
    answer = paid(description="茶")
    gateway.script("Pay", answer)
    assert payctl(*PAY, "--json", "--key", "k") == 0
    assert payctl.out.isascii()
    (line,) = payctl.out.splitlines()
    document = json.loads(line)
    assert ParseDict(document, payment_service_pb2.PayResponse()) == answer
    assert document["replayed"] is False
    assert document["payment"]["amount"] == {"currency_code": "CNY", "minor_units": "1250"}


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("PROCESSING", 0),
        ("REQUIRES_ACTION", 0),
        ("AUTHORIZED", 0),
        ("SUCCEEDED", 0),
        ("FAILED", 1),
        ("CANCELED", 1),
        ("EXPIRED", 1),
    ],
)
def test_the_state_decides_the_exit_code(
    gateway: ScriptedGateway, payctl: Payctl, state: str, code: int
) -> None:
    """A payment that ended without money ends payctl with 1, any other answer with 0."""
    gateway.script("Pay", paid(state=payment_pb2.PaymentState.Value(f"PAYMENT_STATE_{state}")))
    assert payctl(*PAY) == code
    assert f"state     {state}" in payctl.out


def test_capture(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """A capture sends its amount, and fails with 1 when the capture failed."""
    operation = payment_service_pb2.Capture(
        capture_id="cap_1",
        amount=money("5", "CNY"),
        state=refund_pb2.OPERATION_STATE_FAILED,
        failure=payment_pb2.Failure(reason=payment_pb2.FAILURE_REASON_CAPTURE_EXCEEDS_AUTHORIZED),
    )
    answer = payment_service_pb2.CaptureResponse(payment=payment(), capture=operation)
    gateway.script("Capture", answer)
    assert payctl("capture", ID, "5", "CNY", "--final", "--merchant", "m_demo", "--key", "k") == 1
    assert "capture failure  CAPTURE_EXCEEDS_AUTHORIZED\n" in payctl.out
    assert gateway.requests("Capture") == [
        payment_service_pb2.CaptureRequest(
            merchant_id="m_demo",
            idempotency_key="k",
            payment_id=ID,
            amount=money("5", "CNY"),
            final=True,
        )
    ]


@pytest.mark.parametrize(("state", "code"), [("PROCESSING", 0), ("SUCCEEDED", 0), ("FAILED", 1)])
def test_cancel_and_refund(gateway: ScriptedGateway, payctl: Payctl, state: str, code: int) -> None:
    """A cancel or refund that failed ends with 1; one without an amount asks for all."""
    number = refund_pb2.OperationState.Value(f"OPERATION_STATE_{state}")
    refund = refund_pb2.Refund(refund_id="ref_1", state=number)
    cancelled = payment_service_pb2.CancelResponse(payment=payment(), state=number)
    gateway.script("Cancel", cancelled)
    gateway.script("Refund", refund_service_pb2.RefundResponse(refund=refund))
    about = {"merchant_id": "m_demo", "idempotency_key": "k", "payment_id": ID}
    assert payctl("cancel", ID, "--merchant", "m_demo", "--key", "k") == code
    assert f"cancel state  {state}\n" in payctl.out
    assert payctl("refund", ID, "--merchant", "m_demo", "--key", "k") == code
    assert payctl.out == f"refund  ref_1\nstate   {state}\n"
    assert [call.request for call in gateway.received] == [
        payment_service_pb2.CancelRequest(**about),
        refund_service_pb2.RefundRequest(**about),
    ]
