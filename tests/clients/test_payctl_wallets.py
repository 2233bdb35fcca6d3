"""payctl and wallets: what it sends, what it shows, and the code it ends with."""

import json
import re

import pytest

from paymentgateway.client import money
from paymentgateway.v1 import ledger_pb2, payment_pb2, payment_service_pb2, wallet_pb2
from paymentgateway.v1.wallet_service_pb2 import (
    GetWalletRequest,
    GetWalletResponse,
    ListWalletEntriesRequest,
    ListWalletEntriesResponse,
    OpenWalletRequest,
    OpenWalletResponse,
    TopUpRequest,
    TopUpResponse,
    WithdrawRequest,
    WithdrawResponse,
)
from tests.clients.scripted_gateway import ScriptedGateway, Silence
from tests.clients.terminal import NOON, PAY, Payctl, payment

WALLET = wallet_pb2.Wallet(
    payer_id="payer-1",
    currency_code="CNY",
    available=money("60", "CNY"),
    held=money("0.99", "CNY"),
    create_time=NOON,
)
SHOWN = [
    "payer      payer-1",
    "available  60.00 CNY",
    "held       0.99 CNY",
    "opened     2026-01-31T12:00:00Z",
]
TOP_UP = ["wallet", "top-up", "payer-1", "100.00", "CNY"]
WITHDRAW = ["wallet", "withdraw", "payer-1", "40", "CNY"]
KEY = re.compile(r"key: (\S+) - send the same command with --key \1( --expire \S+)? to repeat")
DECLINE = payment_pb2.PaymentMethod(
    sandbox=payment_pb2.SandboxMethod(
        charge=payment_pb2.SandboxScript(outcome=payment_pb2.SANDBOX_OUTCOME_DECLINE)
    )
)


def test_pay_from_the_wallet(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """With --wallet the payer's wallet pays, and nothing of the sandbox is sent."""
    gateway.script("Pay", payment_service_pb2.PayResponse(payment=payment()))
    assert payctl(*PAY, "--wallet", "--payer", "payer-1") == 0
    (request,) = gateway.requests("Pay")
    assert isinstance(request, payment_service_pb2.PayRequest)
    assert request.payment_method == payment_pb2.PaymentMethod(wallet={})
    assert request.payer.payer_id == "payer-1"


def test_the_wallet_has_no_scripts(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """Two ways to pay at once are wrong usage, and nothing is sent."""
    assert payctl(*PAY, "--wallet", "--sandbox", "outcome=decline") == 2
    assert not gateway.received


def test_open_and_show(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """A wallet is shown with what can be spent and what is held."""
    gateway.script("OpenWallet", OpenWalletResponse(wallet=WALLET))
    gateway.script("GetWallet", GetWalletResponse(wallet=WALLET))
    assert payctl("wallet", "open", "payer-1", "CNY") == 0
    assert payctl.out.splitlines() == SHOWN
    assert payctl("wallet", "show", "payer-1", "CNY") == 0
    assert payctl.out.splitlines() == SHOWN
    assert [call.request for call in gateway.received] == [
        OpenWalletRequest(payer_id="payer-1", currency_code="CNY"),
        GetWalletRequest(payer_id="payer-1", currency_code="CNY"),
    ]


def test_an_empty_wallet_shows_zero(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """Balances of zero are shown, because that is what was asked for."""
    zero = payment_pb2.Payment(amount={"currency_code": "CNY"}).amount
    wallet = wallet_pb2.Wallet(payer_id="p", currency_code="CNY", available=zero, held=zero)
    gateway.script("GetWallet", GetWalletResponse(wallet=wallet))
    assert payctl("wallet", "show", "p", "CNY") == 0
    assert payctl.out == "payer      p\navailable  0.00 CNY\nheld       0.00 CNY\n"


def test_top_up_sends_the_contract(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """Everything that can be typed about a top-up arrives in its field, and comes back readable."""
    top_up = wallet_pb2.TopUp(
        top_up_id="top_1",
        payer_id="payer-1",
        amount=money("100", "CNY"),
        state=payment_pb2.PAYMENT_STATE_REQUIRES_ACTION,
        next_action=payment_pb2.NextAction(qr_code="qr"),
    )
    gateway.script("TopUp", TopUpResponse(top_up=top_up, replayed=True))
    more = "--key k --scene app --description 茶 --expire 2026-01-31T12:00:00Z"
    assert payctl(*TOP_UP, *more.split(), "--sandbox", "outcome=decline") == 0
    assert payctl.out.splitlines() == [
        "top-up       top_1",
        "state        REQUIRES_ACTION",
        "next action  qr code: qr",
        "amount       100.00 CNY",
        "payer        payer-1",
        "replayed     yes: the key was known, nothing was executed now",
    ]
    assert gateway.requests("TopUp") == [
        TopUpRequest(
            payer=payment_pb2.Payer(payer_id="payer-1"),
            idempotency_key="k",
            amount=money("100", "CNY"),
            payment_method=DECLINE,
            scene=payment_pb2.SCENE_APP,
            description="茶",
            expire_time=NOON,
        )
    ]


def test_withdraw_sends_the_contract(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """Everything that can be typed about a withdrawal arrives, and a failure says why."""
    withdrawal = wallet_pb2.Withdrawal(
        withdrawal_id="wdr_1",
        payer_id="payer-1",
        amount=money("40", "CNY"),
        state=payment_pb2.PAYMENT_STATE_FAILED,
        failure=payment_pb2.Failure(reason=payment_pb2.FAILURE_REASON_INSUFFICIENT_FUNDS),
    )
    gateway.script("Withdraw", WithdrawResponse(withdrawal=withdrawal))
    more = "--key k --description home --sandbox outcome=decline"
    assert payctl(*WITHDRAW, *more.split()) == 1
    assert payctl.out.splitlines() == [
        "withdrawal  wdr_1",
        "state       FAILED",
        "failure     INSUFFICIENT_FUNDS",
        "amount      40.00 CNY",
        "payer       payer-1",
    ]
    assert gateway.requests("Withdraw") == [
        WithdrawRequest(
            payer_id="payer-1",
            idempotency_key="k",
            amount=money("40", "CNY"),
            payment_method=DECLINE,
            description="home",
        )
    ]


@pytest.mark.parametrize(
    ("state", "code"), [("PROCESSING", 0), ("SUCCEEDED", 0), ("FAILED", 1), ("EXPIRED", 1)]
)
def test_the_state_decides_the_exit_code(
    gateway: ScriptedGateway, payctl: Payctl, state: str, code: int
) -> None:
    """Money that did not arrive ends payctl with 1, any other answer with 0."""
    number = payment_pb2.PaymentState.Value(f"PAYMENT_STATE_{state}")
    gateway.script("TopUp", TopUpResponse(top_up=wallet_pb2.TopUp(state=number)))
    gateway.script("Withdraw", WithdrawResponse(withdrawal=wallet_pb2.Withdrawal(state=number)))
    assert payctl(*TOP_UP) == code
    assert payctl(*WITHDRAW) == code


@pytest.mark.parametrize(("method", "command"), [("TopUp", TOP_UP), ("Withdraw", WITHDRAW)])
def test_a_key_is_made_and_shown_first(
    gateway: ScriptedGateway, payctl: Payctl, method: str, command: list[str]
) -> None:
    """Without a key payctl makes one and shows it, even when no answer comes."""
    gateway.script(method, Silence())
    assert payctl("--deadline", "0.2", *command) == 4
    match = KEY.match(payctl.err)
    assert match is not None
    (request,) = gateway.requests(method)
    assert isinstance(request, TopUpRequest | WithdrawRequest)
    assert request.idempotency_key == match[1]
    assert payctl.err.endswith(f"The key is {match[1]}.\n")


def test_a_repeated_top_up_names_the_same_moment(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """The key stands for the expiry too, so the line to repeat names the moment, not the wait."""
    gateway.script("TopUp", *[TopUpResponse()] * 2)
    payctl(*TOP_UP, "--expire", "15m")
    match = KEY.match(payctl.err)
    assert match is not None
    payctl(*TOP_UP, "--key", match[1], *(match[2] or "").split())
    first, second = gateway.requests("TopUp")
    assert first == second


def test_a_fraction_that_the_currency_has_not(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """An amount that would have to be rounded is refused before it is sent."""
    assert payctl("wallet", "top-up", "payer-1", "1.005", "CNY") == 2
    assert payctl("wallet", "withdraw", "payer-1", "1.5", "JPY") == 2
    assert not gateway.received


def test_entries(gateway: ScriptedGateway, payctl: Payctl) -> None:
    """Entries are a table of transfers, or a line of JSON each, up to the limit."""
    wallet = ledger_pb2.AccountName(book=ledger_pb2.BOOK_CUSTOMER, code="wallet", key="payer-1")
    other = ledger_pb2.AccountName(book=ledger_pb2.BOOK_CUSTOMER, code="merchant_unsettled")
    transfer = ledger_pb2.Transfer(debit=wallet, credit=other, currency_code="CNY", minor_units=200)
    booked = [
        ledger_pb2.Entry(
            entry_id=f"ent_{number}",
            event="payment_captured",
            transfers=[transfer],
            create_time=NOON,
        )
        for number in range(3)
    ]
    gateway.script("ListWalletEntries", *[ListWalletEntriesResponse(entries=booked)] * 2)
    assert payctl("wallet", "entries", "payer-1", "CNY", "--limit", "2") == 0
    header, *rows = payctl.out.splitlines()
    assert header.split() == ["BOOKED", "EVENT", "BOOK", "DEBIT", "CREDIT", "AMOUNT", "ENTRY"]
    assert [row.split()[-1] for row in rows] == ["ent_0", "ent_1"]
    assert "wallet:payer-1" in rows[0]
    assert payctl("wallet", "entries", "payer-1", "CNY", "--limit", "2", "--json") == 0
    documents = [json.loads(line) for line in payctl.out.splitlines()]
    assert [document["entry_id"] for document in documents] == ["ent_0", "ent_1"]
    wanted = ListWalletEntriesRequest(payer_id="payer-1", currency_code="CNY", page_size=2)
    assert gateway.requests("ListWalletEntries") == [wanted, wanted]
