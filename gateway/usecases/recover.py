"""Recover: find out what became of attempts that a crash or an unknown answer left open.

Workers of every replica take due attempts by lease and ask the channel. What may follow depends on
what was asked for. A charge is never sent again: a number that the channel does not know is closed
there first (the fence), asked about once more, and only then called failed; so is one whose time
ran out. Where a number cannot be closed, because the channel has no way or does not know it, it is
dead once the channel says that it does not know it at a time when it cannot come to life any more:
so long after the expiry that was sent with it. A capture, cancel, refund or payout was accepted and
has to happen, so it is sent again under its own number until the channel decides. The refusal of a
re-send decides nothing, since the first send may have caused it: only what a question tells after
it does. What stays open too long becomes a review case, and is asked about all the same: it is
never failed by age.
"""

import asyncio
import random
from collections.abc import Awaitable
from datetime import datetime, timedelta

from gateway.domain.change import Aggregate, ReviewKind
from gateway.domain.channel import (
    EVIDENCE_LENGTH_MAX,
    Attempt,
    AttemptKind,
    ChannelRequest,
    Outcome,
    OutcomeClass,
)
from gateway.domain.decisions.moment import Moment
from gateway.domain.payment import Failure, FailureReason, PaymentState
from gateway.domain.ports import Channel
from gateway.domain.value import replace
from gateway.usecases.execution import Execution, is_open
from gateway.usecases.requests import channel_request

DOUBLINGS_MAX = 20
"""Doublings of the delay after which its maximum certainly holds."""


class Recover:
    """The use case, run by workers."""

    def __init__(self, execution: Execution, batch_max: int, not_found_max: int) -> None:
        self._execution = execution
        self._batch_max = batch_max
        self._not_found_max = not_found_max

    async def __call__(self) -> int:
        """Take what is due and resolve it. Give how many attempts were taken."""
        attempts = await self._execution.work.lease_attempts(self._batch_max, self._lease())
        await asyncio.gather(*(self._resolve(attempt) for attempt in attempts))
        return len(attempts)

    def _lease(self) -> timedelta:
        """Long enough for three exchanges with the slowest channel, so no other worker joins."""
        channels = self._execution.channels.values()
        longest = max((item.capabilities.send_timeout for item in channels), default=timedelta())
        return 3 * longest + self._execution.timing.lease_margin

    async def _resolve(self, attempt: Attempt) -> None:
        """Resolve one attempt. A failure here is told, and leaves it for later."""
        if not await self._done(attempt, self._look_into(attempt)):
            tried = replace(attempt, tries=attempt.tries + 1)
            await self._done(attempt, self._leave_for_later(tried, attempt.create_time))

    async def _done(self, attempt: Attempt, step: Awaitable[None]) -> bool:
        """Take a step about one attempt. False where it failed, which is told."""
        try:
            await step
        except Exception as fault:  # noqa: BLE001 - one attempt must not stop the others
            self._execution.observer.faulted("recover", fault, attempt.payment_id)
            return False
        return True

    async def _look_into(self, attempt: Attempt) -> None:
        aggregate = await self._execution.payments.load(attempt.merchant_id, attempt.payment_id)
        if aggregate is None:
            message = f"attempt {attempt.number} has no payment"
            raise AssertionError(message)
        attempt, outcome = await self._find_out(aggregate, attempt)
        after = await self._execution.conclude(attempt, outcome)
        if after is None or is_open(after, attempt):
            waits = _waits_for_payer(aggregate, attempt, outcome)
            expire_time, made = aggregate.payment.expire_time, attempt.create_time
            since = max(expire_time, made) if waits else made
            await self._leave_for_later(attempt, since, outcome.evidence)
        elif self._is_long_ago(attempt.create_time):
            subject = (attempt.merchant_id, ReviewKind.UNRESOLVED, attempt.number)
            await self._execution.work.settle_review(*subject)

    async def _find_out(self, aggregate: Aggregate, attempt: Attempt) -> tuple[Attempt, Outcome]:
        channel = self._execution.channel(attempt.channel)
        request, asked_time = channel_request(aggregate, attempt), self._execution.clock.now()
        outcome = _asked(await channel.ask(request))
        count = attempt.not_found_count + 1 if outcome.not_found else 0
        attempt = replace(attempt, tries=attempt.tries + 1, not_found_count=count)
        if attempt.kind is not AttemptKind.CHARGE:
            again = outcome.not_found and await self._execution.still_open(attempt)
            return attempt, await self._send(aggregate, attempt, request) if again else outcome
        if not self._to_be_ended(aggregate, attempt, outcome):
            return attempt, outcome
        if not await self._execution.still_open(attempt):
            return attempt, outcome
        not_found, fenceable = outcome.not_found, attempt.kind in channel.capabilities.fenceable
        if fenceable:
            attempt, outcome = await self._fence(channel, request, attempt)
        if not_found and outcome.not_found and _is_dead(channel, request, asked_time):
            return attempt, _dead(outcome, request, asked_time)
        return attempt, outcome

    async def _send(
        self, aggregate: Aggregate, attempt: Attempt, request: ChannelRequest
    ) -> Outcome:
        """Send. Where it was sent before, that may be what refuses it now: a question decides."""
        channel = self._execution.channel(attempt.channel)
        sent = await channel.send(request)
        if sent.outcome is not OutcomeClass.FAILED or self._is_first(aggregate, attempt):
            return sent
        asked = _asked(await channel.ask(request))
        evidence = f"{asked.evidence} Sent again: {sent.evidence}"[:EVIDENCE_LENGTH_MAX]
        return replace(asked, evidence=evidence.lstrip())

    def _is_first(self, aggregate: Aggregate, attempt: Attempt) -> bool:
        """Whether surely nobody sent it before.

        Its caller sends what was asked for; what the gateway began by itself workers send, and at
        this age no lease of a worker that may have died can have ended.
        """
        operation = aggregate.operations.get(attempt.operation_id) if attempt.operation_id else None
        ours = operation is not None and not operation.keyed
        age = self._execution.clock.now() - attempt.create_time
        return ours and attempt.tries == 1 and age < self._execution.moment(attempt.channel).lease

    def _to_be_ended(self, aggregate: Aggregate, attempt: Attempt, outcome: Outcome) -> bool:
        """Whether nobody pays it any more: its time is over, or the channel lost it.

        A number that the payer was asked to act on is not lost: some channels only know it from
        then on when the payer acts.
        """
        undecided = outcome.outcome is OutcomeClass.PENDING or outcome.not_found
        expired = aggregate.payment.expire_time <= self._execution.clock.now()
        asked_for = aggregate.payment.state is PaymentState.REQUIRES_ACTION
        lost = attempt.not_found_count >= self._not_found_max and not asked_for
        return undecided and (expired or lost)

    async def _fence(
        self, channel: Channel, request: ChannelRequest, attempt: Attempt
    ) -> tuple[Attempt, Outcome]:
        """Close the number, then ask once more; fail only with the channel's word for it."""
        fenced = _asked(await channel.fence(request))
        if not fenced.closed:
            return attempt, fenced
        attempt = replace(attempt, fenced=True)
        asked = _asked(await channel.ask(request))
        return attempt, _never_accepted(fenced) if asked.not_found or asked.closed else asked

    async def _leave_for_later(self, attempt: Attempt, since: datetime, evidence: str = "") -> None:
        """Ask again later; what should have been known since long ago is for a person, too."""
        await self._execution.work.postpone_attempt(attempt, self._delay(attempt.tries))
        if self._is_long_ago(since):
            moment = Moment(self._execution.clock.now(), self._execution.clock.new_id)
            words = f"The outcome of {attempt.kind} {attempt.number} is still not known."
            detail = f"{words} {evidence}".rstrip()
            await self._execution.keep_review(moment.review(ReviewKind.UNRESOLVED, attempt, detail))

    def _is_long_ago(self, since: datetime) -> bool:
        return self._execution.clock.now() - since >= self._execution.timing.review_after

    def _delay(self, tries: int) -> timedelta:
        """Double the delay with each try, up to its maximum, and vary it by a quarter."""
        timing = self._execution.timing
        doubled = timing.recovery_delay_min * (1 << min(tries, DOUBLINGS_MAX))
        share = random.uniform(0.75, 1.0)  # noqa: S311 - spreads load, guards nothing
        return min(doubled, timing.recovery_delay_max) * share


def _waits_for_payer(aggregate: Aggregate, attempt: Attempt, outcome: Outcome) -> bool:
    """Whether the payer may still act, so that nothing need be known before the time is over.

    A cancel waits as its charge does where the channel cannot close the number before its end.
    """
    asked_for = aggregate.payment.state is PaymentState.REQUIRES_ACTION and outcome.not_found
    pending = outcome.outcome is OutcomeClass.PENDING
    ends = (AttemptKind.CHARGE, AttemptKind.CANCEL)
    return attempt.kind in ends and (pending or asked_for)


def _is_dead(channel: Channel, request: ChannelRequest, asked_time: datetime) -> bool:
    """Whether a number that the channel did not know then can never come to life any more."""
    margin = channel.capabilities.expiry_margin
    return margin is not None and asked_time >= request.expire_time + margin


def _dead(outcome: Outcome, request: ChannelRequest, asked_time: datetime) -> Outcome:
    """Close a number by the expiry that was sent with it, and keep what proves it."""
    proof = f"not known at {asked_time.isoformat()}, expired at {request.expire_time.isoformat()}"
    evidence = f"{request.number}: {proof}. {outcome.evidence}"[:EVIDENCE_LENGTH_MAX]
    closed = Outcome(OutcomeClass.FAILED, closed=True, evidence=evidence)
    return _never_accepted(closed)


def _asked(outcome: Outcome) -> Outcome:
    """That a question was not sent proves nothing about what was asked for before."""
    lost = outcome.outcome is OutcomeClass.NOT_SENT
    return Outcome(OutcomeClass.UNKNOWN) if lost else outcome


def _never_accepted(fenced: Outcome) -> Outcome:
    words = "The channel never accepted the payment, and never will."
    return replace(fenced, failure=Failure(FailureReason.NOT_ACCEPTED, words))
