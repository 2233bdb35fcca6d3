"""Carrying out what was accepted: commit the intent, call the channel, commit the outcome.

Once begun, the work belongs to the gateway: it runs in a task of its own, so a caller who cancels
or whose deadline passes only stops waiting. He gets the outcome if it is there in time, and
otherwise what was committed first, which says PROCESSING. If the process dies in between, or the
outcome cannot be committed, the attempt stays open and a worker of any replica asks the channel
about it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from gateway.clock import Clock, Deadline
from gateway.domain.change import Aggregate, Change, ReviewCase, ReviewKind
from gateway.domain.channel import Attempt, AttemptState, Outcome
from gateway.domain.decisions.conclude import conclude, disagreement
from gateway.domain.decisions.moment import Moment
from gateway.domain.errors import DeadlinePassed, GatewayError, Reason, Unavailable
from gateway.domain.ports import Channel, Observer, PaymentStore, WorkStore
from gateway.domain.value import replace, value
from gateway.domain.wallet import WALLET_CHANNEL
from gateway.usecases.requests import channel_request

COMMIT_RETRY_AFTER_S = 0.5
"""Hint to callers who could not wait for the first commit, in seconds."""

RETRY_AFTER_S = 5.0
"""Hint to callers of a channel that this gateway is not set up for, in seconds."""

T = TypeVar("T")


@value(frozen=True, slots=True)
class Timing:
    """How long things may take. The lease is held beyond a channel's own timeout by the margin."""

    lease_margin: timedelta
    recovery_delay_min: timedelta
    recovery_delay_max: timedelta
    review_after: timedelta


@value(frozen=True, slots=True)
class Begun:
    """What the first commit made or found: the payment, and what is to be sent, if anything."""

    aggregate: Aggregate
    attempt: Attempt | None
    object_id: UUID
    replayed: bool


class Execution:
    """Runs accepted work to its outcome."""

    def __init__(
        self,
        *,
        payments: PaymentStore,
        work: WorkStore,
        channels: Mapping[str, Channel],
        clock: Clock,
        timing: Timing,
        observer: Observer,
    ) -> None:
        self.payments = payments
        self.work = work
        self.channels = channels
        self.clock = clock
        self.timing = timing
        self.observer = observer
        self._tasks: set[asyncio.Task[Begun]] = set()
        self._waiting: set[asyncio.Future[None]] = set()

    async def answer(
        self,
        begin: Callable[[], Awaitable[Begun]],
        place: AbstractContextManager[object],
        deadline: Deadline,
    ) -> Begun:
        """Begin and carry out; give what is known by the deadline.

        Raises:
            GatewayError: what `begin` raised, or COMMIT_UNKNOWN while it had not yet committed.
        """
        begun: asyncio.Future[Begun] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._carry_out(begin, place, begun))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        await self._wait(task, deadline)
        if task.done():
            return task.result()
        if begun.done():
            return begun.result()
        raise _commit_unknown()

    def hurry(self) -> None:
        """Let nobody wait any longer: answer with what is known, and go on without the callers."""
        for impatience in self._waiting:
            if not impatience.done():
                impatience.set_result(None)

    async def drain(self, seconds: float) -> int:
        """Wait for the work under way, at most so long. Give how much is left for others."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        return len(self._tasks)

    async def conclude(self, attempt: Attempt, outcome: Outcome) -> Aggregate | None:
        """Commit what an outcome means.

        None where it disagrees with what was asked: a person must look.
        """
        moment = self.moment(attempt.channel)
        words = disagreement(attempt, outcome)
        if words:
            await self.keep_review(moment.review(ReviewKind.MISMATCH, attempt, words))
            return None

        cases: list[ReviewCase] = []

        def decide(aggregate: Aggregate) -> Change | None:
            change = conclude(aggregate, attempt.attempt_id, outcome, moment)
            cases[:] = change.reviews if change else ()
            return change

        changed = await self.payments.change_payment(
            attempt.merchant_id, attempt.payment_id, decide
        )
        if changed.written:
            self.observer.changed(changed.aggregate.payment)
        for case in cases:
            self.observer.review_opened(case)
        return changed.aggregate

    async def keep_review(self, case: ReviewCase) -> None:
        """Keep a review case, and tell of it when it is new."""
        if await self.work.open_review(case):
            self.observer.review_opened(case)

    def channel(self, name: str) -> Channel:
        """Give a channel by name. Raises Unavailable where this gateway is not set up for it."""
        if name not in self.channels:
            words = f"This gateway is not set up for the channel {name}."
            raise Unavailable(Reason.CHANNEL_UNAVAILABLE, words, retry_after_s=RETRY_AFTER_S)
        return self.channels[name]

    def place(self, name: str) -> AbstractContextManager[object]:
        """Take a place among a channel's calls; a wallet is not called, so it needs none.

        Raises Overloaded, Unavailable.
        """
        return nullcontext() if name == WALLET_CHANNEL else admitted(self.channel(name))

    def moment(self, channel: str) -> Moment:
        """Now, with what holds for this channel; nothing does for what is done at once."""
        if channel == WALLET_CHANNEL:
            return Moment(self.clock.now(), self.clock.new_id)
        can = self.channel(channel).capabilities
        lease = can.send_timeout + self.timing.lease_margin
        return Moment(self.clock.now(), self.clock.new_id, lease, can.authorization_lifetime, can)

    async def _wait(self, task: asyncio.Task[Begun], deadline: Deadline) -> None:
        """Wait for the outcome, at most until the deadline or until everybody must hurry."""
        impatience: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        either: set[asyncio.Future[Any]] = {task, impatience}
        self._waiting.add(impatience)
        try:
            await asyncio.wait(
                either, timeout=deadline.remaining(), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            self._waiting.discard(impatience)

    def _ended(self, task: asyncio.Task[Begun]) -> None:
        """Let go of a task. What callers cannot meet is a fault of ours, whoever still waited."""
        self._tasks.discard(task)
        fault = None if task.cancelled() else task.exception()
        if fault and not isinstance(fault, GatewayError):
            self.observer.faulted("begin", fault, None)

    async def _carry_out(
        self,
        begin: Callable[[], Awaitable[Begun]],
        place: AbstractContextManager[object],
        begun: asyncio.Future[Begun],
    ) -> Begun:
        started = self.clock.monotonic()
        with place:
            first = await begin()
            begun.set_result(first)
            if first.attempt is None:
                return first
            waited = timedelta(seconds=self.clock.monotonic() - started)
            return await self._send(first, first.attempt, late=waited > self.timing.lease_margin)

    async def _send(self, first: Begun, attempt: Attempt, *, late: bool) -> Begun:
        """Send and conclude. Whatever fails here leaves the attempt open, for the workers.

        So late that the lease might end before the channel's timeout, it is taken anew first.
        """
        try:
            if late and not await self._renewed(attempt):
                return first
            request = channel_request(first.aggregate, attempt)
            outcome = await self.channel(attempt.channel).send(request)
            aggregate = await self.conclude(attempt, outcome)
            if aggregate is None or is_open(aggregate, attempt):
                await self.work.postpone_attempt(attempt, self.timing.recovery_delay_min)
        except Exception as fault:  # noqa: BLE001 - the intent is kept: only its outcome is late
            self.observer.faulted("send", fault, attempt.payment_id)
            return first
        return replace(first, aggregate=aggregate) if aggregate else first

    async def _renewed(self, attempt: Attempt) -> bool:
        """Begin the lease anew; False where somebody has ended the attempt meanwhile."""
        await self.work.postpone_attempt(attempt, self.moment(attempt.channel).lease)
        return await self.still_open(attempt)

    async def still_open(self, attempt: Attempt) -> bool:
        """Look again before money is moved: the attempt may have ended since it was read."""
        now = await self.payments.find_attempt(attempt.merchant_id, attempt.attempt_id)
        return now is not None and now.state is AttemptState.OPEN


async def committed(commit: Callable[[], Awaitable[T]], deadline: Deadline) -> T:
    """Ask for a commit and wait for it, by the deadline; once begun it goes on without its caller.

    Raises:
        DeadlinePassed: there was no time left, and nothing was asked for.
        Unavailable: COMMIT_UNKNOWN, where the deadline passed meanwhile.
    """
    seconds = deadline.remaining()
    if seconds <= 0:
        raise _deadline_passed()
    try:
        async with asyncio.timeout(seconds):
            return await commit()
    except TimeoutError as late:
        raise _commit_unknown() from late


async def in_time(reading: Awaitable[T], deadline: Deadline) -> T:
    """Read something that is needed before anything is kept. Raises DeadlinePassed."""
    try:
        async with asyncio.timeout(deadline.remaining()):
            found = await reading
    except TimeoutError as late:
        raise _deadline_passed() from late
    if deadline.remaining() <= 0:  # what never had to wait was not stopped by its bound
        raise _deadline_passed()
    return found


def admitted(channel: Channel) -> AbstractContextManager[object]:
    """Take a place among the channel's calls, to be left by whoever carries out the work.

    Raises Overloaded, Unavailable.
    """
    place = ExitStack()
    place.enter_context(channel.admit())
    return place


def is_open(aggregate: Aggregate, attempt: Attempt) -> bool:
    """Whether an attempt still waits for its outcome."""
    return aggregate.attempts[attempt.attempt_id].state is AttemptState.OPEN


def _deadline_passed() -> DeadlinePassed:
    words = "The deadline passed before anything was kept."
    return DeadlinePassed(Reason.DEADLINE_EXCEEDED, words)


def _commit_unknown() -> Unavailable:
    words = "There was no time to see whether this was kept. Send the same key again."
    return Unavailable(Reason.COMMIT_UNKNOWN, words, retry_after_s=COMMIT_RETRY_AFTER_S)
