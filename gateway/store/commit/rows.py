"""What is written, as tuples in the order of the types `written_*` in migrations 0005 and 0007.

Arrays of such rows go to Postgres in its binary form, so nothing is written as text and parsed
again: this is on the path of every payment. One array per column would cost more, since the driver
looks at each of its elements whether it is an array too. Values that are objects go as JSON.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any

from gateway.domain.change import Event, ReviewCase
from gateway.domain.channel import Attempt
from gateway.domain.fees import FeeTerms
from gateway.domain.idempotency import Claim
from gateway.domain.ledger import Entry
from gateway.domain.operation import Operation
from gateway.domain.payment import Failure, NextAction, Payer, Payment
from gateway.domain.wallet import WalletRef
from gateway.store.commit.ground import Holding
from gateway.store.rows import dump

Tuple = tuple[Any, ...]

FEE_TERMS_REMEMBERED = 1_000
"""Different terms that are kept as they were written."""


def claim(item: Claim) -> Tuple:
    """Write a claim."""
    return (
        item.owner_id,
        item.idempotency_key,
        item.kind,
        item.fingerprint,
        item.fingerprint_version,
        item.object_id,
        item.refusal,
        item.refusal_message,
        item.caller_id,
        item.create_time,
    )


def payment(item: Payment) -> Tuple:
    """Write a payment."""
    return (
        item.merchant_id,
        item.payment_id,
        item.idempotency_key,
        item.order_id,
        item.amount.currency,
        item.amount.minor_units,
        item.method.channel,
        _object(item.method.details),
        item.capture_mode,
        _payer(item.payer),
        item.scene,
        item.description,
        _object(item.attributes),
        item.one_per_order,
        _fee_terms(item.fee_terms),
        item.caller_id,
        item.purpose,
        item.create_time,
        item.expire_time,
        item.state,
        item.captured,
        item.refunded,
        item.fee_millionths,
        item.fee_returned_millionths,
        item.attempt_number,
        item.channel_number,
        _next_action(item.next_action),
        _failure(item.failure),
        item.authorize_time,
        item.capture_time,
        item.capture_before_time,
        item.update_time,
        item.version,
    )


def operation(item: Operation) -> Tuple:
    """Write an operation."""
    return (
        item.merchant_id,
        item.operation_id,
        item.payment_id,
        item.kind,
        item.idempotency_key,
        item.amount.currency,
        item.amount.minor_units,
        item.final,
        item.advanced,
        item.description,
        item.caller_id,
        item.create_time,
        item.state,
        _failure(item.failure),
        item.attempt_number,
        item.channel_number,
        item.under_review,
        item.update_time,
    )


def attempt(item: Attempt, before: Attempt | None, now: datetime) -> Tuple:
    """Write an attempt as of `now`. When it is due goes as the span from then on.

    So it holds by the database's clock; a time that is kept was made by that clock already.
    """
    kept = before is not None and before.due_time == item.due_time
    due_in: timedelta | None = None
    if item.due_time is not None and not kept:
        due_in = item.due_time - now
    return (
        item.merchant_id,
        item.attempt_id,
        item.payment_id,
        item.operation_id,
        item.kind,
        item.channel,
        item.number,
        item.charge_number,
        item.money.currency,
        item.money.minor_units,
        item.create_time,
        item.state,
        item.due_time if kept else None,
        due_in,
        item.tries,
        item.not_found_count,
        item.fenced,
        item.evidence,
        item.funding_source,
    )


def event(item: Event) -> Tuple:
    """Write an event: what readers of the feed see, and the digest of the whole."""
    after = item.payment
    return (
        after.merchant_id,
        item.event_id,
        after.payment_id,
        item.operation_id,
        after.order_id,
        item.type,
        after.state,
        after.amount.currency,
        after.amount.minor_units,
        after.captured,
        after.refunded,
        after.version,
        item.digest,
        item.digest_version,
        item.create_time,
    )


def transfers(entry: Entry) -> Iterable[Tuple]:
    """Write an entry: one row per transfer."""
    for position, item in enumerate(entry.transfers):
        debit, credit = item.debit, item.credit
        yield (
            entry.owner_id,
            entry.entry_id,
            position,
            entry.event,
            entry.payment_id,
            entry.operation_id,
            debit.book,
            debit.code,
            debit.key,
            credit.code,
            credit.key,
            entry.currency,
            item.amount,
            entry.create_time,
        )


def review(item: ReviewCase) -> Tuple:
    """Write a review case."""
    return (
        item.owner_id,
        item.case_id,
        item.kind,
        item.subject,
        item.detail,
        item.payment_id,
        item.attempt_id,
        item.create_time,
        item.resolve_time,
        item.resolution,
        item.note,
    )


def wallet(ref: WalletRef, holding: Holding, before: Holding, now: datetime) -> Tuple:
    """Write what a wallet holds, and held before; it is moved by the difference."""
    return (*ref, *holding, *before, now)


@lru_cache(maxsize=FEE_TERMS_REMEMBERED)
def _fee_terms(item: FeeTerms | None) -> str | None:
    """Write terms; merchants have few, and every payment of theirs freezes them."""
    return dump(asdict(item)) if item else None


def _object(value: Mapping[str, Any]) -> str:
    return dump(dict(value)) if value else "{}"


def _payer(item: Payer) -> str:
    """Write who pays by hand: an encoder that is made for each of them takes four times as long."""
    return (
        f'{{"payer_id":{quoted(item.payer_id)},"device_id":{quoted(item.device_id)},'
        f'"ip_address":{quoted(item.ip_address)},"region":{quoted(item.region)}}}'
    )


def _failure(item: Failure | None) -> str | None:
    return dump(asdict(item)) if item else None


def _next_action(item: NextAction | None) -> str | None:
    return dump(asdict(item)) if item else None
