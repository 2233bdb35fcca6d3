"""Rows of the journal, the feed, reviews and merchants; see `rows` for what a row is."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import groupby
from typing import Any
from uuid import UUID

from gateway.domain.change import Event, EventType, ReviewCase, ReviewKind
from gateway.domain.fees import FeeSchedule, FeeTerms
from gateway.domain.ledger import AccountRef, AccountSum, Book, Entry, Transfer
from gateway.domain.merchant import Merchant, OrderPolicy, PaymentLimit, RefundPolicy
from gateway.domain.payment import PaymentState
from gateway.domain.value import replace
from gateway.store.rows import (
    Row,
    load,
    optional_time_of,
    optional_uuid_of,
    payment_of,
    time_of,
)


def event_of(record: Mapping[str, Any]) -> Event:
    """Read an event. Its payment has the state, amounts and version of then.

    What an event does not keep (fee, numbers and times at the channel, failure, next action) is as
    the payment has it now.
    """
    payment = replace(
        payment_of(load(record["payment"])),
        state=PaymentState(record["state"]),
        captured=record["captured"],
        refunded=record["refunded"],
        version=record["version"],
        update_time=record["create_time"],
    )
    return Event(
        event_id=record["event_id"],
        type=EventType(record["type"]),
        payment=payment,
        digest=record["digest"],
        digest_version=record["digest_version"],
        create_time=record["create_time"],
        operation_id=record["operation_id"],
    )


def entries_of(records: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """Read entries out of their transfers, which come together and in order."""
    groups = groupby(records, key=lambda record: record["entry_id"])
    return [_entry_of(list(group)) for _, group in groups]


def _entry_of(records: list[Mapping[str, Any]]) -> Entry:
    first = records[0]
    return Entry(
        owner_id=first["owner_id"],
        entry_id=first["entry_id"],
        event=first["event"],
        currency=first["currency"],
        transfers=tuple(_transfer_of(record) for record in records),
        create_time=first["create_time"],
        payment_id=first["payment_id"],
        operation_id=first["operation_id"],
    )


def _transfer_of(record: Mapping[str, Any]) -> Transfer:
    book = Book(record["book"])
    return Transfer(
        debit=AccountRef(book, record["debit_code"], record["debit_key"]),
        credit=AccountRef(book, record["credit_code"], record["credit_key"]),
        amount=record["amount"],
    )


def account_sum_of(record: Mapping[str, Any]) -> AccountSum:
    """Read what was booked on an account. Raises ValueError for one that the chart lacks."""
    return AccountSum(
        account=AccountRef(Book(record["book"]), record["code"], record["key"]),
        currency=record["currency"],
        debits=record["debits"],
        credits=record["credits"],
    )


def review_row(case: ReviewCase) -> Row:
    """Write a review case."""
    return asdict(case)


def review_of(row: Row) -> ReviewCase:
    """Read a review case."""
    return ReviewCase(
        owner_id=row["owner_id"],
        case_id=UUID(row["case_id"]),
        kind=ReviewKind(row["kind"]),
        subject=row["subject"],
        detail=row["detail"],
        create_time=time_of(row["create_time"]),
        payment_id=optional_uuid_of(row["payment_id"]),
        attempt_id=optional_uuid_of(row["attempt_id"]),
        resolve_time=optional_time_of(row["resolve_time"]),
        resolution=row["resolution"],
        note=row["note"],
    )


def merchant_settings(merchant: Merchant) -> Row:
    """Write what a merchant is set to."""
    return {
        "display_name": merchant.display_name,
        "disabled": merchant.disabled,
        "currencies": merchant.currencies,
        "channels": merchant.channels,
        "order_policy": merchant.order_policy,
        "refund_policy": merchant.refund_policy,
        "fee_schedules": [asdict(schedule) for schedule in merchant.fee_schedules],
        "payment_limits": [asdict(limit) for limit in merchant.payment_limits],
    }


def merchant_of(record: Mapping[str, Any]) -> Merchant:
    """Read a merchant."""
    settings = load(record["settings"])
    return Merchant(
        merchant_id=record["merchant_id"],
        display_name=settings["display_name"],
        currencies=tuple(settings["currencies"]),
        channels=tuple(settings["channels"]),
        order_policy=OrderPolicy(settings["order_policy"]),
        refund_policy=RefundPolicy(settings["refund_policy"]),
        create_time=record["create_time"],
        update_time=record["update_time"],
        disabled=settings["disabled"],
        fee_schedules=tuple(_schedule_of(row) for row in settings["fee_schedules"]),
        payment_limits=tuple(PaymentLimit(**row) for row in settings["payment_limits"]),
        version=record["version"],
        serial=record["serial"],
    )


def _schedule_of(row: Row) -> FeeSchedule:
    terms = FeeTerms(**row["terms"])
    effective_time = time_of(row["effective_time"])
    return FeeSchedule(**{**row, "effective_time": effective_time, "terms": terms})
