"""Errors that a caller can meet, as one tree.

The class says what kind, the reason says which, the key says what may follow.

    GatewayError
        InvalidRequest        the bytes alone decide: fix the request
        NotFound              no such object of this owner
        AlreadyExists         the caller-chosen id names something else
        Refused               the state forbids it
        Contended             a lost race; nothing was kept
        Overloaded            too much work already; nothing was kept
        Unavailable           something needed is away
        DeadlinePassed        no time was left before anything was kept

Refusals by a channel are not errors: they are outcomes. An error either leaves the idempotency key
free, so the same key may be sent again, or is bound to it, so the same key gives the same refusal
for ever.
"""

from collections.abc import Mapping
from enum import StrEnum


class Reason(StrEnum):
    """Machine-readable reasons; the same names as ErrorReason in the contract."""

    INVALID_REQUEST = "INVALID_REQUEST"
    INVALID_PAGE_TOKEN = "INVALID_PAGE_TOKEN"  # noqa: S105 - a reason, no password
    INVALID_CURSOR = "INVALID_CURSOR"
    IDEMPOTENCY_KEY_MISMATCH = "IDEMPOTENCY_KEY_MISMATCH"
    MERCHANT_NOT_FOUND = "MERCHANT_NOT_FOUND"
    PAYMENT_NOT_FOUND = "PAYMENT_NOT_FOUND"
    REFUND_NOT_FOUND = "REFUND_NOT_FOUND"
    WALLET_NOT_FOUND = "WALLET_NOT_FOUND"
    TOP_UP_NOT_FOUND = "TOP_UP_NOT_FOUND"
    WITHDRAWAL_NOT_FOUND = "WITHDRAWAL_NOT_FOUND"
    MERCHANT_EXISTS = "MERCHANT_EXISTS"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    MERCHANT_DISABLED = "MERCHANT_DISABLED"
    CURRENCY_NOT_ENABLED = "CURRENCY_NOT_ENABLED"
    CHANNEL_NOT_ENABLED = "CHANNEL_NOT_ENABLED"
    AMOUNT_NOT_ENABLED = "AMOUNT_NOT_ENABLED"
    CAPTURE_MODE_NOT_ENABLED = "CAPTURE_MODE_NOT_ENABLED"
    METHOD_NOT_ENABLED = "METHOD_NOT_ENABLED"
    EXPIRY_NOT_ENABLED = "EXPIRY_NOT_ENABLED"
    ORDER_ALREADY_PAID = "ORDER_ALREADY_PAID"
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION"
    OPERATION_IN_PROGRESS = "OPERATION_IN_PROGRESS"
    PAYMENT_NOT_FINAL = "PAYMENT_NOT_FINAL"
    REFUND_TOO_SOON = "REFUND_TOO_SOON"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    OVERLOADED = "OVERLOADED"
    WATCHER_LIMIT = "WATCHER_LIMIT"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    COMMIT_UNKNOWN = "COMMIT_UNKNOWN"
    CHANNEL_UNAVAILABLE = "CHANNEL_UNAVAILABLE"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    CONTENTION = "CONTENTION"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    INTERNAL = "INTERNAL"


class GatewayError(Exception):
    """Base of all errors that a caller can meet.

    Args:
        reason: which one.
        message: one sentence for people, with no secret and nothing of another owner.
        key_bound: whether the same idempotency key gives the same refusal for ever.
        retry_after_s: seconds until another try makes sense; None where it never does by itself.
        violations: field path to description, for INVALID_ARGUMENT.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        key_bound: bool = False,
        retry_after_s: float | None = None,
        violations: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.key_bound = key_bound
        self.retry_after_s = retry_after_s
        self.violations = violations or {}


class InvalidRequest(GatewayError):
    """The request breaks a rule that its bytes alone decide, or that never changes."""


class NotFound(GatewayError):
    """No such object of this owner."""


class AlreadyExists(GatewayError):
    """The caller-chosen id names something else."""


class Refused(GatewayError):
    """The state forbids it."""


class Contended(GatewayError):
    """A race was lost; nothing was kept."""


class Overloaded(GatewayError):
    """Too much work is under way; nothing was kept."""


class Unavailable(GatewayError):
    """Something needed is away."""


class DeadlinePassed(GatewayError):
    """No time was left before anything was kept."""


def key_mismatch() -> Refused:
    """Say that the key stands for another request, without telling which."""
    return Refused(
        Reason.IDEMPOTENCY_KEY_MISMATCH,
        "This idempotency key was used for another request or method. Nothing was executed.",
        key_bound=True,
    )


def refund_not_found() -> NotFound:
    """Say that the merchant has no such refund."""
    return NotFound(Reason.REFUND_NOT_FOUND, "This merchant has no such refund.")


def payment_not_found() -> NotFound:
    """Say that the merchant has no such payment."""
    return NotFound(Reason.PAYMENT_NOT_FOUND, "This merchant has no such payment.")


def wallet_not_found() -> NotFound:
    """Say that the payer has no such wallet."""
    return NotFound(Reason.WALLET_NOT_FOUND, "This payer has no wallet in this currency.")


def top_up_not_found() -> NotFound:
    """Say that the payer has no such top-up."""
    return NotFound(Reason.TOP_UP_NOT_FOUND, "This payer has no such top-up.")


def withdrawal_not_found() -> NotFound:
    """Say that the payer has no such withdrawal."""
    return NotFound(Reason.WITHDRAWAL_NOT_FOUND, "This payer has no such withdrawal.")
