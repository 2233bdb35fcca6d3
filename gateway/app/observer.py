"""What use cases and workers report goes to logs and metrics here, so that neither knows them."""

import logging
from uuid import UUID

from gateway.domain.change import ReviewCase
from gateway.domain.errors import GatewayError
from gateway.domain.ids import to_text
from gateway.domain.payment import Payment
from gateway.telemetry.logging import get_logger
from gateway.telemetry.metrics import Metrics

_log = get_logger(__name__)


class Reporter:
    """Observer of use cases and of workers' loops."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def changed(self, payment: Payment) -> None:
        """Count a change by the state it led to. The feed of events tells each; so can the log."""
        self._metrics.payment_changed(payment.method.channel, payment.state)
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug(
                "payment changed",
                merchant_id=payment.merchant_id,
                payment_id=to_text("pay", payment.payment_id),
                state=payment.state.value,
                version=payment.version,
            )

    def faulted(self, where: str, fault: BaseException, payment_id: UUID | None) -> None:
        """Log what failed after an intent was kept; a known fault needs no traceback."""
        known = isinstance(fault, GatewayError)
        _log.warning(
            "left to recovery",
            where=where,
            payment_id=to_text("pay", payment_id) if payment_id else None,
            fault=fault.reason.value if isinstance(fault, GatewayError) else type(fault).__name__,
            exc_info=None if known else fault,
        )

    def review_opened(self, case: ReviewCase) -> None:
        """Log that a person must look: this is the line to alert on."""
        _log.error(
            "review case opened",
            case_id=str(case.case_id),
            kind=case.kind.value,
            merchant_id=case.owner_id,
            payment_id=to_text("pay", case.payment_id) if case.payment_id else None,
            detail=case.detail,
        )

    def ran(self, loop: str, found: int) -> None:
        """Count a run of a worker's loop."""
        self._metrics.ran(loop, found)

    def failed(self, loop: str, fault: Exception) -> None:
        """Count and log a run that failed."""
        self._metrics.failed(loop, fault)
        known = isinstance(fault, GatewayError)
        _log.warning(
            "worker run failed", loop=loop, fault=repr(fault), exc_info=not known and fault
        )
