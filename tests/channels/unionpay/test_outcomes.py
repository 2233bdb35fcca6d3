"""What answers prove, code by code."""

import json
from datetime import datetime, timedelta

import pytest

from gateway.channels.connector import Action, Call, HttpReply
from gateway.channels.unionpay.codes import MEANINGS, Meaning
from gateway.channels.unionpay.limits import EXPIRY_MARGIN
from gateway.domain.channel import AttemptKind, Outcome, OutcomeClass
from gateway.domain.money import Money
from gateway.domain.payment import ActionKind, CaptureMode, FailureReason
from tests.channels.unionpay.wire import (
    CHARGE_MADE_THERE,
    CHARGE_NUMBER,
    EXPIRY,
    NOW,
    QUERY_ID,
    TN,
    TOKEN,
    answered,
    call,
    connector,
    found,
    reply,
    signed,
    written,
)

CHARGE, CAPTURE, CANCEL, REFUND = (
    *(AttemptKind.CHARGE, AttemptKind.CAPTURE),
    *(AttemptKind.CANCEL, AttemptKind.REFUND),
)
SUCCESS, PENDING, FAILED, UNKNOWN = (
    *(OutcomeClass.SUCCESS, OutcomeClass.PENDING),
    *(OutcomeClass.FAILED, OutcomeClass.UNKNOWN),
)
MANUAL = CaptureMode.MANUAL
OVER = EXPIRY + EXPIRY_MARGIN
KINDS = {CHARGE: "01", CAPTURE: "03", CANCEL: "32", REFUND: "04"}
LATER = (CAPTURE, CANCEL, REFUND)
REFUSALS = [code for code, meaning in MEANINGS.items() if meaning is Meaning.REFUSED]
OPEN = [code for code, meaning in MEANINGS.items() if meaning is Meaning.ASK]


def _parse(asked: Call, fields: dict[str, str]) -> Outcome:
    return connector().parse(asked, reply(fields))


def test_order_in_the_app_is_accepted() -> None:
    """The number of the order opens the front end until the order ends."""
    outcome = _parse(call(), answered("00", tn=TN))
    assert outcome.outcome is PENDING
    assert outcome.next_action is not None
    assert outcome.next_action.kind is ActionKind.CHALLENGE
    assert json.loads(outcome.next_action.content) == {"tn": TN}
    assert outcome.next_action.expire_time == EXPIRY


@pytest.mark.parametrize("tn", ["", "<script>"])
def test_order_without_its_number_proves_nothing(tn: str) -> None:
    """An accepted order without a way to pay it is asked about."""
    assert _parse(call(), answered("00", tn=tn)).outcome is UNKNOWN


@pytest.mark.parametrize("code", ["00", "A6", "05", "70", "83"])
def test_good_answer_is_only_accepted(code: str) -> None:
    """A good answer to a send, of whatever kind, is never the end."""
    outcome = _parse(call(method="back"), answered(code, queryId=QUERY_ID))
    assert (outcome.outcome, outcome.channel_number) == (PENDING, QUERY_ID)
    for kind in LATER:
        fields = answered(code, txnType=KINDS[kind], queryId=QUERY_ID, txnSubType="00")
        outcome = _parse(call(kind=kind, mode=MANUAL), fields)
        assert (outcome.outcome, outcome.channel_number) == (PENDING, QUERY_ID)


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        (call(), "01"),
        (call(method="back"), "01"),
        *((call(kind=kind, mode=MANUAL), KINDS[kind]) for kind in LATER),
    ],
)
def test_refusal_of_what_was_sent(asked: Call, kind: str) -> None:
    """A documented refusal of what was sent says which; whether it is final its sender knows."""
    for code in REFUSALS:
        outcome = _parse(asked, answered(code, txnType=kind))
        assert outcome.outcome is FAILED
        assert outcome.failure is not None
        assert outcome.failure.channel_code == code


def test_open_codes_are_asked_about() -> None:
    """A timeout, a duplicate, money taken too late, and what is in no table, prove nothing."""
    for code in (*OPEN, "34", "07", "ZZ"):
        for outcome in (
            _parse(call(), answered(code)),
            _parse(call(method="back"), answered(code)),
            _parse(call(Action.ASK, method="back", moment=OVER), found(code)),
        ):
            assert (outcome.outcome, outcome.not_found) == (UNKNOWN, False)


def test_reasons() -> None:
    """Where the contract has a word for the reason, it is given."""
    for code, reason in [
        ("64", FailureReason.INSUFFICIENT_FUNDS),
        ("33", FailureReason.LIMIT_EXCEEDED),
        ("60", FailureReason.DECLINED),
    ]:
        failure = _parse(call(method="back"), answered(code)).failure
        assert failure is not None
        assert (failure.reason, failure.message) == (reason, f"说明[{code}00000]")


@pytest.mark.parametrize("code", ["00", "A6"])
def test_asked_about_success(code: str) -> None:
    """The code of the transaction asked about proves its success, with amount and number."""
    outcome = _parse(call(Action.ASK), found(code))
    assert (outcome.outcome, outcome.authorized) == (SUCCESS, False)
    assert (outcome.money, outcome.channel_number) == (Money("CNY", 1250), QUERY_ID)
    held = _parse(call(Action.ASK, mode=MANUAL), found(code, txnType="02"))
    assert (held.outcome, held.authorized) == (SUCCESS, True)
    for kind in LATER:
        fields = found(code, txnType=KINDS[kind], txnSubType="00")
        outcome = _parse(call(Action.ASK, kind, mode=MANUAL), fields)
        assert (outcome.outcome, outcome.authorized) == (SUCCESS, False)


def test_question_may_be_echoed() -> None:
    """An answer may name the type of the question instead of the one asked about."""
    fields = found("00", txnType="00", txnSubType="00")
    assert _parse(call(Action.ASK), fields).outcome is SUCCESS


@pytest.mark.parametrize("code", ["05", "70", "83"])
def test_asked_about_what_is_under_way(code: str) -> None:
    """A transaction under way is waited for."""
    assert _parse(call(Action.ASK), found(code)).outcome is PENDING


def test_payer_may_try_again_until_the_end() -> None:
    """A failed try in the front end is no end until the order's time is over."""
    before = call(Action.ASK, moment=OVER - timedelta(seconds=1))
    for code in REFUSALS:
        outcome = _parse(before, found(code))
        assert (outcome.outcome, outcome.failure) == (PENDING, None)
        for final in (call(Action.ASK, moment=OVER), call(Action.ASK, method="back")):
            assert _parse(final, found(code)).outcome is FAILED


@pytest.mark.parametrize("kind", LATER)
def test_refusal_of_what_follows_is_final_at_once(kind: AttemptKind) -> None:
    """No payer tries a capture, void or refund again."""
    fields = found("35", txnType=KINDS[kind], txnSubType="00")
    assert _parse(call(Action.ASK, kind, mode=MANUAL), fields).outcome is FAILED


@pytest.mark.parametrize("moment", [NOW, OVER])
def test_not_found_is_no_proof(moment: datetime) -> None:
    """A number that the channel does not know is told as such, at any time."""
    for method in ("app", "back"):
        outcome = _parse(call(Action.ASK, method=method, moment=moment), answered("34"))
        assert (outcome.outcome, outcome.not_found) == (UNKNOWN, True)


@pytest.mark.parametrize("code", ["03", "05", "10", "12", "37", "60", "99"])
def test_refused_question_says_nothing(code: str) -> None:
    """That a question was refused says nothing about what it asked for."""
    fields = found("00", respCode=code)
    outcome = _parse(call(Action.ASK, moment=OVER), fields)
    assert (outcome.outcome, outcome.not_found) == (UNKNOWN, False)


def _charge(code: str, kind: str = "01") -> dict[str, str]:
    of_charge = {"orderId": CHARGE_NUMBER, "txnTime": CHARGE_MADE_THERE, "txnType": kind}
    return answered("34", **of_charge) if code == "34" else found(code, **of_charge)


@pytest.mark.parametrize("action", [Action.SEND, Action.ASK])
def test_cancel_of_an_unpaid_order_waits_for_its_end(action: Action) -> None:
    """The channel closes nothing: a cancel is done when the order's time is over, unpaid."""
    for code in ("34", "60"):
        waiting = call(action, CANCEL, moment=OVER - timedelta(seconds=1))
        outcome = _parse(waiting, _charge(code))
        assert (outcome.outcome, outcome.not_found) == (PENDING, False)
        outcome = _parse(call(action, CANCEL, moment=OVER), _charge(code))
        assert (outcome.outcome, outcome.not_found, outcome.failure) == (SUCCESS, False, None)


def test_cancel_comes_too_late() -> None:
    """An order that was paid before is not canceled, at whatever time that is found."""
    for moment in (NOW, OVER):
        outcome = _parse(call(Action.ASK, CANCEL, moment=moment), _charge("00"))
        assert outcome.outcome is FAILED
        assert outcome.failure is not None
        assert outcome.failure.reason is FailureReason.ALREADY_PAID


def test_cancel_of_what_came_to_be_held_is_sent_again() -> None:
    """Money that came to be held is voided once the channel's number of it is kept."""
    asked = call(Action.SEND, CANCEL, mode=MANUAL, charge_channel_number="")
    outcome = _parse(asked, _charge("00", "02"))
    assert (outcome.outcome, outcome.not_found) == (UNKNOWN, True)


def test_cancel_of_a_refused_charge_by_token() -> None:
    """A charge that failed at once leaves nothing to cancel, and says why."""
    outcome = _parse(call(Action.ASK, CANCEL, method="back"), _charge("60"))
    assert outcome.outcome is FAILED


@pytest.mark.parametrize(
    "change",
    [
        {"merId": "777290058167152"},
        {"merId": ""},
        {"orderId": CHARGE_NUMBER},
        {"orderId": ""},
        {"txnTime": CHARGE_MADE_THERE},
        {"txnTime": ""},
        {"txnType": "02"},
        {"txnType": ""},
        {"txnAmt": ""},
        {"txnAmt": "0"},
        {"txnAmt": "12.50"},
        {"txnAmt": "-1250"},
        {"txnAmt": "1250000000000"},
        {"currencyCode": "840"},
        {"respCode": ""},
        {"respCode": "000"},
        {"origRespCode": ""},
        {"origRespCode": "0"},
        {"queryId": "<>"},
    ],
)
def test_answers_about_something_else_prove_nothing(change: dict[str, str]) -> None:
    """However well signed, an answer about another thing, or malformed, proves nothing."""
    assert _parse(call(Action.ASK), found("00")).outcome is SUCCESS
    assert _parse(call(Action.ASK), found("00", **change)).outcome is UNKNOWN


def test_amount_is_handed_on() -> None:
    """An amount that is not ours is handed on as told: whoever keeps the intent compares."""
    assert _parse(call(Action.ASK), found("00", txnAmt="1")).money == Money("CNY", 1)


@pytest.mark.parametrize(
    "answer",
    [
        HttpReply(200, {}, b""),
        HttpReply(200, {}, b"<html>502</html>"),
        HttpReply(200, {}, written(answered("60"))),
        HttpReply(500, {}, written(signed(answered("60")))),
        HttpReply(401, {}, b"Invalid request"),
        HttpReply(429, {}, b""),
        HttpReply(200, {}, written(signed(answered("60")))[:-9]),
        HttpReply(200, {}, written(signed(answered("60"), whose="stranger"))),
    ],
)
def test_what_is_not_verified_proves_nothing(answer: HttpReply) -> None:
    """Unsigned, forged, cut and other answers are UNKNOWN, whatever they say."""
    outcome = connector().parse(call(method="back"), answer)
    assert (outcome.outcome, outcome.not_found, outcome.failure) == (UNKNOWN, False, None)
    assert str(answer.status) in outcome.evidence


def test_evidence_shows_what_was_told_and_no_secret() -> None:
    """Evidence names numbers, code and amount; no card, token or signature."""
    fields = signed(found("00", accNo="6216261000000000018"))
    outcome = connector().parse(
        call(Action.ASK, method="back"), HttpReply(200, {}, written(fields))
    )
    for shown in ("origRespCode 00", QUERY_ID, "12.50 CNY"):
        assert shown in outcome.evidence
    for secret in ("6216261000000000018", TOKEN, fields["signature"], "CERTIFICATE"):
        assert secret not in outcome.evidence
