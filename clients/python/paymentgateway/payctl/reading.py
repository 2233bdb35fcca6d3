"""The commands that only look: get, list, watch, and what the ledger shows."""

import asyncio
import shlex
import sys
from argparse import Namespace
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Final, TypeVar

from google.protobuf.message import Message

from paymentgateway.client import GatewayClient
from paymentgateway.payctl import views
from paymentgateway.payctl.output import Printer
from paymentgateway.v1.ledger_pb2 import Entry

OK: Final = 0
UNBALANCED: Final = 1

PAGE_SIZE_MAX: Final = 500
"""Largest page that the gateway gives."""

MessageT = TypeVar("MessageT", bound=Message)


async def get(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Show one payment."""
    payment = await client.get_payment(
        merchant_id=arguments.merchant,
        payment_id=arguments.payment,
        idempotency_key=arguments.key,
    )
    printer.fields(payment, views.payment_fields(payment))
    return OK


async def get_refund(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Show one refund."""
    refund = await client.get_refund(
        merchant_id=arguments.merchant, refund_id=arguments.refund, idempotency_key=arguments.key
    )
    printer.fields(refund, views.refund_fields(refund))
    return OK


async def list_payments(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """List payments, newest first."""
    payments = client.list_payments(
        merchant_id=arguments.merchant,
        order_id=arguments.order,
        state=arguments.state,
        channel=arguments.channel,
        create_time_from=arguments.since,
        create_time_to=arguments.until,
        page_size=min(arguments.limit, PAGE_SIZE_MAX),
    )
    found = await first(payments, arguments.limit)
    show(printer, found, views.PAYMENT_HEADER, views.payment_row)
    return OK


async def list_refunds(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """List refunds, newest first."""
    refunds = client.list_refunds(
        merchant_id=arguments.merchant,
        payment_id=arguments.payment,
        state=arguments.state,
        create_time_from=arguments.since,
        create_time_to=arguments.until,
        page_size=min(arguments.limit, PAGE_SIZE_MAX),
    )
    found = await first(refunds, arguments.limit)
    show(printer, found, views.REFUND_HEADER, views.refund_row)
    return OK


async def watch(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Follow the changes of a merchant's payments until Ctrl-C, which is how a watch ends."""
    cursor = arguments.cursor
    messages = client.watch_payments(merchant_id=arguments.merchant, cursor=cursor, heartbeats=True)
    try:
        async with aclosing(messages):
            async for message in messages:
                cursor = message.cursor
                if not message.HasField("event"):
                    continue
                if printer.as_json:
                    printer.json(message)
                else:
                    printer.text(views.event_line(message.event))
    except asyncio.CancelledError:
        pass
    finally:
        if cursor:
            go_on = f"go on with --cursor {shlex.quote(cursor)}"
            print(f"cursor: {go_on}", file=sys.stderr, flush=True)
    return OK


async def accounts(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Show a merchant's accounts."""
    found = await client.list_accounts(arguments.merchant)
    show(printer, found, views.ACCOUNT_HEADER, views.account_row)
    return OK


async def entries(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Show what was booked for one payment, a line for each transfer."""
    found = await client.list_entries(merchant_id=arguments.merchant, payment_id=arguments.payment)
    show_entries(printer, found)
    return OK


async def trial_balance(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Add up all accounts, or those that one merchant's events touched."""
    answer = await client.trial_balance(arguments.merchant)
    if printer.as_json:
        printer.json(answer)
    else:
        rows = [views.account_row(account) for account in answer.accounts]
        printer.table(views.ACCOUNT_HEADER, rows)
        printer.text("balanced: " + ("yes" if answer.balanced else "NO"))
    return OK if answer.balanced else UNBALANCED


def show_entries(printer: Printer, found: Sequence[Entry]) -> None:
    """Print entries as a table of their transfers, or as a line of JSON each."""
    if printer.as_json:
        for entry in found:
            printer.json(entry)
        return
    rows = [row for entry in found for row in views.transfer_rows(entry)]
    printer.table(views.TRANSFER_HEADER, rows)


async def first(messages: AsyncGenerator[MessageT], count: int) -> list[MessageT]:
    """Read at most `count` messages, and no page more than that takes."""
    found: list[MessageT] = []
    async with aclosing(messages):
        async for message in messages:
            found.append(message)
            if len(found) == count:
                break
    return found


def show(
    printer: Printer,
    found: Sequence[MessageT],
    header: Sequence[str],
    row: Callable[[MessageT], Sequence[str]],
) -> None:
    """Print messages as a table, or as a line of JSON each."""
    if not printer.as_json:
        printer.table(header, [row(message) for message in found])
        return
    for message in found:
        printer.json(message)
