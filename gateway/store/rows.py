"""Rows as domain types.

A row maps the table's columns to values, either as the driver gives them or as Postgres writes them
into JSON (`to_jsonb`), where several rows come in one. What is written goes another way: see
`commit.rows`.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from gateway.domain.channel import Attempt, AttemptKind, AttemptState
from gateway.domain.errors import Reason
from gateway.domain.fees import FeeTerms
from gateway.domain.idempotency import Claim, ClaimKind
from gateway.domain.money import Money
from gateway.domain.operation import Operation, OperationKind, OperationState
from gateway.domain.payment import (
    ActionKind,
    CaptureMode,
    Failure,
    FailureReason,
    NextAction,
    Payer,
    Payment,
    PaymentMethod,
    PaymentState,
    Purpose,
    Scene,
)

Row = dict[str, Any]


def dump(value: list[Row] | Row) -> str:
    """Write rows as the JSON array that statements take, or one value of a column."""
    return _ENCODER.encode(value)


def load(text: str) -> Any:
    """Read what a statement gave as JSON."""
    return json.loads(text)


def claim_of(record: Mapping[str, Any]) -> Claim:
    """Read a claim."""
    return Claim(
        owner_id=record["owner_id"],
        idempotency_key=record["idempotency_key"],
        kind=ClaimKind(record["kind"]),
        fingerprint=record["fingerprint"],
        object_id=record["object_id"],
        create_time=record["create_time"],
        fingerprint_version=record["fingerprint_version"],
        refusal=Reason(record["refusal"]) if record["refusal"] else None,
        refusal_message=record["refusal_message"],
        caller_id=record["caller_id"],
    )


def payment_of(row: Row) -> Payment:
    """Read a payment."""
    return Payment(
        merchant_id=row["merchant_id"],
        payment_id=uuid_of(row["payment_id"]),
        idempotency_key=row["idempotency_key"],
        order_id=row["order_id"],
        amount=Money(row["currency"], row["amount"]),
        method=PaymentMethod(row["channel"], _object_of(row["method_details"])),
        capture_mode=CaptureMode(row["capture_mode"]),
        payer=Payer(**_object_of(row["payer"])),
        scene=Scene(row["scene"]),
        description=row["description"],
        attributes=_object_of(row["attributes"]),
        state=PaymentState(row["state"]),
        create_time=time_of(row["create_time"]),
        update_time=time_of(row["update_time"]),
        expire_time=time_of(row["expire_time"]),
        one_per_order=row["one_per_order"],
        fee_terms=_fee_terms_of(_object_of(row["fee_terms"])),
        attempt_number=row["attempt_number"],
        captured=row["captured"],
        refunded=row["refunded"],
        fee_millionths=row["fee_millionths"],
        fee_returned_millionths=row["fee_returned_millionths"],
        next_action=_next_action_of(_object_of(row["next_action"])),
        failure=_failure_of(_object_of(row["failure"])),
        channel_number=row["channel_number"],
        authorize_time=optional_time_of(row["authorize_time"]),
        capture_time=optional_time_of(row["capture_time"]),
        capture_before_time=optional_time_of(row["capture_before_time"]),
        caller_id=row["caller_id"],
        version=row["version"],
        purpose=Purpose(row["purpose"]),
        funding_source=row.get("funding_source") or "",
    )


def operation_of(row: Row) -> Operation:
    """Read an operation."""
    return Operation(
        merchant_id=row["merchant_id"],
        operation_id=uuid_of(row["operation_id"]),
        payment_id=uuid_of(row["payment_id"]),
        kind=OperationKind(row["kind"]),
        state=OperationState(row["state"]),
        amount=Money(row["currency"], row["amount"]),
        create_time=time_of(row["create_time"]),
        update_time=time_of(row["update_time"]),
        idempotency_key=row["idempotency_key"],
        final=row["final"],
        advanced=row["advanced"],
        description=row["description"],
        failure=_failure_of(_object_of(row["failure"])),
        attempt_number=row["attempt_number"],
        channel_number=row["channel_number"],
        under_review=row["under_review"],
        caller_id=row["caller_id"],
    )


def attempt_of(row: Row) -> Attempt:
    """Read an attempt."""
    return Attempt(
        merchant_id=row["merchant_id"],
        attempt_id=uuid_of(row["attempt_id"]),
        payment_id=uuid_of(row["payment_id"]),
        operation_id=optional_uuid_of(row["operation_id"]),
        kind=AttemptKind(row["kind"]),
        channel=row["channel"],
        number=row["number"],
        charge_number=row["charge_number"],
        money=Money(row["currency"], row["amount"]),
        state=AttemptState(row["state"]),
        create_time=time_of(row["create_time"]),
        due_time=optional_time_of(row["due_time"]),
        tries=row["tries"],
        not_found_count=row["not_found_count"],
        fenced=row["fenced"],
        evidence=row["evidence"],
        funding_source=row["funding_source"],
    )


def time_of(value: datetime | str) -> datetime:
    """Read a time, in UTC whatever the session's zone."""
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value).astimezone(UTC)


def optional_time_of(value: datetime | str | None) -> datetime | None:
    """Read a time that may be missing."""
    return time_of(value) if value else None


def uuid_of(value: UUID | str) -> UUID:
    """Read an identifier."""
    return value if isinstance(value, UUID) else UUID(value)


def optional_uuid_of(value: UUID | str | None) -> UUID | None:
    """Read an identifier that may be missing."""
    return uuid_of(value) if value else None


def _object_of(value: Any) -> Any:
    """Read a column that holds an object or nothing."""
    return load(value) if isinstance(value, str) else value


def _fee_terms_of(row: Row | None) -> FeeTerms | None:
    return FeeTerms(**row) if row else None


def _next_action_of(row: Row | None) -> NextAction | None:
    if row is None:
        return None
    return NextAction(ActionKind(row["kind"]), row["content"], optional_time_of(row["expire_time"]))


def _failure_of(row: Row | None) -> Failure | None:
    if row is None:
        return None
    return Failure(FailureReason(row["reason"]), row["message"], row["channel_code"])


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    raise TypeError(f"{type(value).__name__} has no place in a row")


_ENCODER = json.JSONEncoder(default=_plain, ensure_ascii=False, separators=(",", ":"))
