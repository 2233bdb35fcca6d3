"""The commands about merchants.

An update reads the merchant, changes what was named, and sends all of it back under the version
that was read: two people who change it at once cannot overwrite each other unseen.
"""

from argparse import Namespace
from typing import Final

from paymentgateway.client import GatewayClient
from paymentgateway.payctl import views
from paymentgateway.payctl.output import Printer
from paymentgateway.payctl.reading import PAGE_SIZE_MAX, first, show
from paymentgateway.v1.merchant_pb2 import Merchant

OK: Final = 0


async def create(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Create a merchant."""
    merchant = Merchant(merchant_id=arguments.merchant)
    _change(merchant, arguments)
    created = await client.create_merchant(merchant)
    printer.fields(created, views.merchant_fields(created))
    return OK


async def get(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Show a merchant."""
    merchant = await client.get_merchant(arguments.merchant)
    printer.fields(merchant, views.merchant_fields(merchant))
    return OK


async def update(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """Change what was named of a merchant, and nothing else."""
    merchant = await client.get_merchant(arguments.merchant)
    _change(merchant, arguments)
    updated = await client.update_merchant(merchant)
    printer.fields(updated, views.merchant_fields(updated))
    return OK


async def list_merchants(client: GatewayClient, arguments: Namespace, printer: Printer) -> int:
    """List merchants by id."""
    merchants = client.list_merchants(
        id_prefix=arguments.prefix, page_size=min(arguments.limit, PAGE_SIZE_MAX)
    )
    found = await first(merchants, arguments.limit)
    show(printer, found, views.MERCHANT_HEADER, views.merchant_row)
    return OK


def _change(merchant: Merchant, arguments: Namespace) -> None:
    """Set what was typed; a list that was typed replaces the whole list."""
    for name in ("display_name", "disabled", "order_policy", "refund_policy"):
        value = getattr(arguments, name)
        if value is not None:
            setattr(merchant, name, value)
    for name in ("currency_codes", "channels", "fee_schedules", "payment_limits"):
        values = getattr(arguments, name)
        if values is not None:
            field = getattr(merchant, name)
            del field[:]
            field.extend(values)
