"""payctl fails: one line that says what happened, and a code that says what may be done."""

import grpc
import pytest

from paymentgateway.payctl import main
from tests.clients.scripted_gateway import Refusal, ScriptedGateway
from tests.clients.terminal import ID, PAY, Payctl

Code = grpc.StatusCode


@pytest.mark.parametrize(
    ("refusal", "code", "told"),
    [
        (
            Refusal(
                Code.INVALID_ARGUMENT, "INVALID_REQUEST", violations=[("order_id", "too long")]
            ),
            2,
            "order_id: too long. Nothing was kept: correct the request; its key is free.",
        ),
        (Refusal(Code.RESOURCE_EXHAUSTED), 2, "Nothing was kept"),
        (
            Refusal(Code.FAILED_PRECONDITION, "IDEMPOTENCY_KEY_MISMATCH", {"key": "bound"}),
            3,
            "IDEMPOTENCY_KEY_MISMATCH: refused by the script. The same request is refused for ever",
        ),
        (
            Refusal(Code.FAILED_PRECONDITION, "PAYMENT_NOT_FINAL", {"key": "free"}, (), 2.0),
            3,
            "Send the same request with the same key again after 2 s. The key is k-1.",
        ),
        (Refusal(Code.NOT_FOUND, "PAYMENT_NOT_FOUND"), 3, "Nothing was kept; the key is free."),
        (Refusal(Code.ALREADY_EXISTS, "MERCHANT_EXISTS"), 3, "MERCHANT_EXISTS"),
        (Refusal(Code.UNAUTHENTICATED), 3, "UNAUTHENTICATED"),
        (Refusal(Code.PERMISSION_DENIED), 3, "PERMISSION_DENIED"),
        (Refusal(Code.ABORTED, "VERSION_CONFLICT", pushback_ms=-1), 3, "VERSION_CONFLICT"),
        (Refusal(Code.ABORTED, "CONTENTION", pushback_ms=-1), 4, "The key is k-1."),
        (Refusal(Code.UNAVAILABLE, "SHUTTING_DOWN", pushback_ms=-1), 4, "The key is k-1."),
        (
            Refusal(Code.RESOURCE_EXHAUSTED, "OVERLOADED", retry_after_s=60.0),
            4,
            "again after 60 s. The key is k-1.",
        ),
        (Refusal(Code.INTERNAL, "INTERNAL"), 4, "The outcome is not known."),
    ],
)
def test_errors_are_one_line_and_a_code(
    gateway: ScriptedGateway, payctl: Payctl, refusal: Refusal, code: int, told: str
) -> None:
    """A call without an answer says in one line what happened and what may be done with the key."""
    gateway.script("Pay", refusal)
    assert payctl(*PAY, "--key", "k-1") == code
    assert payctl.out == ""
    assert payctl.err.startswith("payctl: ")
    assert payctl.err.count("\n") == 1
    assert told in payctl.err


def test_an_error_of_a_lookup_says_nothing_of_keys(
    gateway: ScriptedGateway, payctl: Payctl
) -> None:
    """Where no key is at stake none is mentioned."""
    gateway.script("GetPayment", Refusal(Code.NOT_FOUND, "PAYMENT_NOT_FOUND"))
    assert payctl("get", ID, "--merchant", "m_demo") == 3
    assert payctl.err == "payctl: PAYMENT_NOT_FOUND: refused by the script.\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["pay", "12.505", "CNY", *PAY[3:]], "12.505 CNY is too fine: CNY has 2 decimal places."),
        (["pay", "1.5", "JPY", *PAY[3:]], "1.5 JPY is too fine: JPY has no decimal places."),
        (["pay", "1", "cny", *PAY[3:]], "currency 'cny' is not known; use one of AED,"),
        (["pay", "-1", "CNY", *PAY[3:]], "'-1' is not an amount; write it like 12.50."),
        (["refund", ID, "5", "--merchant", "m"], "an amount needs its currency, for example"),
        (["capture", ID, "x", "CNY", "--merchant", "m"], "'x' is not an amount"),
        ([*PAY, "--scene", "moon"], "'moon' is not one of app, web, mini_program"),
        ([*PAY, "--expire", "soon"], "'soon' is no moment; write it like 2026-01-31T12:00:00Z."),
        ([*PAY, "--expire", "2026-01-31T12:00:00"], "is no moment"),
        ([*PAY, "--expire", "999999999d"], "too far ahead"),
        ([*PAY, "--attribute", "a"], "'a' is not of the form key=value."),
        ([*PAY, "--sandbox", "mood=bad"], "'mood' is no field; use outcome, decline_code"),
        ([*PAY, "--sandbox", "fault=rain"], "'rain' is not one of drop_reply"),
        ([*PAY, "--sandbox", "fault_count=x"], "fault_count=x: write a whole number."),
        ([*PAY, "--sandbox", "fault_count=9999999999"], "fault_count=9999999999: "),
        ([*PAY, "--sandbox", "fault_always=1"], "write true or false."),
        ([*PAY, "--sandbox", "payout:fault=busy"], "give each of charge, capture, refund"),
        ([*PAY, "--sandbox", "fault=busy", "--sandbox", "charge:fault=busy"], "at most once"),
        ([*PAY, "--tls-ca", "/nowhere.pem"], "/nowhere.pem"),
        ([*PAY, "--tls-cert", __file__], "needs both its chain and its private key"),
        ([*PAY, "--deadline", "0"], "write a number of seconds above 0."),
        ([*PAY, "--description", "\udcff"], "the arguments are not UTF-8 text."),
        ([*PAY, "--merch", "m_other"], "unrecognized arguments: --merch m_other"),
        (["get", "--merchant", "m_demo"], "one of the arguments PAYMENT_ID --key is required"),
        (["get", ID, "--key", "k", "--merchant", "m"], "not allowed with argument"),
        (["list", "--merchant", "m_demo", "--limit", "0"], "write a number from 1 to 10000."),
        (["list", "--merchant", "m_demo", "--limit", "10001"], "write a number from 1 to 10000."),
        (["list", "--merchant", "m_demo", "--state", "won"], "'won' is not one of processing"),
        (["merchant", "create", "m"], "the following arguments are required: --name"),
        ([], "required: COMMAND"),
    ],
)
def test_bad_input_is_refused_before_it_is_sent(
    gateway: ScriptedGateway, payctl: Payctl, arguments: list[str], told: str
) -> None:
    """What makes no sense ends with 2 and a sentence that helps, and nothing is sent."""
    assert payctl(*arguments) == 2
    assert told in payctl.err
    assert "send the same command" not in payctl.err
    assert not gateway.received


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    """A gateway that cannot be reached ends with 4 and names the target's trouble."""
    assert main(["--target", "127.0.0.1:1", "--deadline", "0.3", "merchant", "get", "m"]) == 4
    assert capsys.readouterr().err.startswith("payctl: ")
