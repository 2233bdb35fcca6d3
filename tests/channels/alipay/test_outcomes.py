"""What each verified answer about a trade means: every state, for every question."""

from typing import Any

import pytest

from gateway.channels.connector import Action, Call
from gateway.domain.channel import AttemptKind, Outcome, OutcomeClass
from gateway.domain.money import Money
from gateway.domain.payment import ActionKind, FailureReason
from tests.channels.alipay.wire import (
    CHARGE_NUMBER,
    EXPIRY,
    NUMBER,
    TRADE_NO,
    answer,
    call,
    done,
    parsed,
    refused,
    trade,
)

CHARGE, CANCEL, REFUND = AttemptKind.CHARGE, AttemptKind.CANCEL, AttemptKind.REFUND
SEND, ASK, FENCE = Action.SEND, Action.ASK, Action.FENCE
SUCCESS, PENDING = OutcomeClass.SUCCESS, OutcomeClass.PENDING
FAILED, UNKNOWN = OutcomeClass.FAILED, OutcomeClass.UNKNOWN
PRECREATE, PAY, QUERY = "alipay.trade.precreate", "alipay.trade.pay", "alipay.trade.query"
CLOSE = "alipay.trade.close"
QR_CODE = "https://qr.alipay.com/bavh4wjlxf12tper3a"
PAID = {
    "out_trade_no": NUMBER,
    "trade_no": TRADE_NO,
    "total_amount": "12.50",
    "gmt_payment": "2026-03-01 12:00:00",
}


def _asked(state: str, kind: AttemptKind = CHARGE, **changes: Any) -> Outcome:
    number = NUMBER if kind is CHARGE else CHARGE_NUMBER
    fields = trade(state, number) | changes
    return parsed(call(ASK, kind), done(QUERY, **fields))


def test_qr_code() -> None:
    """An accepted order gives the QR code, until the order or the code ends."""
    reply = done(PRECREATE, out_trade_no=NUMBER, qr_code=QR_CODE)
    outcome = parsed(call(), reply)
    assert outcome.outcome is PENDING
    assert outcome.next_action is not None
    action = outcome.next_action
    assert (action.kind, action.content) == (ActionKind.QR_CODE, QR_CODE)
    assert action.expire_time == EXPIRY


@pytest.mark.parametrize(
    "fields",
    [
        {"out_trade_no": NUMBER},
        {"out_trade_no": NUMBER, "qr_code": "javascript:alert(1)"},
        {"out_trade_no": CHARGE_NUMBER, "qr_code": QR_CODE},
        {"qr_code": QR_CODE},
    ],
)
def test_acceptance_of_other_shape_is_unknown(fields: dict[str, str]) -> None:
    """An acceptance without a QR code, or of another number, proves nothing."""
    assert parsed(call(), done(PRECREATE, **fields)).outcome is UNKNOWN


@pytest.mark.parametrize("way", ["code", "agreement"])
def test_paid_at_once(way: str) -> None:
    """A payment that was carried out is paid: its code says so."""
    outcome = parsed(call(way=way), done(PAY, **PAID))
    assert (outcome.outcome, outcome.money) == (SUCCESS, Money("CNY", 1250))
    assert (outcome.channel_number, outcome.authorized) == (TRADE_NO, False)


@pytest.mark.parametrize(
    "change",
    [
        {"out_trade_no": CHARGE_NUMBER},
        {"out_trade_no": None},
        {"trade_no": None},
        {"total_amount": None},
        {"total_amount": "0.00"},
        {"total_amount": "12.505"},
        {"total_amount": "-12.50"},
        {"total_amount": "1e3"},
        {"total_amount": ""},
        {"total_amount": "012.50"},
        {"total_amount": ["12.50"]},
        {"total_amount": True},
    ],
)
def test_payment_that_cannot_be_read_is_unknown(change: dict[str, Any]) -> None:
    """A payment of another number, or without a plain amount, proves nothing."""
    assert parsed(call(way="code"), done(PAY, **PAID | change)).outcome is UNKNOWN


@pytest.mark.parametrize(
    ("text", "fen"), [("12.5", 1250), ("12", 1200), ("0.01", 1), ("100000000.00", 10_000_000_000)]
)
def test_amounts_of_answers(text: str, fen: int) -> None:
    """Yuan are read exactly, with as many decimals as are told."""
    assert parsed(call(way="code"), done(PAY, **PAID | {"total_amount": text})).money == Money(
        "CNY", fen
    )


def test_amount_as_a_number_is_read_as_it_is_written() -> None:
    """An amount that comes as a JSON number never passes through binary fractions."""
    node = (
        f'{{"code":"10000","out_trade_no":"{NUMBER}","trade_no":"{TRADE_NO}",'
        '"total_amount":9999999.99}'
    )
    assert parsed(call(way="code"), answer(PAY, node)).money == Money("CNY", 999_999_999)


@pytest.mark.parametrize("way", ["code", "agreement"])
def test_payer_types_the_password(way: str) -> None:
    """While Alipay waits for the payer, the payment is pending."""
    reply = answer(PAY, {"code": "10003", "msg": "order success pay inprocess"})
    assert parsed(call(way=way), reply).outcome is PENDING


@pytest.mark.parametrize("state", ["TRADE_SUCCESS", "TRADE_FINISHED"])
def test_paid(state: str) -> None:
    """A paid trade is a success, whether it can still be refunded or not."""
    outcome = _asked(state)
    assert (outcome.outcome, outcome.money) == (SUCCESS, Money("CNY", 1250))
    assert outcome.channel_number == TRADE_NO
    assert outcome.funding_source == "ALIPAYACCOUNT"


def test_waiting() -> None:
    """A trade that waits for its payer is pending, with what is told of it."""
    assert _asked("WAIT_BUYER_PAY").money == Money("CNY", 1250)
    outcome = _asked("WAIT_BUYER_PAY", trade_no=None, total_amount=None)
    assert (outcome.outcome, outcome.money, outcome.channel_number) == (PENDING, None, "")


@pytest.mark.parametrize("paid", ["2026-03-01 12:00:00", None])
def test_closed(paid: str | None) -> None:
    """A closed trade failed for good, unpaid or given back as a whole: nothing of it is left."""
    outcome = _asked("TRADE_CLOSED", send_pay_date=paid)
    assert (outcome.outcome, outcome.closed) == (FAILED, True)
    assert outcome.failure is not None
    assert outcome.failure.reason is FailureReason.NOT_ACCEPTED


@pytest.mark.parametrize(
    "change",
    [
        {"out_trade_no": CHARGE_NUMBER},
        {"out_trade_no": None},
        {"trade_status": "TRADE_PAID"},
        {"trade_status": None},
        {"trade_no": None},
        {"total_amount": None},
    ],
)
def test_trade_that_cannot_be_read_is_unknown(change: dict[str, Any]) -> None:
    """A trade of another number, in no known state, or paid without an amount proves nothing."""
    outcome = _asked("TRADE_SUCCESS", **change)
    assert (outcome.outcome, outcome.not_found) == (UNKNOWN, False)


@pytest.mark.parametrize(
    ("made", "method"),
    [
        (call(ASK), QUERY),
        (call(ASK, CANCEL), QUERY),
        (call(FENCE), CLOSE),
        (call(SEND, CANCEL), CLOSE),
        (call(SEND, REFUND), "alipay.trade.refund"),
        (call(ASK, REFUND), "alipay.trade.fastpay.refund.query"),
    ],
)
def test_not_found_is_no_proof(made: Call, method: str) -> None:
    """Before its scan a QR code has no trade: that none is found fails and closes nothing."""
    outcome = parsed(made, refused(method, "ACQ.TRADE_NOT_EXIST"))
    assert (outcome.outcome, outcome.not_found, outcome.closed) == (UNKNOWN, True, False)


def test_close() -> None:
    """A closed number is the end of its charge, and the aim of its cancel."""
    fenced = parsed(call(FENCE), done(CLOSE, out_trade_no=NUMBER, trade_no=TRADE_NO))
    assert (fenced.outcome, fenced.closed) == (FAILED, True)
    canceled = parsed(call(SEND, CANCEL), done(CLOSE, out_trade_no=CHARGE_NUMBER))
    assert canceled.outcome is SUCCESS


@pytest.mark.parametrize("number", [NUMBER, None])
def test_close_of_another_number(number: str | None) -> None:
    """The answer about another number closes nothing of this one."""
    outcome = parsed(call(SEND, CANCEL), done(CLOSE, out_trade_no=number))
    assert outcome.outcome is UNKNOWN


@pytest.mark.parametrize(
    ("sub_code", "fenced", "canceled"),
    [
        ("ACQ.TRADE_HAS_CLOSE", FAILED, SUCCESS),
        ("ACQ.TRADE_STATUS_ERROR", UNKNOWN, UNKNOWN),
        ("ACQ.REASON_TRADE_STATUS_INVALID", UNKNOWN, UNKNOWN),
        ("ACQ.SYSTEM_ERROR", UNKNOWN, UNKNOWN),
        ("ACQ.INVALID_PARAMETER", UNKNOWN, FAILED),
    ],
)
def test_refused_close(sub_code: str, fenced: OutcomeClass, canceled: OutcomeClass) -> None:
    """That a close is refused fails no charge; that the trade was closed before is as good."""
    reply = refused(CLOSE, sub_code)
    assert parsed(call(FENCE), reply).outcome is fenced
    assert parsed(call(FENCE), reply).closed is (fenced is FAILED)
    assert parsed(call(SEND, CANCEL), reply).outcome is canceled


@pytest.mark.parametrize(
    ("state", "outcome", "not_found"),
    [
        ("TRADE_CLOSED", SUCCESS, False),
        ("TRADE_SUCCESS", FAILED, False),
        ("TRADE_FINISHED", FAILED, False),
        ("WAIT_BUYER_PAY", UNKNOWN, True),
    ],
)
def test_cancel_is_asked_about(state: str, outcome: OutcomeClass, not_found: bool) -> None:
    """A cancel succeeded where its trade is closed, failed where it is paid, else is sent again."""
    told = _asked(state, CANCEL)
    assert (told.outcome, told.not_found) == (outcome, not_found)
    if outcome is FAILED:
        assert told.failure is not None
        assert told.failure.reason is FailureReason.ALREADY_PAID


@pytest.mark.parametrize(
    ("bills", "source"),
    [
        ([{"fund_channel": "PCREDIT", "amount": "12.50"}], "PCREDIT"),
        (
            [{"fund_channel": "COUPON", "amount": "1"}, {"fund_channel": "PCREDIT"}],
            "COUPON+PCREDIT",
        ),
        ('[{"amount":"12.50","fundChannel":"PCREDIT"}]', "PCREDIT"),
        (None, ""),
        ([], ""),
        ("", ""),
        ("[", ""),
        ([{"fund_channel": "<b>"}], ""),
        ([{"fund_channel": 1}], ""),
        ({"fund_channel": "PCREDIT"}, ""),
        ([{"fund_channel": "PCREDIT"}] * 9, ""),
        ("[" * 5_000, ""),
        ("[" * 4_000, ""),
    ],
)
def test_funding_source(bills: Any, source: str) -> None:
    """Where the money came from is shown, pay-later included; where it cannot be read, nothing."""
    outcome = _asked("TRADE_SUCCESS", fund_bill_list=bills)
    assert (outcome.outcome, outcome.funding_source) == (SUCCESS, source)
    assert ("paid from" in outcome.evidence) == bool(source)


def test_instalments_are_shown() -> None:
    """In how many instalments the payer pays is kept as evidence."""
    outcome = _asked(
        "TRADE_SUCCESS",
        fund_bill_list=[{"fund_channel": "PCREDIT", "amount": "12.50"}],
        hb_fq_pay_info={"user_install_num": "3"},
    )
    assert "paid from PCREDIT in 3 instalments" in outcome.evidence


def test_evidence_names_no_payer() -> None:
    """What is kept as proof holds neither the payer's account nor the barcode."""
    outcome = _asked("TRADE_SUCCESS", buyer_user_id="2088101117955611")
    assert "2088101117955611" not in outcome.evidence
    assert "159****5620" not in outcome.evidence
    assert TRADE_NO in outcome.evidence
