"""What each documented code means, for every step at which it may be met."""

import pytest

from gateway.channels.connector import Action
from gateway.channels.v3style.errors import MEANINGS, Meaning, meaning_of
from gateway.domain.channel import AttemptKind, OutcomeClass
from gateway.domain.payment import FailureReason
from tests.channels.v3style.wire import Side, call

CHARGE, CANCEL, REFUND = AttemptKind.CHARGE, AttemptKind.CANCEL, AttemptKind.REFUND
PENDING, FAILED, UNKNOWN = OutcomeClass.PENDING, OutcomeClass.FAILED, OutcomeClass.UNKNOWN

TABLE = [
    (202, "USERPAYING", Meaning.PAYING),
    (400, "PARAM_ERROR", Meaning.REFUSED),
    (400, "INVALID_REQUEST", Meaning.REFUSED),
    (400, "APPID_MCHID_NOT_MATCH", Meaning.REFUSED),
    (400, "MCH_NOT_EXISTS", Meaning.REFUSED),
    (400, "ORDER_CLOSED", Meaning.CLOSED),
    (400, "ORDERPAID", Meaning.ASK),
    (401, "SIGN_ERROR", Meaning.ASK),
    (403, "NO_AUTH", Meaning.REFUSED),
    (403, "RULE_LIMIT", Meaning.REFUSED),
    (403, "ACCOUNT_ERROR", Meaning.REFUSED),
    (403, "REQUEST_BLOCKED", Meaning.REFUSED),
    (403, "NOT_ENOUGH", Meaning.NO_BALANCE),
    (403, "OUT_TRADE_NO_USED", Meaning.ASK),
    (403, "TRADE_ERROR", Meaning.REFUSED),
    (404, "ORDER_NOT_EXIST", Meaning.NOT_FOUND),
    (404, "RESOURCE_NOT_EXISTS", Meaning.NOT_FOUND),
    (429, "FREQUENCY_LIMITED", Meaning.ASK),
    (429, "RATELIMIT_EXCEEDED", Meaning.ASK),
    (500, "SYSTEM_ERROR", Meaning.ASK),
    (500, "BANK_ERROR", Meaning.ASK),
    (500, "OPENID_MISMATCH", Meaning.REFUSED),
]


@pytest.mark.parametrize(("status", "code", "meaning"), TABLE)
def test_code_in_either_spelling(status: int, code: str, meaning: Meaning) -> None:
    """Each documented code means what the documentation says, with underscores and without."""
    assert meaning_of(status, code) is meaning
    assert meaning_of(status, code.replace("_", "")) is meaning


def test_table_is_whole() -> None:
    """Every documented code stands in the table, and nothing else does."""
    assert MEANINGS.keys() == {(status, code.replace("_", "")) for status, code, _ in TABLE}
    assert meaning_of(400, "SIGN_ERROR") is meaning_of(500, "PARAM_ERROR") is Meaning.ASK


@pytest.mark.parametrize(("status", "code", "meaning"), TABLE)
def test_refused_order(side: Side, status: int, code: str, meaning: Meaning) -> None:
    """A new order fails by a documented refusal of it, and by nothing else."""
    outcome = side.connector.parse(call(), side.error(status, code))
    expected = {
        Meaning.REFUSED: FAILED,
        Meaning.NO_BALANCE: FAILED,
        Meaning.CLOSED: FAILED,
        Meaning.PAYING: PENDING,
        Meaning.NOT_FOUND: UNKNOWN,
        Meaning.ASK: UNKNOWN,
    }
    assert outcome.outcome is expected[meaning]
    assert outcome.closed == (meaning is Meaning.CLOSED)
    assert outcome.not_found == (meaning is Meaning.NOT_FOUND)
    if outcome.outcome is FAILED:
        assert outcome.failure is not None
        assert outcome.failure.channel_code == code
        assert outcome.failure.message == "The channel says no."
    assert code in outcome.evidence
    assert "268578704" in outcome.evidence


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("NOT_ENOUGH", FailureReason.INSUFFICIENT_FUNDS),
        ("NOTENOUGH", FailureReason.INSUFFICIENT_FUNDS),
        ("RULE_LIMIT", FailureReason.LIMIT_EXCEEDED),
        ("ACCOUNT_ERROR", FailureReason.DECLINED),
    ],
)
def test_reasons(side: Side, code: str, reason: FailureReason) -> None:
    """A refusal is told by the contract's reason where there is one."""
    outcome = side.connector.parse(call(), side.error(403, code))
    assert outcome.failure is not None
    assert outcome.failure.reason is reason


@pytest.mark.parametrize(("status", "code", "meaning"), TABLE)
def test_refused_refund(side: Side, status: int, code: str, meaning: Meaning) -> None:
    """A refund fails by a documented refusal; for want of the merchant's money it waits."""
    outcome = side.connector.parse(call(kind=REFUND), side.error(status, code))
    final = meaning in (Meaning.REFUSED, Meaning.CLOSED)
    assert outcome.outcome is (FAILED if final else UNKNOWN)
    assert not outcome.closed


@pytest.mark.parametrize(("status", "code", "meaning"), TABLE)
@pytest.mark.parametrize("kind", [CHARGE, CANCEL, REFUND])
def test_refused_question(
    side: Side, kind: AttemptKind, status: int, code: str, meaning: Meaning
) -> None:
    """A question that was refused proves nothing; "not found" is told, and is no proof."""
    outcome = side.connector.parse(call(Action.ASK, kind), side.error(status, code))
    assert (outcome.outcome, outcome.failure) == (UNKNOWN, None)
    assert outcome.not_found == (meaning is Meaning.NOT_FOUND)
