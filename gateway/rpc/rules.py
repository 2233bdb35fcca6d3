"""Rules of shape that the protos cannot say and the bytes alone decide, per request.

Each yields the full path of a violated field and the rule. They run beside the rules in the protos,
so that one answer names everything that is wrong; so they also meet requests that are wrong
otherwise, and must not trip over them.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.rpc.call import Violation
from paymentgateway.v1.merchant_pb2 import FeeSchedule, Merchant
from paymentgateway.v1.merchant_service_pb2 import CreateMerchantRequest, UpdateMerchantRequest
from paymentgateway.v1.payment_service_pb2 import (
    ListPaymentsRequest,
    PayRequest,
)
from paymentgateway.v1.refund_service_pb2 import ListRefundsRequest
from paymentgateway.v1.wallet_service_pb2 import TopUpRequest

NANOS_MAX: Final = 999_999_999

Violations = Iterator[Violation]


def pay(request: PayRequest) -> Iterable[Violation]:
    """Check what a payment says about time."""
    return _moment("expire_time", request.expire_time) if request.HasField("expire_time") else ()


def top_up(request: TopUpRequest) -> Iterable[Violation]:
    """Check what a top-up says about time."""
    return _moment("expire_time", request.expire_time) if request.HasField("expire_time") else ()


def list_payments(request: ListPaymentsRequest) -> Violations:
    """Check the span of time."""
    yield from _span(request)


def list_refunds(request: ListRefundsRequest) -> Violations:
    """Check the span of time."""
    yield from _span(request)


def create_merchant(request: CreateMerchantRequest) -> Violations:
    """Check a merchant, and that what only the gateway gives is unset."""
    if not request.HasField("merchant"):
        return
    yield from _merchant(request)
    if request.merchant.version:
        yield "merchant.version", "is output only: leave it unset"
    for field in ("create_time", "update_time"):
        if request.merchant.HasField(field):
            yield f"merchant.{field}", "is output only: leave it unset"


def update_merchant(request: UpdateMerchantRequest) -> Violations:
    """Check a merchant, and that it has the version that was read."""
    if not request.HasField("merchant"):
        return
    yield from _merchant(request)
    if request.merchant.version < 1:
        yield "merchant.version", "must be the version that was read, at least 1"


def _merchant(request: CreateMerchantRequest | UpdateMerchantRequest) -> Violations:
    merchant = request.merchant
    if merchant.merchant_id != request.merchant_id:
        yield "merchant.merchant_id", "must be equal to merchant_id"
    for at, schedule in enumerate(merchant.fee_schedules):
        for field, rule in _fee_schedule(schedule, merchant):
            yield f"merchant.fee_schedules[{at}].{field}", rule
    yield from _payment_limits(merchant)


def _fee_schedule(schedule: FeeSchedule, merchant: Merchant) -> Violations:
    if schedule.channel not in merchant.channels:
        yield "channel", "must be one of the merchant's channels"
    if schedule.currency_code not in merchant.currency_codes:
        yield "currency_code", "must be one of the merchant's currency_codes"
    yield from _moment("effective_time", schedule.effective_time)
    if 0 < schedule.amount_to_minor_units <= schedule.amount_from_minor_units:
        yield "amount_to_minor_units", "must be above amount_from_minor_units, or 0"
    if 0 < schedule.maximum_minor_units < schedule.minimum_minor_units:
        yield "maximum_minor_units", "must not be below minimum_minor_units, unless 0"


def _payment_limits(merchant: Merchant) -> Violations:
    seen: set[str] = set()
    for at, limit in enumerate(merchant.payment_limits):
        path = f"merchant.payment_limits[{at}]"
        if limit.currency_code in seen:
            yield f"{path}.currency_code", "must not have another limit"
        elif limit.currency_code not in merchant.currency_codes:
            yield f"{path}.currency_code", "must be one of the merchant's currency_codes"
        seen.add(limit.currency_code)
        if 0 < limit.maximum_minor_units < limit.minimum_minor_units:
            yield f"{path}.maximum_minor_units", "must not be below minimum_minor_units, unless 0"


def _span(request: ListPaymentsRequest | ListRefundsRequest) -> Violations:
    begin, end = request.create_time_from, request.create_time_to
    yield from _moment("create_time_from", begin)
    yield from _moment("create_time_to", end)
    both = request.HasField("create_time_from") and request.HasField("create_time_to")
    if both and (begin.seconds, begin.nanos) > (end.seconds, end.nanos):
        yield "create_time_to", "must not be before create_time_from"


def _moment(path: str, moment: Timestamp) -> Violations:
    if not 0 <= moment.nanos <= NANOS_MAX:
        yield path, f"nanos must be 0 to {NANOS_MAX}"
