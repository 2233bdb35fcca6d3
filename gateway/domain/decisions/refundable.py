"""What a channel lets be refunded: for so long, so often, and not too soon after one another.

What a later try cannot mend is refused for good and kept under its key, like the capture of an
authorisation that had ended. What only time is missing for leaves the key free, with a hint when.
"""

from datetime import timedelta

from gateway.domain.change import Aggregate
from gateway.domain.decisions.moment import Moment
from gateway.domain.errors import Reason, Refused
from gateway.domain.operation import Operation, OperationKind, OperationState
from gateway.domain.payment import Failure, FailureReason


def never_refunded(aggregate: Aggregate, moment: Moment) -> Failure | None:
    """Say why the channel will never make this refund; None where nothing speaks against it."""
    can, captured = moment.can, aggregate.payment.capture_time
    if can is None:
        return None
    if can.refund_window is not None and captured and moment.now > captured + can.refund_window:
        words = f"The channel refunds for {_in_words(can.refund_window)} only, which are over."
        return Failure(FailureReason.REFUND_WINDOW_CLOSED, words)
    made = [item for item in _refunds(aggregate) if item.state is not OperationState.FAILED]
    if can.partial_refunds_max is not None and len(made) >= can.partial_refunds_max:
        words = f"The channel makes at most {can.partial_refunds_max} refunds of one payment."
        return Failure(FailureReason.TOO_MANY_REFUNDS, words)
    return None


def check_spacing(aggregate: Aggregate, moment: Moment) -> None:
    """Raise Refused, with the key left free, while it is too soon after another refund."""
    if moment.can is None or not moment.can.partial_refund_spacing:
        return
    spacing = moment.can.partial_refund_spacing
    sent = [item.create_time for item in _refunds(aggregate) if item.attempt_number]
    wait = max(sent) + spacing - moment.now if sent else timedelta(0)
    if wait > timedelta(0):
        words = f"The channel wants {_in_words(spacing)} between two refunds of one payment."
        retry_after_s = wait.total_seconds()
        raise Refused(Reason.REFUND_TOO_SOON, words, retry_after_s=retry_after_s)


def _refunds(aggregate: Aggregate) -> list[Operation]:
    return [item for item in aggregate.operations.values() if item.kind is OperationKind.REFUND]


def _in_words(span: timedelta) -> str:
    return f"{span.days} days" if span.days else f"{span.total_seconds():g} seconds"
