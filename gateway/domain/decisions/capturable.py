"""What a channel lets be captured: so often, and perhaps all that is held or nothing.

No later try can mend it, so it is refused for good and kept under its key. After as many captures
as a channel makes nothing more can be taken: the last of them releases the rest, as if it had been
asked to be final.
"""

from gateway.domain.change import Aggregate
from gateway.domain.decisions.moment import Moment
from gateway.domain.money import Money
from gateway.domain.operation import Operation, OperationKind, OperationState
from gateway.domain.payment import Failure, FailureReason


def never_captured(aggregate: Aggregate, operation: Operation, moment: Moment) -> Failure | None:
    """Say why the channel will never make this capture; None where nothing speaks against it."""
    can, payment = moment.can, aggregate.payment
    if can is None:
        return None
    if can.captures_max is not None and _made(aggregate) >= can.captures_max:
        words = f"The channel makes at most {_in_words(can.captures_max)} of one payment."
        return Failure(FailureReason.TOO_MANY_CAPTURES, words)
    if not can.partial_capture and operation.amount.minor_units < payment.uncaptured:
        whole = Money(payment.currency, payment.uncaptured)
        words = f"The channel captures all that is authorised, {whole}, or nothing."
        return Failure(FailureReason.PARTIAL_CAPTURE_UNSUPPORTED, words)
    return None


def is_last(aggregate: Aggregate, moment: Moment) -> bool:
    """Whether the channel makes no capture of this payment after the next."""
    most = moment.can.captures_max if moment.can else None
    return most is not None and _made(aggregate) + 1 >= most


def _made(aggregate: Aggregate) -> int:
    """Count the captures that did not fail."""
    return sum(
        item.kind is OperationKind.CAPTURE and item.state is not OperationState.FAILED
        for item in aggregate.operations.values()
    )


def _in_words(captures: int) -> str:
    return "one capture" if captures == 1 else f"{captures} captures"
