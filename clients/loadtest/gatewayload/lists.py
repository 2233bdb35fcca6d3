"""All payments of a run as lists give them: merchant by merchant, five hundred a page."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from gatewayload.connection import Questions
from gatewayload.crowd import each
from gatewayload.deck import merchant_ids
from gatewayload.settings import Settings
from paymentgateway.v1 import payment_service_pb2
from paymentgateway.v1.payment_pb2 import Payment

PAGE_SIZE: Final = 500
"""Payments of one page of a list: the most that the contract gives."""

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far the gateway's clock may be ahead of or behind ours."""


async def each_listed(
    settings: Settings, questions: Questions, since: datetime, take: Callable[[Payment], None]
) -> None:
    """Give every payment of the run's merchants that was made since a moment of our clock.

    Raises GatewayError.
    """

    async def merchant(merchant_id: str) -> None:
        request = _request(merchant_id, since - CLOCK_SKEW)
        while True:
            page = await questions.ask(questions.payments.ListPayments, request)
            for payment in page.payments:
                take(payment)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    await each(merchant_ids(settings), merchant, settings.oracle.questions_max)


def _request(merchant_id: str, since: datetime) -> payment_service_pb2.ListPaymentsRequest:
    moment = Timestamp()
    moment.FromDatetime(since)
    return payment_service_pb2.ListPaymentsRequest(
        merchant_id=merchant_id, create_time_from=moment, page_size=PAGE_SIZE
    )
