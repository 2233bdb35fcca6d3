"""What a channel says about a charge: a table from state and outcome to what is written."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from gateway.domain.change import Aggregate, Change
from gateway.domain.channel import AttemptState, Outcome, OutcomeClass
from gateway.domain.fees import MILLION
from gateway.domain.operation import OperationState
from gateway.domain.payment import (
    CaptureMode,
    Failure,
    FailureReason,
    NextAction,
    PaymentState,
)
from tests.domain.lives import (
    ACTED,
    ACTING,
    CLOSED,
    DECLINED,
    HELD,
    HOUR,
    NOT_FOUND,
    NOT_SENT,
    PAID,
    QR,
    REFUSED,
    SILENT,
    WAITING,
    canceling,
    capturing,
    charge_of,
    in_state,
    latest,
    said,
    told,
)
from tests.domain.samples import LIFETIME, START, id_maker, opened

S, A, F = PaymentState, AttemptState, FailureReason
NEW_ID = id_maker()
OUTCOMES: dict[str, Outcome] = {
    "paid": PAID,
    "held": HELD,
    "declined": DECLINED,
    "refused": REFUSED,
    "closed": CLOSED,
    "waiting": WAITING,
    "acted": ACTED,
    "acting": ACTING,
    "silent": SILENT,
    "not found": NOT_FOUND,
    "not sent": NOT_SENT,
}


@dataclass(frozen=True)
class Written:
    """What a row writes: state, the attempt's state, the failure, the events of its entries."""

    state: PaymentState
    attempt: AttemptState
    failure: FailureReason | None = None
    entries: tuple[str, ...] = ()
    event: str = "CHANGED"


ENDED = {
    "paid": Written(S.SUCCEEDED, A.SUCCEEDED, entries=("payment_captured",)),
    "held": Written(S.AUTHORIZED, A.SUCCEEDED),
    "declined": Written(S.FAILED, A.FAILED, F.INSUFFICIENT_FUNDS),
    "refused": Written(S.FAILED, A.FAILED, F.DECLINED),
    "closed": Written(S.FAILED, A.FAILED, F.DECLINED),
    "not sent": Written(S.FAILED, A.NOT_SENT, F.CHANNEL_UNAVAILABLE),
}
LATE = ("late_success", "return_accepted")


def _late(
    state: PaymentState, attempt: AttemptState, failure: FailureReason | None
) -> dict[str, Written]:
    return {
        "paid": Written(state, attempt, failure, entries=LATE, event="LATE_SUCCESS"),
        "held": Written(state, attempt, failure, event="LATE_SUCCESS"),
    }


TABLE: dict[PaymentState, dict[str, Written]] = {
    S.PROCESSING: {**ENDED, "acting": Written(S.REQUIRES_ACTION, A.OPEN)},
    S.REQUIRES_ACTION: {**ENDED, "acted": Written(S.PROCESSING, A.OPEN)},
    S.AUTHORIZED: {"closed": Written(S.EXPIRED, A.SUCCEEDED)},
    S.SUCCEEDED: {},
    S.FAILED: _late(S.FAILED, A.FAILED, F.INSUFFICIENT_FUNDS),
    S.CANCELED: _late(S.CANCELED, A.FAILED, None),
    S.EXPIRED: _late(S.EXPIRED, A.FAILED, None),
}
"""What each state makes of each outcome. What is not named writes nothing at all."""


@pytest.mark.parametrize("state", PaymentState)
def test_what_an_outcome_means(state: PaymentState) -> None:
    """Each state makes of each outcome what the table says, and of all others nothing."""
    aggregate = in_state(state, NEW_ID)
    before = charge_of(aggregate).state

    said_so = {name: said(aggregate, outcome, NEW_ID) for name, outcome in OUTCOMES.items()}

    written = {name: _written(change, before) for name, change in said_so.items() if change}
    assert written == TABLE[state]


def _written(change: Change, before: AttemptState) -> Written:
    payment = change.payment
    charges = [attempt.state for attempt in change.attempts if attempt.operation_id is None]
    return Written(
        payment.state,
        charges[0] if charges else before,
        payment.failure.reason if payment.failure else None,
        tuple(entry.event for entry in change.entries),
        change.event.type.value,
    )


@pytest.mark.parametrize("mode", CaptureMode)
@pytest.mark.parametrize(
    ("outcome", "state", "captured"), [(PAID, S.SUCCEEDED, 3_000), (HELD, S.AUTHORIZED, 0)]
)
def test_the_channel_says_whether_money_was_taken(
    mode: CaptureMode, outcome: Outcome, state: PaymentState, captured: int
) -> None:
    """Whatever was asked for, what was taken is booked and what is held is not."""
    after = told(opened(NEW_ID, capture_mode=mode), outcome, NEW_ID)

    assert (after.payment.state, after.payment.captured) == (state, captured)


def test_a_success_takes_everything() -> None:
    """A paid charge is captured in full, with its exact fee, and shows the channel's number."""
    payment = in_state(S.SUCCEEDED, NEW_ID).payment

    assert payment.captured == 3_000
    assert payment.fee_millionths == 18 * MILLION
    assert payment.capture_time == START
    assert payment.channel_number == "ch-1"


@pytest.mark.parametrize("outcome", [PAID, HELD])
def test_where_the_money_came_from_is_kept(outcome: Outcome) -> None:
    """The channel's own word stands with the payment and with the attempt that it was told of."""
    after = told(opened(NEW_ID), replace(outcome, funding_source="PCREDIT"), NEW_ID)

    assert after.payment.funding_source == charge_of(after).funding_source == "PCREDIT"


def test_where_the_money_came_from_may_be_told_by_the_capture() -> None:
    """What only the taking of money tells is kept too, and outlives a later one that is silent."""
    running = capturing(in_state(S.AUTHORIZED, NEW_ID), NEW_ID, 1_000)
    after = told(running, replace(PAID, funding_source="PCREDIT"), NEW_ID, latest(running))
    assert after.payment.funding_source == charge_of(after).funding_source == "PCREDIT"

    rest = capturing(after, NEW_ID)
    assert told(rest, PAID, NEW_ID, latest(rest)).payment.funding_source == "PCREDIT"


def test_a_payment_without_a_schedule_costs_nothing() -> None:
    """Where no fee was agreed none is accrued."""
    assert in_state(S.SUCCEEDED, NEW_ID, fee_terms=None).payment.fee_millionths == 0


def test_a_hold_ends_when_the_channel_ends_it() -> None:
    """An authorisation knows since when it is held and until when it can be captured."""
    payment = in_state(S.AUTHORIZED, NEW_ID).payment

    assert payment.authorize_time == START
    assert payment.capture_before_time == START + LIFETIME
    assert (payment.captured, payment.fee_millionths) == (0, 0)


@pytest.mark.parametrize("outcome", [PAID, HELD, DECLINED, CLOSED, NOT_SENT, ACTED])
def test_the_payer_is_asked_only_while_he_can_act(outcome: Outcome) -> None:
    """Whatever follows an action that was required takes it away."""
    assert in_state(S.REQUIRES_ACTION, NEW_ID).payment.next_action == QR

    assert told(in_state(S.REQUIRES_ACTION, NEW_ID), outcome, NEW_ID).payment.next_action is None


def test_an_action_outlives_a_channel_that_says_no_more() -> None:
    """A channel that names the action once and then only "pending" leaves it to be shown."""
    before = in_state(S.REQUIRES_ACTION, NEW_ID)

    after = told(before, replace(WAITING, channel_number="ch-7"), NEW_ID)

    assert said(before, WAITING, NEW_ID) is None
    assert (after.payment.state, after.payment.next_action) == (S.REQUIRES_ACTION, QR)
    assert after.payment.channel_number == "ch-7"


def test_a_new_action_replaces_the_old_one() -> None:
    """What the payer must do may change while he has not done it."""
    fresh = NextAction(QR.kind, "https://channel.example/qr/2")
    aggregate = in_state(S.REQUIRES_ACTION, NEW_ID)

    change = said(aggregate, replace(ACTING, next_action=fresh), NEW_ID)

    assert change
    assert (change.payment.state, change.payment.next_action) == (S.REQUIRES_ACTION, fresh)


def test_the_channels_number_is_kept_as_soon_as_it_is_told() -> None:
    """A number that comes with a pending answer is news; told again it is not, nor is silence."""
    named = replace(WAITING, channel_number="ch-7")
    after = told(in_state(S.PROCESSING, NEW_ID), named, NEW_ID)

    assert after.payment.channel_number == "ch-7"
    assert said(after, named, NEW_ID) is None
    assert said(after, WAITING, NEW_ID) is None
    paid = told(after, replace(PAID, channel_number=""), NEW_ID)
    assert paid.payment.channel_number == "ch-7"


@pytest.mark.parametrize(
    ("after", "state"),
    [
        (timedelta(minutes=15) - timedelta.resolution, S.FAILED),
        (timedelta(minutes=15), S.EXPIRED),
        (HOUR, S.EXPIRED),
    ],
)
def test_a_closed_number_expires_or_fails(after: timedelta, state: PaymentState) -> None:
    """A number that can never succeed ended by time once its time was over, else by refusal."""
    assert told(in_state(S.PROCESSING, NEW_ID), CLOSED, NEW_ID, after=after).payment.state is state


def test_a_closed_number_says_why() -> None:
    """A reason that comes with the closing is the payment's."""
    failure = Failure(FailureReason.NOT_ACCEPTED, "Never accepted.")

    after = told(in_state(S.PROCESSING, NEW_ID), replace(CLOSED, failure=failure), NEW_ID)

    assert after.payment.failure == failure


CANCELS: dict[str, tuple[PaymentState, OperationState, FailureReason | None]] = {
    "paid": (S.SUCCEEDED, OperationState.FAILED, F.ALREADY_PAID),
    "held": (S.AUTHORIZED, OperationState.PROCESSING, None),
    "declined": (S.FAILED, OperationState.FAILED, F.DECLINED),
    "refused": (S.FAILED, OperationState.FAILED, F.DECLINED),
    "closed": (S.CANCELED, OperationState.SUCCEEDED, None),
    "not sent": (S.FAILED, OperationState.FAILED, F.CHANNEL_UNAVAILABLE),
}


@pytest.mark.parametrize("name", CANCELS)
def test_a_running_cancel_ends_with_the_charge(name: str) -> None:
    """When the charge ends, a cancel under way ends in the same commit, for the same reason."""
    state, cancel, reason = CANCELS[name]
    running = canceling(in_state(S.PROCESSING, NEW_ID), NEW_ID)

    after = told(running, OUTCOMES[name], NEW_ID)

    operation = latest(after)
    assert (after.payment.state, operation.state) == (state, cancel)
    assert (operation.failure.reason if operation.failure else None) is reason
    ended = cancel is not OperationState.PROCESSING
    assert (after.open_attempts(operation.operation_id) == ()) is ended
    assert after.open_attempts(None) == ()


def test_a_closed_number_was_canceled_even_if_it_expired() -> None:
    """What a caller canceled is CANCELED, also when its time ran out meanwhile."""
    running = canceling(in_state(S.PROCESSING, NEW_ID), NEW_ID)

    assert told(running, CLOSED, NEW_ID, after=HOUR).payment.state is S.CANCELED


def _captured_in_part() -> Aggregate:
    running = capturing(in_state(S.AUTHORIZED, NEW_ID), NEW_ID, 1_000)
    return told(running, replace(PAID, evidence="part"), NEW_ID, latest(running))


RUNNING: dict[str, Callable[[], Aggregate]] = {
    "capture": lambda: capturing(in_state(S.AUTHORIZED, NEW_ID), NEW_ID, 1_000),
    "cancel": lambda: canceling(in_state(S.AUTHORIZED, NEW_ID), NEW_ID),
}


def test_a_hold_that_the_channel_ended_keeps_what_was_taken() -> None:
    """When the channel lets a hold go by itself, a part that was captured makes it a success."""
    after = told(_captured_in_part(), CLOSED, NEW_ID)

    assert (after.payment.state, after.payment.captured) == (S.SUCCEEDED, 1_000)


@pytest.mark.parametrize("running", RUNNING)
def test_while_something_runs_its_own_answer_decides(running: str) -> None:
    """A hold that seems gone while a capture or cancel runs may be gone by its doing."""
    assert said(RUNNING[running](), CLOSED, NEW_ID) is None


def test_every_class_of_outcome_is_in_the_table() -> None:
    """A class that joins has to be given its rows here."""
    assert {outcome.outcome for outcome in OUTCOMES.values()} == set(OutcomeClass)
