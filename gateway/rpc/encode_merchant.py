"""From merchants to answers about them."""

from collections.abc import Iterable

from gateway.domain.fees import FeeSchedule
from gateway.domain.merchant import Merchant
from gateway.rpc.enums import ORDER_POLICY, REFUND_POLICY
from gateway.rpc.values import put_moment
from paymentgateway.v1 import merchant_pb2
from paymentgateway.v1.merchant_service_pb2 import (
    CreateMerchantResponse,
    GetMerchantResponse,
    ListMerchantsResponse,
    UpdateMerchantResponse,
)


def create_merchant(made: Merchant) -> CreateMerchantResponse:
    """Write the answer of CreateMerchant."""
    response = CreateMerchantResponse()
    _put_merchant(made, response.merchant)
    return response


def get_merchant(found: Merchant) -> GetMerchantResponse:
    """Write the answer of GetMerchant."""
    response = GetMerchantResponse()
    _put_merchant(found, response.merchant)
    return response


def update_merchant(changed: Merchant) -> UpdateMerchantResponse:
    """Write the answer of UpdateMerchant."""
    response = UpdateMerchantResponse()
    _put_merchant(changed, response.merchant)
    return response


def list_merchants(shown: Iterable[Merchant], next_page_token: str) -> ListMerchantsResponse:
    """Write the answer of ListMerchants."""
    response = ListMerchantsResponse(next_page_token=next_page_token)
    for item in shown:
        _put_merchant(item, response.merchants.add())
    return response


def _put_merchant(source: Merchant, target: merchant_pb2.Merchant) -> None:
    target.merchant_id = source.merchant_id
    target.display_name = source.display_name
    target.disabled = source.disabled
    target.currency_codes.extend(source.currencies)
    target.channels.extend(source.channels)
    for schedule in source.fee_schedules:
        _put_fee_schedule(schedule, target.fee_schedules.add())
    for limit in source.payment_limits:
        target.payment_limits.add(
            currency_code=limit.currency,
            minimum_minor_units=limit.minimum,
            maximum_minor_units=limit.maximum,
        )
    target.order_policy = ORDER_POLICY[source.order_policy]
    target.refund_policy = REFUND_POLICY[source.refund_policy]
    target.version = source.version
    put_moment(source.create_time, target.create_time)
    put_moment(source.update_time, target.update_time)


def _put_fee_schedule(source: FeeSchedule, target: merchant_pb2.FeeSchedule) -> None:
    target.channel = source.channel
    target.currency_code = source.currency
    put_moment(source.effective_time, target.effective_time)
    target.amount_from_minor_units = source.amount_from
    target.amount_to_minor_units = source.amount_to
    target.rate_millionths = source.terms.rate_millionths
    target.fixed_minor_units = source.terms.fixed
    target.minimum_minor_units = source.terms.minimum
    target.maximum_minor_units = source.terms.maximum
    target.returned_on_refund = source.terms.returned_on_refund
