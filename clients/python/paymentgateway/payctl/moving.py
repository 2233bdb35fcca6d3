"""The commands that move money of a merchant: pay, capture, cancel, refund."""

from argparse import Namespace

from paymentgateway.client import GatewayClient
from paymentgateway.payctl import views
from paymentgateway.payctl.intents import (
    OK,
    UNSUCCESSFUL,
    amount_of,
    ended,
    method_of,
    replayed_field,
    settled_key,
)
from paymentgateway.payctl.output import Printer
from paymentgateway.payctl.parsing import BadInput
from paymentgateway.v1 import refund_pb2
from paymentgateway.v1.money_pb2 import Money


async def pay(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Take money from a payer."""
    amount, method = amount_of(arguments), method_of(arguments)
    answer = await client.pay(
        merchant_id=arguments.merchant,
        idempotency_key=settled_key(arguments),
        order_id=arguments.order,
        amount=amount,
        payment_method=method,
        payer=arguments.payer,
        scene=arguments.scene,
        capture_mode=arguments.capture,
        description=arguments.description,
        attributes=dict(arguments.attribute),
        expire_time=arguments.expire,
    )
    fields = [*views.payment_fields(answer.payment), replayed_field(replayed=answer.replayed)]
    printer.fields(answer, fields)
    return ended(answer.payment.state)


async def capture(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Take authorised money."""
    amount = _optional_amount(arguments)
    answer = await client.capture(
        merchant_id=arguments.merchant,
        idempotency_key=settled_key(arguments),
        payment_id=arguments.payment,
        amount=amount,
        final=arguments.final,
    )
    own, whole = views.capture_fields(answer.capture), views.payment_fields(answer.payment)
    printer.fields(answer, [*own, *whole, replayed_field(replayed=answer.replayed)])
    return _ended(answer.capture.state)


async def cancel(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """End a payment before money is taken."""
    answer = await client.cancel(
        merchant_id=arguments.merchant,
        idempotency_key=settled_key(arguments),
        payment_id=arguments.payment,
    )
    own = [
        ("cancel state", views.operation_state(answer.state)),
        ("cancel failure", views.failure_text(answer.failure)),
    ]
    whole = views.payment_fields(answer.payment)
    printer.fields(answer, [*own, *whole, replayed_field(replayed=answer.replayed)])
    return _ended(answer.state)


async def refund(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Give captured money back."""
    amount = _optional_amount(arguments)
    answer = await client.refund(
        merchant_id=arguments.merchant,
        idempotency_key=settled_key(arguments),
        payment_id=arguments.payment,
        amount=amount,
        description=arguments.description,
    )
    fields = [*views.refund_fields(answer.refund), replayed_field(replayed=answer.replayed)]
    printer.fields(answer, fields)
    return _ended(answer.refund.state)


def _optional_amount(arguments: Namespace) -> Money | None:
    if arguments.amount is None:
        return None
    if arguments.currency is None:
        raise BadInput(f"an amount needs its currency, for example: {arguments.amount} CNY.")
    return amount_of(arguments)


def _ended(state: int) -> int:
    return UNSUCCESSFUL if state == refund_pb2.OPERATION_STATE_FAILED else OK
