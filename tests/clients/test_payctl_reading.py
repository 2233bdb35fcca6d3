"""payctl looks things up and keeps merchants: tables for people, JSON for scripts, help for all."""

import json

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

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
from tests.clients.scripted_gateway import ScriptedGateway
from tests.clients.terminal import ID, NOON, Payctl, payment


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
    header, *rows = payctl.out.splitlines()
    assert [row.index("12.50 CNY") for row in rows] == [header.index("AMOUNT")] * 2
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
    names = ("茶馆", "Shops")
    merchants = [merchant_pb2.Merchant(merchant_id="m", display_name=name) for name in names]
    page = merchant_service_pb2.ListMerchantsResponse(merchants=merchants)
    gateway.script("ListMerchants", page)
    assert payctl("merchant", "list") == 0
    assert payctl.out.splitlines() == [
        "MERCHANT  NAME   STATE    CURRENCIES  CHANNELS  VERSION",
        "m         茶馆   enabled                        0",
        "m         Shops  enabled                        0",
    ]


def test_the_target_comes_from_the_environment(
    gateway: ScriptedGateway, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PAYCTL_TARGET says where the gateway is, for everyone who does not."""
    monkeypatch.setenv("PAYCTL_TARGET", gateway.target)
    gateway.script("GetMerchant", merchant_service_pb2.GetMerchantResponse())
    assert main(["merchant", "get", "m_demo"]) == 0


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["pay"],
        ["merchant"],
        ["merchant", "create"],
        ["wallet"],
        ["wallet", "top-up"],
        ["wallet", "entries"],
        ["watch"],
    ],
)
def test_help_can_be_read(
    payctl: Payctl, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command explains itself in a hundred columns, and ends with 0."""
    monkeypatch.setenv("COLUMNS", "100")
    assert payctl(*command, "--help") == 0
    assert payctl.out.startswith(" ".join(["usage: payctl", *command]))
    assert max(map(len, payctl.out.splitlines())) <= 100
