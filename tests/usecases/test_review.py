"""Review: a person's decision is carried out like a channel's answer, and closes the case once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from gateway.domain.change import ReviewCase
from gateway.domain.channel import EVIDENCE_LENGTH_MAX, AttemptKind, Notice
from gateway.domain.errors import InvalidRequest, NotFound, Reason, Unavailable
from gateway.domain.operation import OperationState
from gateway.domain.payment import CaptureMode, FailureReason, PaymentState
from gateway.usecases.review import Resolution
from tests.domain.lives import ABNORMAL, PAID, SILENT
from tests.usecases.world import TIMING, World

S, Op = PaymentState, OperationState
AWAY = Unavailable(Reason.DATABASE_UNAVAILABLE, "Away.", retry_after_s=1)


async def _unresolved(world: World, mode: CaptureMode = CaptureMode.AUTOMATIC) -> ReviewCase:
    """Let a payment stay unknown until a person must look."""
    await world.paying(SILENT, capture_mode=mode)
    world.clock.advance(TIMING.review_after)
    await world.recovering(SILENT)
    (case,) = world.rows.reviews.values()
    return case


async def _abnormal(world: World) -> ReviewCase:
    """Let a refund go astray at the channel."""
    await world.refunding(await world.paid(), ABNORMAL)
    (case,) = world.rows.reviews.values()
    return case


def _only_payment(world: World) -> PaymentState:
    (aggregate,) = world.rows.aggregates.values()
    return aggregate.payment.state


@pytest.mark.parametrize(
    ("mode", "resolution", "state"),
    [
        (CaptureMode.AUTOMATIC, Resolution.SUCCEEDED, S.SUCCEEDED),
        (CaptureMode.MANUAL, Resolution.SUCCEEDED, S.AUTHORIZED),
        (CaptureMode.AUTOMATIC, Resolution.FAILED, S.FAILED),
        (CaptureMode.MANUAL, Resolution.FAILED, S.FAILED),
        (CaptureMode.AUTOMATIC, Resolution.ACKNOWLEDGED, S.PROCESSING),
    ],
)
async def test_what_a_person_decided_is_carried_out(
    world: World, mode: CaptureMode, resolution: Resolution, state: PaymentState
) -> None:
    """An unknown payment ends as decided; a case that was only seen leaves it as it is."""
    case = await _unresolved(world, mode)

    resolved = await world.review.resolve(case.case_id, resolution, "Seen in the portal.")

    assert _only_payment(world) is state
    assert world.rows.reviews[case.case_id] == resolved
    assert (resolved.resolution, resolved.note) == (resolution.value, "Seen in the portal.")
    assert resolved.resolve_time == world.clock.now()


async def test_a_note_is_the_evidence(world: World) -> None:
    """What a person wrote proves the outcome from then on, as far as evidence is kept."""
    case = await _unresolved(world)

    await world.review.resolve(case.case_id, Resolution.SUCCEEDED, "n" * 3_000)

    attempt = world.attempt(case.subject)
    assert attempt.evidence.startswith("review: nnn")
    assert len(attempt.evidence) == EVIDENCE_LENGTH_MAX


async def test_a_failure_says_that_a_person_found_it(world: World) -> None:
    """The caller learns why the payment failed."""
    case = await _unresolved(world)

    await world.review.resolve(case.case_id, Resolution.FAILED, "Not there.")

    (aggregate,) = world.rows.aggregates.values()
    assert aggregate.payment.failure
    assert aggregate.payment.failure.reason is FailureReason.DECLINED


@pytest.mark.parametrize(
    ("resolution", "state", "refunded"),
    [(Resolution.SUCCEEDED, Op.SUCCEEDED, 3_000), (Resolution.FAILED, Op.FAILED, 0)],
)
async def test_an_abnormal_refund_ends_as_a_person_decides(
    world: World, resolution: Resolution, state: OperationState, refunded: int
) -> None:
    """Money that went astray is given free, or booked as given back, by decision only."""
    case = await _abnormal(world)

    await world.review.resolve(case.case_id, resolution, "The bank says so.")

    (aggregate,) = world.rows.aggregates.values()
    (operation,) = aggregate.operations.values()
    assert (operation.state, operation.under_review) == (state, False)
    assert aggregate.payment.refunded == refunded
    assert "refund_in_transit" not in world.rows.balances()


async def test_a_decision_that_comes_too_late_is_refused(world: World) -> None:
    """Where the channel has answered meanwhile, its word stays, and nobody is told otherwise."""
    case = await _abnormal(world)
    (attempt,) = world.rows.open_attempts()
    await world.execution.conclude(attempt, PAID)

    with pytest.raises(InvalidRequest, match="only be acknowledged"):
        await world.review.resolve(case.case_id, Resolution.FAILED, "Not there.")

    assert world.rows.reviews[case.case_id].resolve_time is None


async def test_what_becomes_clear_by_itself_needs_nobody(world: World) -> None:
    """A case about an unknown outcome is closed when the channel answers after all."""
    case = await _unresolved(world)

    await world.recovering(PAID)

    assert _only_payment(world) is S.SUCCEEDED
    assert world.rows.reviews[case.case_id].resolution == "settled by itself"


async def _closed(world: World) -> ReviewCase:
    case = await _unresolved(world)
    return await world.review.resolve(case.case_id, Resolution.ACKNOWLEDGED, "")


async def _unknown(world: World) -> ReviewCase:
    return replace(await _unresolved(world), case_id=world.clock.new_id())


@pytest.mark.parametrize("before", [_closed, _unknown])
async def test_only_open_cases_are_resolved(
    world: World, before: Callable[[World], Awaitable[ReviewCase]]
) -> None:
    """A case that is closed or does not exist is not found, and nothing is decided."""
    case = await before(world)

    with pytest.raises(NotFound):
        await world.review.resolve(case.case_id, Resolution.SUCCEEDED, "")

    assert _only_payment(world) is S.PROCESSING


async def test_of_two_people_one_resolves(world: World) -> None:
    """Who comes second learns that the case was closed, not that his word was taken."""
    case = await _unresolved(world)
    first = replace(case, resolve_time=world.clock.now(), resolution="acknowledged")
    gate = world.store.hooks.hold("resolve_review")
    second = asyncio.create_task(
        world.review.resolve(case.case_id, Resolution.ACKNOWLEDGED, "Second.")
    )
    await gate.arrived.wait()
    world.rows.reviews[case.case_id] = first
    gate.opened.set()

    with pytest.raises(NotFound):
        await second

    assert world.rows.reviews[case.case_id] == first


@pytest.mark.parametrize("resolution", [Resolution.SUCCEEDED, Resolution.FAILED])
async def test_a_case_about_no_attempt_can_only_be_seen(
    world: World, resolution: Resolution
) -> None:
    """Where there is nothing to decide, a decision is refused and the case stays open."""
    await world.notified("sandbox", Notice(AttemptKind.CHARGE, "not-ours", PAID))
    (case,) = world.rows.reviews.values()

    with pytest.raises(InvalidRequest):
        await world.review.resolve(case.case_id, resolution, "")
    assert world.rows.reviews[case.case_id].resolve_time is None

    resolved = await world.review.resolve(case.case_id, Resolution.ACKNOWLEDGED, "Seen.")
    assert resolved.resolve_time


async def test_a_decision_that_was_not_kept_leaves_the_case_open(world: World) -> None:
    """The case is closed only after its decision was carried out."""
    case = await _unresolved(world)
    world.store.hooks.fail("change_payment", AWAY)

    with pytest.raises(Unavailable):
        await world.review.resolve(case.case_id, Resolution.SUCCEEDED, "")

    assert world.rows.reviews[case.case_id].resolve_time is None


async def test_cases_are_listed_oldest_first(world: World) -> None:
    """Open cases first of all; closed ones too where they are wanted, and no more than asked."""
    case = await _unresolved(world)
    await world.notified("sandbox", Notice(AttemptKind.CHARGE, "not-ours", PAID))
    await world.review.resolve(case.case_id, Resolution.ACKNOWLEDGED, "")

    waiting = await world.review.list(include_resolved=False, limit=10)
    every = await world.review.list(include_resolved=True, limit=10)
    one = await world.review.list(include_resolved=True, limit=1)

    assert [item.kind for item in waiting] == ["UNKNOWN_NUMBER"]
    assert [item.kind for item in every] == ["UNRESOLVED", "UNKNOWN_NUMBER"]
    assert one == every[:1]
