"""What people look at, as they and scripts read it: every field as text, ids as callers know them.

Cases that wait for a decision, and notifications that were not believed.
"""

from datetime import datetime

from gateway.domain.change import ReviewCase
from gateway.domain.ids import to_text
from gateway.store.quarantine import Quarantined


def review_fields(case: ReviewCase) -> dict[str, str]:
    """Write a case as named texts, empty where it has none; times in ISO 8601, UTC."""
    return {
        "case_id": str(case.case_id),
        "kind": case.kind,
        "owner_id": case.owner_id,
        "payment_id": to_text("pay", case.payment_id) if case.payment_id else "",
        "attempt_id": str(case.attempt_id or ""),
        "subject": case.subject,
        "detail": case.detail,
        "create_time": _text(case.create_time),
        "resolve_time": _text(case.resolve_time),
        "resolution": case.resolution,
        "note": case.note,
    }


def quarantine_fields(kept: Quarantined) -> dict[str, str]:
    """Write a notification that was not believed as named texts; times in ISO 8601, UTC."""
    return {
        "channel": kept.channel,
        "reason": kept.reason,
        "times": str(kept.times),
        "last_time": _text(kept.last_time),
        "first_time": _text(kept.first_time),
        "sha256": kept.digest.hex(),
        "body_bytes": str(kept.body_bytes),
        "excerpt": kept.excerpt,
    }


def _text(time: datetime | None) -> str:
    return time.isoformat(timespec="seconds") if time else ""
