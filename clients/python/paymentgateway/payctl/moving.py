"""The commands that move money: pay, capture, cancel, refund.

Each settles its key before it sends anything: the key that was typed, or a new one that is shown
first, so that whoever loses the answer still holds the key.
"""

import shlex
import sys
from argparse import ArgumentTypeError, Namespace
from typing import Final

from paymentgateway.client import GatewayClient, money, new_idempotency_key
from paymentgateway.payctl import views
from paymentgateway.payctl.output import Printer
from paymentgateway.payctl.parsing import BadInput, message, moment_text
from paymentgateway.v1 import payment_pb2, refund_pb2
from paymentgateway.v1.money_pb2 import Money
from paymentgateway.v1.payment_pb2 import PaymentMethod, SandboxMethod, SandboxScript

OK: Final = 0
UNSUCCESSFUL: Final = 1

WITHOUT_MONEY: Final = (
    payment_pb2.PAYMENT_STATE_FAILED,
    payment_pb2.PAYMENT_STATE_CANCELED,
    payment_pb2.PAYMENT_STATE_EXPIRED,
)


async def pay(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Take money from a payer."""
    amount = amount_of(arguments)
    method = PaymentMethod(sandbox=sandbox_method(arguments.sandbox))
    # The key stands for the expiry too, so a repetition must name the same moment.
    expiry = "" if arguments.expire is None else f" --expire {moment_text(arguments.expire)}"
    answer = await client.pay(
        merchant_id=arguments.merchant,
        idempotency_key=settled_key(arguments, expiry),
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
    return UNSUCCESSFUL if answer.payment.state in WITHOUT_MONEY else OK


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


def settled_key(arguments: Namespace, expiry: str = "") -> str:
    """Settle the key. Show how to repeat the command wherever what was typed does not say it."""
    made = arguments.key is None
    if made:
        arguments.key = new_idempotency_key()
    if made or expiry:
        key = shlex.quote(arguments.key)
        repeat = f"send the same command with --key {key}{expiry} to repeat it safely"
        print(f"key: {key} - {repeat}", file=sys.stderr, flush=True)
    return str(arguments.key)


def amount_of(arguments: Namespace) -> Money:
    try:
        return money(arguments.amount, arguments.currency)
    except ValueError as error:
        raise BadInput(str(error)) from None


def _optional_amount(arguments: Namespace) -> Money | None:
    if arguments.amount is None:
        return None
    if arguments.currency is None:
        raise BadInput(f"an amount needs its currency, for example: {arguments.amount} CNY.")
    return amount_of(arguments)


def sandbox_method(scripts: list[str]) -> SandboxMethod:
    """Read `outcome=decline` or `refund:fault=drop-reply`; without a word in front, the charge."""
    method, seen = SandboxMethod(), set()
    for text in scripts:
        name, colon, fields = text.rpartition(":")
        name = name if colon else "charge"
        if name not in SandboxMethod.DESCRIPTOR.fields_by_name or name in seen:
            known = ", ".join(SandboxMethod.DESCRIPTOR.fields_by_name)
            raise BadInput(f"--sandbox {text}: give each of {known} at most once.")
        seen.add(name)
        try:
            getattr(method, name).CopyFrom(message(SandboxScript, fields))
        except ArgumentTypeError as error:
            raise BadInput(f"--sandbox {text}: {error}") from None
    return method


def replayed_field(*, replayed: bool) -> tuple[str, str]:
    return ("replayed", "yes: the key was known, nothing was executed now" if replayed else "")


def _ended(state: int) -> int:
    return UNSUCCESSFUL if state == refund_pb2.OPERATION_STATE_FAILED else OK
