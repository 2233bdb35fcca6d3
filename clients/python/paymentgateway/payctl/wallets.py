"""The commands about payers' wallets."""

from argparse import Namespace

from paymentgateway.client import GatewayClient
from paymentgateway.payctl import wallet_views
from paymentgateway.payctl.intents import (
    OK,
    amount_of,
    ended,
    method_of,
    replayed_field,
    settled_key,
)
from paymentgateway.payctl.output import Printer
from paymentgateway.payctl.reading import PAGE_SIZE_MAX, first, show_entries


async def open_wallet(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Open a wallet."""
    wallet = await client.open_wallet(payer_id=arguments.payer, currency_code=arguments.currency)
    printer.fields(wallet, wallet_views.wallet_fields(wallet))
    return OK


async def show_wallet(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Show a wallet."""
    wallet = await client.get_wallet(payer_id=arguments.payer, currency_code=arguments.currency)
    printer.fields(wallet, wallet_views.wallet_fields(wallet))
    return OK


async def top_up(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Take money from a payer into his wallet."""
    amount, method = amount_of(arguments), method_of(arguments)
    answer = await client.top_up(
        payer=arguments.payer,
        idempotency_key=settled_key(arguments),
        amount=amount,
        payment_method=method,
        scene=arguments.scene,
        description=arguments.description,
        expire_time=arguments.expire,
    )
    fields = wallet_views.top_up_fields(answer.top_up)
    printer.fields(answer, [*fields, replayed_field(replayed=answer.replayed)])
    return ended(answer.top_up.state)


async def withdraw(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Pay money out of a payer's wallet."""
    amount, method = amount_of(arguments), method_of(arguments)
    answer = await client.withdraw(
        payer_id=arguments.payer,
        idempotency_key=settled_key(arguments),
        amount=amount,
        payment_method=method,
        description=arguments.description,
    )
    fields = wallet_views.withdrawal_fields(answer.withdrawal)
    printer.fields(answer, [*fields, replayed_field(replayed=answer.replayed)])
    return ended(answer.withdrawal.state)


async def entries(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Show what was booked on a wallet, newest first, a line for each transfer."""
    booked = client.list_wallet_entries(
        payer_id=arguments.payer,
        currency_code=arguments.currency,
        page_size=min(arguments.limit, PAGE_SIZE_MAX),
    )
    show_entries(printer, await first(booked, arguments.limit))
    return OK
