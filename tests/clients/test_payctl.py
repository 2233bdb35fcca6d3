"""payctl against a scripted gateway: what it sends, what it shows, and the code it ends with."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.timestamp_pb2 import Timestamp

from paymentgateway.client import money
from paymentgateway.payctl import main
from paymentgateway.v1 import (
    ledger_pb2,
    ledger_service_pb2,
    merchant_pb2,
    merchant_service_pb2,
    payment_pb2,
    payment_service_pb2,
    refund_pb2,
    refund_service_pb2,
)
from tests.clients.scripted_gateway import Refusal, ScriptedGateway, Silence

Code = grpc.StatusCode
ID = "pay_0123456789abcdefghijkl"
NOON = Timestamp(seconds=int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp()))
PAY = ["pay", "12.50", "CNY", "--merchant", "m_demo", "--order", "o-1"]
KEY = re.compile(r"key: (\S+) - send the same command with --key \1( --expire \S+)? to repeat")


def payment(state: int = payment_pb2.PAYMENT_STATE_SUCCEEDED, **more: Any) -> payment_pb2.Payment:
    """Make a payment of 12.50 CNY that was refunded in part."""
    return payment_pb2.Payment(
        merchant_id="m_demo",
        payment_id=ID,
        order_id="o-1",
        state=state,
        amount=money("12.50", "CNY"),
        captured=money("12.50", "CNY"),
        refunded=money("2.50", "CNY"),
        fee_millionths=7_500_000,
        create_time=NOON,
        **more,
    )


def paid(**more: Any) -> payment_service_pb2.PayResponse:
    return payment_service_pb2.PayResponse(payment=payment(**more))


class Payctl:
    """Runs payctl against the gateway and keeps what it wrote."""

    def __init__(self, gateway: ScriptedGateway, capsys: pytest.CaptureFixture[str]) -> None:
        self._gateway = gateway
        self._capsys = capsys
        self.out = ""
        self.err = ""

    def __call__(self, *arguments: str) -> int:
        try:
            code = main(["--target", self._gateway.target, *arguments])
        except SystemExit as left:
            assert isinstance(left.code, int)
            code = left.code
        self.out, self.err = self._capsys.readouterr()
        return code


@pytest.fixture
def payctl(gateway: ScriptedGateway, capsys: pytest.CaptureFixture[str]) -> Payctl:
    """Give payctl, bound to the gateway."""
    return Payctl(gateway, capsys)


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
    assert "key:" not in payctl.err
    assert not gateway.received


def test_capture(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """A capture sends its amount, and fails with 1 when the capture failed."""
    operation = payment_service_pb2.Capture(
        capture_id="cap_1",
        amount=money("5", "CNY"),
        state=refund_pb2.OPERATION_STATE_FAILED,
        failure=payment_pb2.Failure(
            reason=payment_pb2.FAILURE_REASON_CAPTURE_EXCEEDS_AUTHORIZED
        ),
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
def test_cancel_and_refund(
    gateway: ScriptedGateway, payctl: Payctl, state: str, code: int
) -> None:
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


def test_a_payment_is_found_by_its_key(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """A failed payment that is looked up is an answer like any other: 0."""
    failed = payment(state=payment_pb2.PAYMENT_STATE_FAILED)
    gateway.script("GetPayment", payment_service_pb2.GetPaymentResponse(payment=failed))
    assert payctl("get", "--key", "k", "--merchant", "m_demo") == 0
    assert gateway.requests("GetPayment") == [
        payment_service_pb2.GetPaymentRequest(merchant_id="m_demo", idempotency_key="k")
    ]


def test_a_refund_is_shown(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """A refund that waits for a person says so."""
    refund = refund_pb2.Refund(refund_id="ref_1", under_review=True)
    gateway.script("GetRefund", refund_service_pb2.GetRefundResponse(refund=refund))
    assert payctl("refund-get", "ref_1", "--merchant", "m_demo") == 0
    assert "under review  yes\n" in payctl.out


def test_lists_stop_at_their_limit(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """A list shows aligned columns, reads as many pages as its limit takes, and no more."""
    long = payment(state=99)
    long.order_id = "o-123456"
    first = payment_service_pb2.ListPaymentsResponse(payments=[payment()], next_page_token="t")
    second = payment_service_pb2.ListPaymentsResponse(payments=[long] * 5, next_page_token="u")
    gateway.script("ListPayments", first, second)
    filters = "--state succeeded --order o-1 --from 2026-01-31T12:00:00Z --limit 2"
    assert payctl("list", "--merchant", "m_demo", *filters.split()) == 0
    assert [line.split("  ")[0] for line in payctl.out.splitlines()] == [
        "PAYMENT                   ".strip(),
        ID,
        ID,
    ]
    columns = [line.index("12.50 CNY") for line in payctl.out.splitlines()[1:]]
    assert columns == [payctl.out.index("AMOUNT")] * 2
    assert "UNKNOWN(99)" in payctl.out
    request = gateway.requests("ListPayments")[0]
    assert request == payment_service_pb2.ListPaymentsRequest(
        merchant_id="m_demo",
        state=payment_pb2.PAYMENT_STATE_SUCCEEDED,
        order_id="o-1",
        create_time_from=NOON,
        page_size=2,
    )
    assert len(gateway.received) == 2


def test_lists_as_json(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """With --json a list is one document per line, wherever the option stands."""
    refunds = [refund_pb2.Refund(refund_id=f"ref_{number}") for number in range(2)]
    gateway.script("ListRefunds", refund_service_pb2.ListRefundsResponse(refunds=refunds))
    assert payctl("--json", "refunds", "--merchant", "m_demo") == 0
    assert [json.loads(line)["refund_id"] for line in payctl.out.splitlines()] == ["ref_0", "ref_1"]


def test_an_empty_list(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """Nothing found is a header alone, or no line of JSON at all."""
    gateway.script("ListPayments", *[payment_service_pb2.ListPaymentsResponse()] * 2)
    assert payctl("list", "--merchant", "m_demo") == 0
    assert payctl.out.startswith("PAYMENT  ORDER")
    assert payctl("list", "--merchant", "m_demo", "--json") == 0
    assert payctl.out == ""


def test_the_ledger(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """Accounts, entries and trial balance are tables; books that do not balance end with 1."""
    cash = ledger_pb2.AccountName(book=ledger_pb2.BOOK_CUSTOMER, code="clearing", key="sandbox")
    owed = ledger_pb2.AccountName(book=ledger_pb2.BOOK_CUSTOMER, code="merchant", key="m_demo")
    account = ledger_pb2.Account(
        name=owed,
        kind=ledger_pb2.ACCOUNT_KIND_LIABILITY,
        currency_code="CNY",
        debit_minor_units=250,
        credit_minor_units=1250,
        balance_minor_units=1000,
    )
    transfer = ledger_pb2.Transfer(debit=cash, credit=owed, currency_code="CNY", minor_units=1250)
    entry = ledger_pb2.Entry(
        entry_id="ent_1", event="payment_captured", transfers=[transfer], create_time=NOON
    )
    balance = ledger_service_pb2.GetTrialBalanceResponse(accounts=[account], balanced=False)
    gateway.script("ListAccounts", ledger_service_pb2.ListAccountsResponse(accounts=[account]))
    gateway.script("ListEntries", ledger_service_pb2.ListEntriesResponse(entries=[entry]))
    gateway.script("GetTrialBalance", balance)
    row = "CUSTOMER  merchant  m_demo  LIABILITY  2.50 CNY  12.50 CNY  10.00 CNY"
    assert payctl("accounts", "--merchant", "m_demo") == 0
    assert payctl.out.splitlines()[1] == row
    assert payctl("entries", ID, "--merchant", "m_demo") == 0
    booked = "2026-01-31T12:00:00Z  payment_captured  CUSTOMER  clearing:sandbox  merchant:m_demo"
    assert payctl.out.splitlines()[1] == f"{booked}  12.50 CNY  ent_1"
    assert payctl("trial-balance") == 1
    assert payctl.out.splitlines()[1:] == [row, "balanced: NO"]


def test_a_merchant_is_made(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """A merchant is made of what was typed, with a fee from the beginning of time."""
    merchant = merchant_pb2.Merchant(
        merchant_id="m_demo",
        display_name="茶馆",
        currency_codes=["CNY", "USD"],
        channels=["sandbox"],
        fee_schedules=[
            merchant_pb2.FeeSchedule(
                channel="sandbox",
                currency_code="CNY",
                effective_time=Timestamp(),
                rate_millionths=6000,
                returned_on_refund=True,
            )
        ],
        payment_limits=[merchant_pb2.PaymentLimit(currency_code="CNY", maximum_minor_units=500)],
        order_policy=merchant_pb2.ORDER_POLICY_MANY_PAYMENTS,
        refund_policy=merchant_pb2.REFUND_POLICY_ADVANCE,
    )
    answer = merchant_service_pb2.CreateMerchantResponse(merchant=merchant)
    gateway.script("CreateMerchant", answer)
    fee = "channel=sandbox,currency_code=CNY,rate_millionths=6000,returned_on_refund=true"
    typed = f"--name 茶馆 --currency CNY --currency USD --channel sandbox --fee {fee}"
    more = "--payment-limit currency_code=CNY,maximum_minor_units=500 --refund-policy advance"
    assert payctl("merchant", "create", "m_demo", *typed.split(), *more.split()) == 0
    assert gateway.requests("CreateMerchant") == [
        merchant_service_pb2.CreateMerchantRequest(merchant_id="m_demo", merchant=merchant)
    ]
    assert "fee         sandbox CNY 0.6 % returned on refund\n" in payctl.out
    assert "limit       0.00 CNY to 5.00 CNY\n" in payctl.out


def test_a_merchant_is_changed(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """An update sends what was read, under its version, with only what was typed changed."""
    read = merchant_pb2.Merchant(
        merchant_id="m_demo", display_name="Old", channels=["sandbox"], version=4
    )
    gateway.script("GetMerchant", merchant_service_pb2.GetMerchantResponse(merchant=read))
    gateway.script("UpdateMerchant", merchant_service_pb2.UpdateMerchantResponse(merchant=read))
    assert payctl("merchant", "update", "m_demo", "--disable", "--channel", "bank") == 0
    read.disabled = True
    read.channels[:] = ["bank"]
    assert gateway.requests("UpdateMerchant") == [
        merchant_service_pb2.UpdateMerchantRequest(merchant_id="m_demo", merchant=read)
    ]


def test_wide_letters_keep_the_columns(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """A Chinese name takes two columns for each letter, and the next column still lines up."""
    names = ("茶馆", "Shop")
    merchants = [merchant_pb2.Merchant(merchant_id="m", display_name=name) for name in names]
    page = merchant_service_pb2.ListMerchantsResponse(merchants=merchants)
    gateway.script("ListMerchants", page)
    assert payctl("merchant", "list") == 0
    assert [line.split("  ")[1:3] for line in payctl.out.splitlines()[1:]] == [
        ["     茶馆", "enabled"] if name == "茶馆" else ["     Shop", "enabled"] for name in names
    ] or "茶馆  enabled" in payctl.out


def test_the_target_comes_from_the_environment(
    gateway: ScriptedGateway, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PAYCTL_TARGET says where the gateway is, for everyone who does not."""
    monkeypatch.setenv("PAYCTL_TARGET", gateway.target)
    gateway.script("GetMerchant", merchant_service_pb2.GetMerchantResponse())
    assert main(["merchant", "get", "m_demo"]) == 0


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    """A gateway that cannot be reached ends with 4 and names the target's trouble."""
    assert main(["--target", "127.0.0.1:1", "--deadline", "0.3", "merchant", "get", "m"]) == 4
    assert capsys.readouterr().err.startswith("payctl: ")


@pytest.mark.parametrize("command", [[], ["pay"], ["merchant"], ["merchant", "create"], ["watch"]])
def test_help_can_be_read(payctl: Payctl, command: list[str]) -> None:
    """Every command explains itself on a screen of eighty columns, and ends with 0."""
    assert payctl(*command, "--help") == 0
    assert "usage: payctl" in payctl.out
