"""From a merchant to its message."""

from gateway.domain.fees import FeeSchedule
from gateway.domain.merchant import Merchant, PaymentLimit
from gateway.rpc.enums import ORDER_POLICY, REFUND_POLICY
from gateway.rpc.values import to_timestamp
from paymentgateway.v1 import merchant_pb2


def merchant(source: Merchant) -> merchant_pb2.Merchant:
    """Write a merchant."""
    return merchant_pb2.Merchant(
        merchant_id=source.merchant_id,
        display_name=source.display_name,
        disabled=source.disabled,
        currency_codes=source.currencies,
        channels=source.channels,
        fee_schedules=map(_fee_schedule, source.fee_schedules),
        payment_limits=map(_payment_limit, source.payment_limits),
        order_policy=ORDER_POLICY[source.order_policy],
        refund_policy=REFUND_POLICY[source.refund_policy],
        version=source.version,
        create_time=to_timestamp(source.create_time),
        update_time=to_timestamp(source.update_time),
    )


def _fee_schedule(source: FeeSchedule) -> merchant_pb2.FeeSchedule:
    return merchant_pb2.FeeSchedule(
        channel=source.channel,
        currency_code=source.currency,
        effective_time=to_timestamp(source.effective_time),
        amount_from_minor_units=source.amount_from,
        amount_to_minor_units=source.amount_to,
        rate_millionths=source.terms.rate_millionths,
        fixed_minor_units=source.terms.fixed,
        minimum_minor_units=source.terms.minimum,
        maximum_minor_units=source.terms.maximum,
        returned_on_refund=source.terms.returned_on_refund,
    )


def _payment_limit(source: PaymentLimit) -> merchant_pb2.PaymentLimit:
    return merchant_pb2.PaymentLimit(
        currency_code=source.currency,
        minimum_minor_units=source.minimum,
        maximum_minor_units=source.maximum,
    )
