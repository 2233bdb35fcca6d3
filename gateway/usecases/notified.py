"""Notified: a channel's verified notification joins the same way as its answers.

It is acknowledged only after its commit. What names a number, channel or amount that is not ours
changes nothing: it is kept for a person, and acknowledged, since sending it again would not help.

One that decides nothing still says that something happened, and some channels never say more, since
they sign nothing: so all that is open about the payment is asked about soon. Soon is the first
pause of recovery, and what is due by then stays so: a thousand such notifications within one pause
make one question, and go on making one per pause.
"""

from gateway.domain.change import ReviewCase, ReviewKind
from gateway.domain.channel import Attempt, Notice, OutcomeClass
from gateway.domain.ids import parse_channel_number
from gateway.usecases.execution import Execution
from gateway.usecases.merchants import MerchantBook

NOBODY = "-"
"""Owner of review cases about numbers that belong to nobody."""


class Notified:
    """The use case."""

    def __init__(self, execution: Execution, merchants: MerchantBook) -> None:
        self._execution = execution
        self._merchants = merchants

    async def __call__(self, channel: str, notice: Notice) -> bool:
        """Apply a notification. True once it is committed, or kept for a person."""
        attempt = await self._attempt(notice.number)
        if attempt and _is_about(attempt, channel, notice):
            await self._execution.conclude(attempt, notice.outcome)
            if notice.outcome.outcome is OutcomeClass.PENDING:
                await self._ask_soon(attempt)
        else:
            await self._keep_unknown(channel, notice)
        return True

    async def _attempt(self, number: str) -> Attempt | None:
        parsed = parse_channel_number(number)
        owner_id = await self._merchants.owner_of_serial(parsed[0]) if parsed else None
        if parsed is None or owner_id is None:
            return None
        return await self._execution.payments.find_attempt(owner_id, parsed[1])

    async def _ask_soon(self, attempt: Attempt) -> None:
        """Hurry the payment's open attempts: a word about a charge may be about its capture.

        One that is younger than its sender's lease may still be on its way: nobody joins in.
        """
        delay = self._execution.timing.recovery_delay_min
        lease = self._execution.moment(attempt.channel).lease
        owner_id, payment_id = attempt.merchant_id, attempt.payment_id
        await self._execution.work.hurry_attempts(owner_id, payment_id, delay, lease)

    async def _keep_unknown(self, channel: str, notice: Notice) -> None:
        clock = self._execution.clock
        detail = f"The channel {channel} notified about a number that is not ours there."
        case = ReviewCase(
            owner_id=NOBODY,
            case_id=clock.new_id(),
            kind=ReviewKind.UNKNOWN_NUMBER,
            subject=f"{channel} {notice.number}",
            detail=f"{detail} {notice.outcome.evidence}",
            create_time=clock.now(),
        )
        await self._execution.keep_review(case)


def _is_about(attempt: Attempt, channel: str, notice: Notice) -> bool:
    ours = (attempt.channel, attempt.number, attempt.kind)
    return ours == (channel, notice.number, notice.kind)
