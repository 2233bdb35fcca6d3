"""Review: list what only a person can decide, and carry out what was decided.

A decision of a person is proof like any other: its note becomes the evidence of the attempt, and it
takes the same way as a channel's answer.
"""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from gateway.domain.change import ReviewCase
from gateway.domain.channel import EVIDENCE_LENGTH_MAX, AttemptState, Outcome, OutcomeClass
from gateway.domain.errors import InvalidRequest, NotFound, Reason
from gateway.domain.payment import CaptureMode, Failure, FailureReason
from gateway.domain.value import replace
from gateway.usecases.execution import Execution


class Resolution(StrEnum):
    """What a person decided: seen, or what the attempt's outcome was."""

    ACKNOWLEDGED = "acknowledged"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Review:
    """The use cases, run by people through the command line."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    async def list(self, *, include_resolved: bool, limit: int) -> Sequence[ReviewCase]:
        """Give review cases, oldest first."""
        return await self._execution.work.list_reviews(
            include_resolved=include_resolved, limit=limit
        )

    async def resolve(self, case_id: UUID, resolution: Resolution, note: str) -> ReviewCase:
        """Carry out a decision and close the case. Raises NotFound, InvalidRequest."""
        case = await self._execution.work.find_review(case_id)
        if case is None or case.resolve_time:
            raise _no_such_case()
        if resolution is not Resolution.ACKNOWLEDGED:
            await self._decide(case, resolution, note)
        resolved = replace(
            case, resolve_time=self._execution.clock.now(), resolution=resolution.value, note=note
        )
        if not await self._execution.work.resolve_review(resolved):
            raise _no_such_case()
        return resolved

    async def _decide(self, case: ReviewCase, resolution: Resolution, note: str) -> None:
        attempt = case.attempt_id and await self._execution.payments.find_attempt(
            case.owner_id, case.attempt_id
        )
        if not attempt or attempt.state is not AttemptState.OPEN:
            words = "Nothing is open about this case any more: it can only be acknowledged."
            raise InvalidRequest(Reason.INVALID_REQUEST, words)
        aggregate = await self._execution.payments.load(case.owner_id, attempt.payment_id)
        manual = aggregate is not None and aggregate.payment.capture_mode is CaptureMode.MANUAL
        await self._execution.conclude(attempt, _outcome(resolution, note, manual=manual))


def _no_such_case() -> NotFound:
    return NotFound(Reason.INVALID_REQUEST, "There is no such open review case.")


def _outcome(resolution: Resolution, note: str, *, manual: bool) -> Outcome:
    evidence = f"review: {note}"[:EVIDENCE_LENGTH_MAX]
    if resolution is Resolution.SUCCEEDED:
        return Outcome(OutcomeClass.SUCCESS, authorized=manual, evidence=evidence)
    failure = Failure(FailureReason.DECLINED, "A person found that the channel refused it.")
    return Outcome(OutcomeClass.FAILED, failure=failure, evidence=evidence)
