"""What each code proves, for what was sent: the table of the documentation, held to SEMANTICS."""

import pytest

from gateway.channels.connector import Action, Call
from gateway.domain.channel import AttemptKind, OutcomeClass
from gateway.domain.payment import FailureReason
from tests.channels.alipay.wire import HELD_NUMBER, call, parsed, refused

SEND, ASK = Action.SEND, Action.ASK
CHARGE, CAPTURE, REFUND = AttemptKind.CHARGE, AttemptKind.CAPTURE, AttemptKind.REFUND
FAILED, UNKNOWN, PENDING = OutcomeClass.FAILED, OutcomeClass.UNKNOWN, OutcomeClass.PENDING
HELD = {"way": "auth_code_freeze", "charge_channel_number": HELD_NUMBER}
SENT: list[tuple[Call, str]] = [
    (call(), "alipay.trade.precreate"),
    (call(way="code"), "alipay.trade.pay"),
    (call(way="agreement"), "alipay.trade.pay"),
    (call(way="auth_code_freeze"), "alipay.fund.auth.order.freeze"),
    (call(SEND, CAPTURE, **HELD), "alipay.trade.pay"),
    (call(SEND, REFUND), "alipay.trade.refund"),
]
ASKED: list[tuple[Call, str]] = [
    (call(ASK), "alipay.trade.query"),
    (call(ASK, CAPTURE, **HELD), "alipay.trade.query"),
    (call(ASK, REFUND), "alipay.trade.fastpay.refund.query"),
    (call(ASK, way="auth_code_freeze"), "alipay.fund.auth.operation.detail.query"),
]
REFUSALS = [
    ("ACQ.INVALID_PARAMETER", FailureReason.DECLINED),
    ("ACQ.ACCESS_FORBIDDEN", FailureReason.DECLINED),
    ("ACQ.EXIST_FORBIDDEN_WORD", FailureReason.DECLINED),
    ("ACQ.PARTNER_ERROR", FailureReason.DECLINED),
    ("ACQ.TOTAL_FEE_EXCEED", FailureReason.LIMIT_EXCEEDED),
    ("ACQ.BUYER_SELLER_EQUAL", FailureReason.DECLINED),
    ("ACQ.TRADE_BUYER_NOT_MATCH", FailureReason.DECLINED),
    ("ACQ.SELLER_BEEN_BLOCKED", FailureReason.DECLINED),
    ("ACQ.PAYMENT_AUTH_CODE_INVALID", FailureReason.DECLINED),
    ("ACQ.BUYER_BALANCE_NOT_ENOUGH", FailureReason.INSUFFICIENT_FUNDS),
    ("ACQ.AUTH_NO_ERROR", FailureReason.DECLINED),
    ("ILLEGAL_ARGUMENT", FailureReason.DECLINED),
    ("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", FailureReason.DECLINED),
    ("ACQ.REASON_TRADE_REFUND_FEE_ERR", FailureReason.DECLINED),
    ("ACQ.TRADE_HAS_FINISHED", FailureReason.DECLINED),
]
PROVING_NOTHING = [
    ("20000", "isp.unknow-error"),
    ("20000", "aop.unknow-error"),
    ("20000", "aop.ACQ.SYSTEM_ERROR"),
    ("20000", ""),
    ("20001", "aop.invalid-auth-token"),
    ("40001", "isv.missing-signature"),
    ("40002", "isv.invalid-signature"),
    ("40002", "isv.invalid-app-id"),
    ("40002", "isv.invalid-timestamp"),
    ("40004", "ACQ.SYSTEM_ERROR"),
    ("40004", "SYSTEM_ERROR"),
    ("40004", "ACQ.TRADE_HAS_SUCCESS"),
    ("40004", "ACQ.CONTEXT_INCONSISTENT"),
    ("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH"),
    ("40004", "ACQ.A_CODE_OF_TOMORROW"),
    ("40004", "aop.ACQ.INVALID_PARAMETER"),
    ("40004", ""),
    ("40005", "aop.call-limited"),
    ("50000", "ACQ.INVALID_PARAMETER"),
    ("10001", ""),
]


@pytest.mark.parametrize(("sub_code", "reason"), REFUSALS)
def test_definite_refusals(sub_code: str, reason: FailureReason) -> None:
    """A documented refusal of what was sent ends its attempt, and says why."""
    for made, method in SENT:
        outcome = parsed(made, refused(method, sub_code))
        assert (outcome.outcome, outcome.closed) == (FAILED, False)
        assert outcome.failure is not None
        assert (outcome.failure.reason, outcome.failure.channel_code) == (reason, sub_code)
        assert outcome.failure.message == "拒绝"


def test_a_call_that_is_not_allowed() -> None:
    """An app without the permission is refused for good, whatever the detail."""
    for made, method in SENT:
        outcome = parsed(made, refused(method, "isv.insufficient-isv-permissions", "40006"))
        assert outcome.outcome is FAILED


@pytest.mark.parametrize(("code", "sub_code"), PROVING_NOTHING)
def test_codes_that_prove_nothing(code: str, sub_code: str) -> None:
    """What may have happened all the same, and what nobody documented, is asked about."""
    for made, method in SENT:
        outcome = parsed(made, refused(method, sub_code, code))
        assert (outcome.outcome, outcome.not_found) == (UNKNOWN, False)
        assert outcome.failure is None


def test_refused_questions_prove_nothing() -> None:
    """That a question was refused, for whatever reason, says nothing of what it is about."""
    codes = [("40004", sub_code) for sub_code, _ in REFUSALS] + PROVING_NOTHING
    for made, method in ASKED:
        for code, sub_code in [
            *codes,
            ("40004", "ACQ.TRADE_HAS_CLOSE"),
            ("40006", ""),
            ("10003", ""),
        ]:
            outcome = parsed(made, refused(method, sub_code, code))
            assert (outcome.outcome, outcome.closed) == (UNKNOWN, False)


@pytest.mark.parametrize("sub_code", ["ACQ.TRADE_HAS_CLOSE", "ORDER_ALREADY_CLOSED"])
def test_closed_numbers(sub_code: str) -> None:
    """A number that is closed can never be paid; captures and refunds on it are refused."""
    for made, method in SENT:
        outcome = parsed(made, refused(method, sub_code))
        assert outcome.outcome is FAILED
        assert outcome.closed is (made.request.kind is CHARGE)


@pytest.mark.parametrize(
    "sub_code", ["ACQ.TRADE_NOT_EXIST", "AUTH_ORDER_NOT_EXIST", "AUTH_OPERATION_NOT_EXIST"]
)
def test_not_found(sub_code: str) -> None:
    """That something is not known at this instant fails nothing, whatever was asked or sent."""
    for made, method in SENT + ASKED:
        outcome = parsed(made, refused(method, sub_code))
        assert (outcome.outcome, outcome.not_found) == (UNKNOWN, True)


def test_waiting() -> None:
    """A payment, a hold or a capture that waits for its payer is pending."""
    for made, method in SENT[1:5]:
        assert parsed(made, refused(method, "", "10003")).outcome is PENDING


def test_refusal_of_the_gateway_itself() -> None:
    """A signed refusal in the node for errors is read like one in the method's own."""
    for made, _ in SENT:
        told = parsed(made, refused("error_response", "ACQ.INVALID_PARAMETER"))
        assert told.outcome is FAILED
        told = parsed(made, refused("error_response", "isv.invalid-signature", "40002"))
        assert told.outcome is UNKNOWN
