"""From what use cases give to answers about refunds."""

from collections.abc import Iterable

from gateway.domain.channel import shown_number
from gateway.domain.ids import to_text
from gateway.domain.operation import Operation
from gateway.rpc.encode import put_failure
from gateway.rpc.enums import OPERATION_STATE
from gateway.rpc.values import put_moment, put_money
from gateway.usecases.commands import OperationAnswer
from paymentgateway.v1 import refund_pb2
from paymentgateway.v1.refund_service_pb2 import (
    GetRefundResponse,
    ListRefundsResponse,
    RefundResponse,
)


def refund(answer: OperationAnswer) -> RefundResponse:
    """Write the answer of Refund."""
    response = RefundResponse(replayed=answer.replayed)
    _put_refund(answer.operation, response.refund)
    return response


def get_refund(found: Operation) -> GetRefundResponse:
    """Write the answer of GetRefund."""
    response = GetRefundResponse()
    _put_refund(found, response.refund)
    return response


def list_refunds(shown: Iterable[Operation], next_page_token: str) -> ListRefundsResponse:
    """Write the answer of ListRefunds."""
    response = ListRefundsResponse(next_page_token=next_page_token)
    for item in shown:
        _put_refund(item, response.refunds.add())
    return response


def _put_refund(source: Operation, target: refund_pb2.Refund) -> None:
    target.merchant_id = source.merchant_id
    target.refund_id = to_text("ref", source.operation_id)
    target.idempotency_key = source.idempotency_key
    target.payment_id = to_text("pay", source.payment_id)
    put_money(source.amount.currency, source.amount.minor_units, target.amount)
    target.state = OPERATION_STATE[source.state]
    if source.failure is not None:
        put_failure(source.failure, target.failure)
    target.description = source.description
    target.attempt_number = source.attempt_number
    target.channel_number = shown_number(source.channel_number)
    target.under_review = source.under_review
    put_moment(source.create_time, target.create_time)
    put_moment(source.update_time, target.update_time)
