"""Recover: find out what became of attempts that a crash or an unknown answer left open.

Workers of every replica take due attempts by lease and ask the channel. What may follow depends on
what was asked for. A charge is never sent again: a number that the channel does not know is closed
there first (the fence), asked about once more, and only then called failed; so is one whose time
ran out. A capture, cancel, refund or payout was accepted and has to happen, so it is sent again
under its own number until the channel decides. What stays open too long becomes a review case, and
is asked about all the same: it is never failed by age.
"""

import asyncio
import random
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta

from gateway.domain.change import Aggregate, ReviewKind
from gateway.domain.channel import (
    Attempt,
    AttemptKind,
    ChannelRequest,
    Outcome,
    OutcomeClass,
)
from gateway.domain.decisions.moment import Moment
from gateway.domain.payment import Failure, FailureReason
from gateway.domain.ports import Channel
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
            await self._done(attempt, self._leave_for_later(tried, alert=True))

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
            await self._leave_for_later(attempt, alert=not _payer_may_act(attempt, outcome))
        elif self._is_old(attempt):
            subject = (attempt.merchant_id, ReviewKind.UNRESOLVED, attempt.number)
            await self._execution.work.settle_review(*subject)

    async def _find_out(self, aggregate: Aggregate, attempt: Attempt) -> tuple[Attempt, Outcome]:
        channel = self._execution.channel(attempt.channel)
        request = channel_request(aggregate, attempt)
        outcome = _asked(await channel.ask(request))
        count = attempt.not_found_count + 1 if outcome.not_found else 0
        attempt = replace(attempt, tries=attempt.tries + 1, not_found_count=count)
        if attempt.kind is not AttemptKind.CHARGE:
            again = outcome.not_found and await self._execution.still_open(attempt)
            return attempt, await channel.send(request) if again else outcome
        if self._to_be_fenced(aggregate, attempt, outcome):
            return await self._fence(channel, request, attempt)
        return attempt, outcome

    def _to_be_fenced(self, aggregate: Aggregate, attempt: Attempt, outcome: Outcome) -> bool:
        undecided = outcome.outcome is OutcomeClass.PENDING or outcome.not_found
        expired = aggregate.payment.expire_time <= self._execution.clock.now()
        lost = attempt.not_found_count >= self._not_found_max
        return undecided and (expired or lost)

    async def _fence(
        self, channel: Channel, request: ChannelRequest, attempt: Attempt
    ) -> tuple[Attempt, Outcome]:
        """Close the number, then ask once more; fail only with the channel's word for it."""
        if not channel.capabilities.can_fence:
            return attempt, Outcome(OutcomeClass.UNKNOWN)
        fenced = _asked(await channel.fence(request))
        if not fenced.closed:
            return attempt, fenced
        attempt = replace(attempt, fenced=True)
        asked = _asked(await channel.ask(request))
        return attempt, _never_accepted(fenced) if asked.not_found or asked.closed else asked

    async def _leave_for_later(self, attempt: Attempt, *, alert: bool) -> None:
        await self._execution.work.postpone_attempt(attempt, self._delay(attempt.tries))
        if alert and self._is_old(attempt):
            moment = Moment(self._execution.clock.now(), self._execution.clock.new_id)
            detail = f"The outcome of {attempt.kind} {attempt.number} is still not known."
            await self._execution.keep_review(moment.review(ReviewKind.UNRESOLVED, attempt, detail))

    def _is_old(self, attempt: Attempt) -> bool:
        age = self._execution.clock.now() - attempt.create_time
        return age >= self._execution.timing.review_after

    def _delay(self, tries: int) -> timedelta:
        """Double the delay with each try, up to its maximum, and vary it by a quarter."""
        timing = self._execution.timing
        doubled = timing.recovery_delay_min * (1 << min(tries, DOUBLINGS_MAX))
        share = random.uniform(0.75, 1.0)  # noqa: S311 - spreads load, guards nothing
        return min(doubled, timing.recovery_delay_max) * share


def _payer_may_act(attempt: Attempt, outcome: Outcome) -> bool:
    """Whether the channel says that it waits: a charge that it knows ends when its time is over."""
    return attempt.kind is AttemptKind.CHARGE and outcome.outcome is OutcomeClass.PENDING


def _asked(outcome: Outcome) -> Outcome:
    """That a question was not sent proves nothing about what was asked for before."""
    lost = outcome.outcome is OutcomeClass.NOT_SENT
    return Outcome(OutcomeClass.UNKNOWN) if lost else outcome


def _never_accepted(fenced: Outcome) -> Outcome:
    words = "The channel never accepted the payment, and never will."
    return replace(fenced, failure=Failure(FailureReason.NOT_ACCEPTED, words))
