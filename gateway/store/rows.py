"""Domain types as rows, and back.

A row is a JSON object whose fields are named by the table's columns. Postgres itself turns it into
a typed row (`jsonb_populate_recordset`) and a typed row into it (`to_jsonb`), which costs less than
an array per column and keeps every statement free of positions. Claims, events and merchants are
read as they are; everything else comes back as JSON.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
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
    Scene,
)

Row = dict[str, Any]


def dump(value: list[Row] | Row) -> str:
    """Write rows as the JSON array that statements take, or one value of a column."""
    return _ENCODER.encode(value)


def load(text: str) -> Any:
    """Read what a statement gave as JSON."""
    return json.loads(text)


def claim_row(claim: Claim) -> Row:
    """Write a claim."""
    return {
        "owner_id": claim.owner_id,
        "idempotency_key": claim.idempotency_key,
        "kind": claim.kind,
        "fingerprint": claim.fingerprint,
        "fingerprint_version": claim.fingerprint_version,
        "object_id": claim.object_id,
        "refusal": claim.refusal,
        "refusal_message": claim.refusal_message,
        "caller_id": claim.caller_id,
        "create_time": claim.create_time,
    }


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


def payment_row(payment: Payment) -> Row:
    """Write a payment."""
    return {
        "merchant_id": payment.merchant_id,
        "payment_id": payment.payment_id,
        "idempotency_key": payment.idempotency_key,
        "order_id": payment.order_id,
        "currency": payment.amount.currency,
        "amount": payment.amount.minor_units,
        "channel": payment.method.channel,
        "method_details": dict(payment.method.details),
        "capture_mode": payment.capture_mode,
        "payer": asdict(payment.payer),
        "scene": payment.scene,
        "description": payment.description,
        "attributes": dict(payment.attributes),
        "one_per_order": payment.one_per_order,
        "fee_terms": asdict(payment.fee_terms) if payment.fee_terms else None,
        "caller_id": payment.caller_id,
        "create_time": payment.create_time,
        "expire_time": payment.expire_time,
        "state": payment.state,
        "captured": payment.captured,
        "refunded": payment.refunded,
        "fee_millionths": payment.fee_millionths,
        "fee_returned_millionths": payment.fee_returned_millionths,
        "attempt_number": payment.attempt_number,
        "channel_number": payment.channel_number,
        "next_action": asdict(payment.next_action) if payment.next_action else None,
        "failure": asdict(payment.failure) if payment.failure else None,
        "authorize_time": payment.authorize_time,
        "capture_time": payment.capture_time,
        "capture_before_time": payment.capture_before_time,
        "update_time": payment.update_time,
        "version": payment.version,
    }


def payment_of(row: Row) -> Payment:
    """Read a payment."""
    return Payment(
        merchant_id=row["merchant_id"],
        payment_id=UUID(row["payment_id"]),
        idempotency_key=row["idempotency_key"],
        order_id=row["order_id"],
        amount=Money(row["currency"], row["amount"]),
        method=PaymentMethod(row["channel"], row["method_details"]),
        capture_mode=CaptureMode(row["capture_mode"]),
        payer=Payer(**row["payer"]),
        scene=Scene(row["scene"]),
        description=row["description"],
        attributes=row["attributes"],
        state=PaymentState(row["state"]),
        create_time=time_of(row["create_time"]),
        update_time=time_of(row["update_time"]),
        expire_time=time_of(row["expire_time"]),
        one_per_order=row["one_per_order"],
        fee_terms=FeeTerms(**row["fee_terms"]) if row["fee_terms"] else None,
        attempt_number=row["attempt_number"],
        captured=row["captured"],
        refunded=row["refunded"],
        fee_millionths=row["fee_millionths"],
        fee_returned_millionths=row["fee_returned_millionths"],
        next_action=_next_action_of(row["next_action"]),
        failure=_failure_of(row["failure"]),
        channel_number=row["channel_number"],
        authorize_time=optional_time_of(row["authorize_time"]),
        capture_time=optional_time_of(row["capture_time"]),
        capture_before_time=optional_time_of(row["capture_before_time"]),
        caller_id=row["caller_id"],
        version=row["version"],
    )


def operation_row(operation: Operation) -> Row:
    """Write an operation."""
    return {
        "merchant_id": operation.merchant_id,
        "operation_id": operation.operation_id,
        "payment_id": operation.payment_id,
        "kind": operation.kind,
        "idempotency_key": operation.idempotency_key,
        "currency": operation.amount.currency,
        "amount": operation.amount.minor_units,
        "final": operation.final,
        "advanced": operation.advanced,
        "description": operation.description,
        "caller_id": operation.caller_id,
        "create_time": operation.create_time,
        "state": operation.state,
        "failure": asdict(operation.failure) if operation.failure else None,
        "attempt_number": operation.attempt_number,
        "channel_number": operation.channel_number,
        "under_review": operation.under_review,
        "update_time": operation.update_time,
    }


def operation_of(row: Row) -> Operation:
    """Read an operation."""
    return Operation(
        merchant_id=row["merchant_id"],
        operation_id=UUID(row["operation_id"]),
        payment_id=UUID(row["payment_id"]),
        kind=OperationKind(row["kind"]),
        state=OperationState(row["state"]),
        amount=Money(row["currency"], row["amount"]),
        create_time=time_of(row["create_time"]),
        update_time=time_of(row["update_time"]),
        idempotency_key=row["idempotency_key"],
        final=row["final"],
        advanced=row["advanced"],
        description=row["description"],
        failure=_failure_of(row["failure"]),
        attempt_number=row["attempt_number"],
        channel_number=row["channel_number"],
        under_review=row["under_review"],
        caller_id=row["caller_id"],
    )


def attempt_row(attempt: Attempt, now: datetime, *, due_time_kept: bool = False) -> Row:
    """Write an attempt as of `now`. When it is due goes as the span from then on.

    So it holds by the database's clock; a time that is kept was made by that clock already.
    """
    due_in = None
    if attempt.due_time is not None and not due_time_kept:
        due_in = attempt.due_time - now
    return {
        "merchant_id": attempt.merchant_id,
        "attempt_id": attempt.attempt_id,
        "payment_id": attempt.payment_id,
        "operation_id": attempt.operation_id,
        "kind": attempt.kind,
        "channel": attempt.channel,
        "number": attempt.number,
        "charge_number": attempt.charge_number,
        "currency": attempt.money.currency,
        "amount": attempt.money.minor_units,
        "create_time": attempt.create_time,
        "state": attempt.state,
        "due_time": attempt.due_time if due_time_kept else None,
        "due_in": due_in,
        "tries": attempt.tries,
        "not_found_count": attempt.not_found_count,
        "fenced": attempt.fenced,
        "evidence": attempt.evidence,
    }


def attempt_of(row: Row) -> Attempt:
    """Read an attempt."""
    return Attempt(
        merchant_id=row["merchant_id"],
        attempt_id=UUID(row["attempt_id"]),
        payment_id=UUID(row["payment_id"]),
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
    )


def time_of(text: str) -> datetime:
    """Read a time, in UTC whatever the session's zone."""
    return datetime.fromisoformat(text).astimezone(UTC)


def optional_time_of(text: str | None) -> datetime | None:
    """Read a time that may be missing."""
    return time_of(text) if text else None


def optional_uuid_of(text: str | None) -> UUID | None:
    """Read an identifier that may be missing."""
    return UUID(text) if text else None


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
    if isinstance(value, timedelta):
        return f"{value // timedelta(microseconds=1)} microseconds"
    raise TypeError(f"{type(value).__name__} has no place in a row")


_ENCODER = json.JSONEncoder(default=_plain, ensure_ascii=False, separators=(",", ":"))
