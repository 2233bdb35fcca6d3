"""Accepting captures, cancels and refunds: a table from what is asked, when, to what is decided."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.change import Aggregate, Change
from gateway.domain.channel import AttemptKind, AttemptState
from gateway.domain.decisions.accept import (
    accept_cancel,
    accept_capture,
    accept_refund,
    release_authorization,
)
from gateway.domain.decisions.late import gateway_operation
from gateway.domain.errors import GatewayError, InvalidRequest, Reason, Refused
from gateway.domain.merchant import RefundPolicy
from gateway.domain.money import Money
from gateway.domain.operation import OperationKind, OperationState
from gateway.domain.payment import FailureReason, PaymentState
from tests.domain.lives import (
    DONE,
    canceling,
    capturing,
    in_state,
    latest,
    refunding,
    told,
)
from tests.domain.samples import LIFETIME, ask, funded, id_maker, moment

S, F = PaymentState, FailureReason
REFUSE, ADVANCE = RefundPolicy

NEW_ID = id_maker()
MOMENT = timedelta.resolution
Verb = Callable[..., Change]


def capture(aggregate: Aggregate, amount: int | None = None, **fields: Any) -> Change:
    return accept_capture(aggregate, ask(NEW_ID, amount, **fields), moment(NEW_ID))


def cancel(aggregate: Aggregate, amount: int | None = None, **fields: Any) -> Change:
    return accept_cancel(aggregate, ask(NEW_ID, amount, **fields), moment(NEW_ID))


def refund(aggregate: Aggregate, amount: int | None = None, **fields: Any) -> Change:
    return accept_refund(aggregate, ask(NEW_ID, amount, **fields), REFUSE, moment(NEW_ID))


VERBS = {"capture": capture, "cancel": cancel, "refund": refund}

LATER, NEVER = Reason.PAYMENT_NOT_FINAL, Reason.ILLEGAL_TRANSITION
BY_STATE: dict[PaymentState, dict[str, Reason | None]] = {
    S.PROCESSING: {"capture": LATER, "cancel": None, "refund": LATER},
    S.REQUIRES_ACTION: {"capture": LATER, "cancel": None, "refund": LATER},
    S.AUTHORIZED: {"capture": None, "cancel": None, "refund": LATER},
    S.SUCCEEDED: {"capture": NEVER, "cancel": NEVER, "refund": None},
    S.FAILED: {"capture": NEVER, "cancel": NEVER, "refund": NEVER},
    S.CANCELED: {"capture": NEVER, "cancel": NEVER, "refund": NEVER},
    S.EXPIRED: {"capture": NEVER, "cancel": NEVER, "refund": NEVER},
}
"""What each state says to each verb; None: it is accepted."""

ROWS = [(state, verb, reason) for state, row in BY_STATE.items() for verb, reason in row.items()]


@pytest.mark.parametrize(("state", "verb", "reason"), ROWS)
def test_the_state_decides(state: PaymentState, verb: str, reason: Reason | None) -> None:
    """Each verb is accepted, to be tried later (key free), or refused for good (key bound)."""
    aggregate = funded(in_state(state, NEW_ID), 3_000)
    assert aggregate.payment.state is state
    if reason is None:
        assert VERBS[verb](aggregate).operations[0].state is OperationState.PROCESSING
        return

    with pytest.raises(Refused) as refused:
        VERBS[verb](aggregate)

    assert refused.value.reason is reason
    assert refused.value.key_bound is (reason is NEVER)
    assert (refused.value.retry_after_s is not None) is (reason is LATER)


def test_the_table_is_whole() -> None:
    """Every state has its row, so a new one cannot be forgotten here."""
    assert set(BY_STATE) == set(PaymentState)


def _releasing() -> Aggregate:
    held = in_state(S.AUTHORIZED, NEW_ID)
    operation = gateway_operation(held.payment, OperationKind.RELEASE, moment(NEW_ID, LIFETIME))
    change = release_authorization(held, operation, moment(NEW_ID, LIFETIME))
    assert change
    return replace(
        held,
        payment=change.payment,
        operations={operation.operation_id: change.operations[0]},
    )


RUNNING = {
    "capture": lambda: capturing(in_state(S.AUTHORIZED, NEW_ID), NEW_ID, 1_000),
    "cancel": lambda: canceling(in_state(S.AUTHORIZED, NEW_ID), NEW_ID),
    "release": _releasing,
}


@pytest.mark.parametrize("verb", ["capture", "cancel"])
@pytest.mark.parametrize("running", RUNNING)
def test_one_capture_or_cancel_at_a_time(running: str, verb: str) -> None:
    """While one runs, our own release too, others are told to come again; their keys stay free."""
    with pytest.raises(Refused) as refused:
        VERBS[verb](RUNNING[running]())

    assert refused.value.reason is Reason.OPERATION_IN_PROGRESS
    assert not refused.value.key_bound
    assert refused.value.retry_after_s


def test_refunds_run_side_by_side() -> None:
    """A refund under way keeps no other refund waiting."""
    aggregate = refunding(in_state(S.SUCCEEDED, NEW_ID), NEW_ID, 1_000)

    change = refund(funded(aggregate, 2_000), 2_000)

    assert change.operations[0].state is OperationState.PROCESSING
    assert change.payment.refunded == 3_000


CAPTURES: dict[str, tuple[int, int | None, timedelta, int | FailureReason]] = {
    "all by default": (0, None, timedelta(), 3_000),
    "the rest by default": (1_000, None, timedelta(), 2_000),
    "a part": (0, 1, timedelta(), 1),
    "exactly all": (0, 3_000, timedelta(), 3_000),
    "exactly the rest": (1_000, 2_000, timedelta(), 2_000),
    "too much": (0, 3_001, timedelta(), F.CAPTURE_EXCEEDS_AUTHORIZED),
    "too much of the rest": (1_000, 2_001, timedelta(), F.CAPTURE_EXCEEDS_AUTHORIZED),
    "a moment before the end": (0, None, LIFETIME - MOMENT, 3_000),
    "at the end": (0, None, LIFETIME, F.AUTHORIZATION_EXPIRED),
    "too much, at the end": (0, 3_001, LIFETIME, F.CAPTURE_EXCEEDS_AUTHORIZED),
}
"""What was captured before, what is asked, when; what is decided: an amount or a failure."""


@pytest.mark.parametrize("row", CAPTURES)
def test_what_a_capture_takes(row: str) -> None:
    """A capture takes what it asks of what remains, in time, or is kept as FAILED."""
    before, amount, after, expected = CAPTURES[row]
    aggregate = in_state(S.AUTHORIZED, NEW_ID)
    if before:
        running = capturing(aggregate, NEW_ID, before)
        aggregate = told(running, DONE, NEW_ID, latest(running))

    change = accept_capture(aggregate, ask(NEW_ID, amount), moment(NEW_ID, after))

    _check(change, aggregate, expected)
    assert change.entries == ()
    assert change.payment.captured == before


REFUNDS: dict[str, tuple[int, int | None, int, RefundPolicy, int, int | FailureReason, int]] = {
    "all by default": (0, None, 3_000, REFUSE, 0, 3_000, 0),
    "the rest by default": (1_000, None, 2_000, REFUSE, 0, 2_000, 0),
    "a part": (0, 1, 3_000, REFUSE, 0, 1, 0),
    "exactly the rest": (1_000, 2_000, 2_000, REFUSE, 0, 2_000, 0),
    "too much": (0, 3_001, 9_000, REFUSE, 0, F.REFUND_EXCEEDS_CAPTURED, 0),
    "too much of the rest": (1_000, 2_001, 9_000, REFUSE, 0, F.REFUND_EXCEEDS_CAPTURED, 0),
    "nothing remains": (3_000, None, 9_000, REFUSE, 0, F.REFUND_EXCEEDS_CAPTURED, 0),
    "exactly the balance": (0, 500, 500, REFUSE, 0, 500, 0),
    "above the balance": (0, 501, 500, REFUSE, 0, F.INSUFFICIENT_MERCHANT_BALANCE, 0),
    "below an empty balance": (0, 1, -500, REFUSE, 0, F.INSUFFICIENT_MERCHANT_BALANCE, 0),
    "budget without the setting": (0, 501, 500, REFUSE, 9, F.INSUFFICIENT_MERCHANT_BALANCE, 0),
    "advance nothing": (0, 500, 500, ADVANCE, 0, 500, 0),
    "advance a part": (0, 600, 500, ADVANCE, 100, 600, 100),
    "advance all, a debt apart": (0, 600, -500, ADVANCE, 600, 600, 600),
    "above the budget": (0, 600, 500, ADVANCE, 99, F.INSUFFICIENT_PLATFORM_FUNDS, 0),
    "too much before poor": (0, 3_001, 0, ADVANCE, 0, F.REFUND_EXCEEDS_CAPTURED, 0),
}
"""Refunded before, asked, balance, policy, budget; decided: amount or failure, and advance."""


@pytest.mark.parametrize("row", REFUNDS)
def test_what_a_refund_takes(row: str) -> None:
    """A refund takes what it asks of what remains and is covered, or is kept as FAILED."""
    before, amount, balance, policy, budget, expected, advanced = REFUNDS[row]
    aggregate = in_state(S.SUCCEEDED, NEW_ID)
    if before:
        aggregate = refunding(aggregate, NEW_ID, before)

    change = accept_refund(
        funded(aggregate, balance, budget), ask(NEW_ID, amount), policy, moment(NEW_ID)
    )

    _check(change, aggregate, expected)
    taken = expected if isinstance(expected, int) else 0
    assert change.payment.refunded == before + taken
    assert (change.advanced, change.operations[0].advanced) == (advanced, advanced)
    assert len(change.entries) == bool(taken)


def _check(change: Change, aggregate: Aggregate, expected: int | FailureReason) -> None:
    """Check that an amount was accepted, with an attempt, or a refusal kept, without one."""
    (operation,) = change.operations
    assert change.payment.version == aggregate.payment.version + 1
    assert change.payment.state is aggregate.payment.state
    if isinstance(expected, int):
        (attempt,) = change.attempts
        assert operation.state is OperationState.PROCESSING
        assert operation.amount == attempt.money == Money("CNY", expected)
        assert change.event.type.endswith("_ACCEPTED")
    else:
        assert operation.state is OperationState.FAILED
        assert operation.failure
        assert operation.failure.reason is expected
        assert change.attempts == ()
        assert change.event.type.endswith("_ENDED")
    assert change.event.operation_id == operation.operation_id


def test_a_cancel_is_of_the_whole_payment() -> None:
    """Nothing was taken, so all of it ends."""
    change = cancel(in_state(S.AUTHORIZED, NEW_ID))

    assert change.operations[0].amount == change.payment.amount


@pytest.mark.parametrize("verb", ["capture", "cancel"])
def test_what_was_captured_in_part_is_refunded_not_canceled(verb: str) -> None:
    """After a first capture another one is accepted, and a cancel is refused for good."""
    running = capturing(in_state(S.AUTHORIZED, NEW_ID), NEW_ID, 1_000)
    aggregate = told(running, DONE, NEW_ID, latest(running))
    if verb == "capture":
        assert capture(aggregate).operations[0].amount == Money("CNY", 2_000)
        return

    with pytest.raises(Refused) as refused:
        cancel(aggregate)

    assert (refused.value.reason, refused.value.key_bound) == (NEVER, True)
    assert "refunded" in refused.value.message


def test_an_attempt_is_due_when_its_lease_ends() -> None:
    """The attempt has a number of its own, names the charge, and is left alone for its lease."""
    aggregate = in_state(S.AUTHORIZED, NEW_ID)

    change = capture(aggregate, 1_000, final=True)

    (attempt,), (operation,) = change.attempts, change.operations
    assert (attempt.kind, attempt.state) == (AttemptKind.CAPTURE, AttemptState.OPEN)
    assert attempt.operation_id == operation.operation_id
    assert attempt.charge_number == aggregate.payment.attempt_number
    assert attempt.number == operation.attempt_number != attempt.charge_number
    assert attempt.due_time == attempt.create_time + moment(NEW_ID).lease
    assert operation.final


def test_an_operation_carries_what_was_asked() -> None:
    """Key, description and caller stand in the operation."""
    wish = ask(NEW_ID, 1_000, description="Broken")
    wish = replace(wish, caller_id="shop")

    change = accept_refund(
        funded(in_state(S.SUCCEEDED, NEW_ID), 3_000), wish, REFUSE, moment(NEW_ID)
    )

    (operation,) = change.operations
    asked = (wish.operation_id, wish.idempotency_key, wish.caller_id, wish.description)
    given = (operation.operation_id, operation.idempotency_key)
    assert (*given, operation.caller_id, operation.description) == asked


IN_USD = Money("USD", 1)


@pytest.mark.parametrize(
    ("verb", "before"),
    [
        ("capture", RUNNING["capture"]),
        ("capture", lambda: in_state(S.FAILED, NEW_ID)),
        ("refund", lambda: in_state(S.PROCESSING, NEW_ID)),
        ("refund", lambda: in_state(S.FAILED, NEW_ID)),
    ],
)
def test_another_currency_is_refused_first(verb: str, before: Callable[[], Aggregate]) -> None:
    """What can never be right is said before whatever may change, and leaves the key free."""
    wish = replace(ask(NEW_ID), amount=IN_USD)
    decide: dict[str, Callable[[Aggregate], Change]] = {
        "capture": lambda aggregate: accept_capture(aggregate, wish, moment(NEW_ID)),
        "refund": lambda aggregate: accept_refund(aggregate, wish, REFUSE, moment(NEW_ID)),
    }

    with pytest.raises(InvalidRequest) as refused:
        decide[verb](before())

    assert (refused.value.reason, refused.value.key_bound) == (Reason.CURRENCY_MISMATCH, False)
    assert refused.value.violations.keys() == {"amount.currency_code"}


def test_what_runs_is_said_before_the_state() -> None:
    """While an operation runs the state may still change, so nothing is refused for good."""
    running = _releasing()
    over = replace(running, payment=replace(running.payment, state=S.EXPIRED))

    with pytest.raises(GatewayError) as refused:
        capture(over)

    assert refused.value.reason is Reason.OPERATION_IN_PROGRESS


def _partly_captured() -> Aggregate:
    running = RUNNING["capture"]()
    return told(running, DONE, NEW_ID, latest(running))


RELEASES: dict[str, tuple[Callable[[], Aggregate], timedelta, int | None]] = {
    "before its end": (lambda: in_state(S.AUTHORIZED, NEW_ID), LIFETIME - MOMENT, None),
    "at its end": (lambda: in_state(S.AUTHORIZED, NEW_ID), LIFETIME, 3_000),
    "partly captured": (_partly_captured, LIFETIME, 2_000),
    "a capture runs": (RUNNING["capture"], LIFETIME, None),
    "a release runs": (_releasing, LIFETIME, None),
    "paid at once": (lambda: in_state(S.SUCCEEDED, NEW_ID), LIFETIME, None),
    "over": (lambda: in_state(S.EXPIRED, NEW_ID), LIFETIME, None),
}
"""What there is, when, and how much is released; None where there is nothing to do yet."""


@pytest.mark.parametrize("row", RELEASES)
def test_what_a_release_lets_go(row: str) -> None:
    """Once its time has passed the rest of a hold is let go, unless something else runs."""
    before, after, amount = RELEASES[row]
    aggregate, now = before(), moment(NEW_ID, after)

    change = release_authorization(
        aggregate, gateway_operation(aggregate.payment, OperationKind.RELEASE, now), now
    )

    if amount is None:
        assert change is None
        return
    assert change
    (operation,), (attempt,) = change.operations, change.attempts
    assert operation.amount == attempt.money == Money("CNY", amount)
    assert (operation.kind, attempt.kind) == (OperationKind.RELEASE, AttemptKind.CANCEL)
    assert attempt.charge_number == aggregate.payment.attempt_number
    assert change.event.operation_id is None
    assert change.payment.state is S.AUTHORIZED
