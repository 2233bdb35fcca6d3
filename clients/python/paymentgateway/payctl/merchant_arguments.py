"""What can be typed about merchants.

Fees and limits have many fields, so they are typed as the messages of the contract are written:
field=value, separated by commas.
"""

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Final

from paymentgateway.payctl import merchants, options
from paymentgateway.payctl.parsing import fields_help, message
from paymentgateway.v1.merchant_pb2 import FeeSchedule, OrderPolicy, PaymentLimit, RefundPolicy

if TYPE_CHECKING:
    from paymentgateway.payctl.options import Verbs

EPILOG: Final = f"""\
--fee FIELD=VALUE,FIELD=VALUE is one fee schedule; may be repeated. Without effective_time it holds
from the beginning of time. For 0.6 %:

    --fee channel=sandbox,currency_code=CNY,rate_millionths=6000

{fields_help(FeeSchedule)}

--payment-limit is one limit per payment; may be repeated. For at most 5,000 yuan:

    --payment-limit currency_code=CNY,maximum_minor_units=500000

{fields_help(PaymentLimit)}
"""


def add_merchant_commands(verbs: "Verbs") -> None:
    """Add create, get, update and list."""
    create = options.command(verbs, "create", merchants.create, "create a merchant", EPILOG)
    _content(create, required=True)
    get = options.command(verbs, "get", merchants.get, "show a merchant")
    get.add_argument("merchant", metavar="MERCHANT_ID")
    summary = "change what is named, and nothing else; a list that is named is replaced"
    update = options.command(verbs, "update", merchants.update, summary, EPILOG)
    _content(update, required=False)
    listed = options.command(verbs, "list", merchants.list_merchants, "list merchants by id")
    listed.add_argument("--prefix", default="", metavar="TEXT", help="ids that begin with this")
    options.limit(listed)


def _content(verb: ArgumentParser, *, required: bool) -> None:
    add = verb.add_argument
    add("merchant", metavar="MERCHANT_ID", help="chosen by you: a-z, 0-9, _ and -")
    add("--name", dest="display_name", required=required, metavar="TEXT", help="name for people")
    for name, dest, metavar in (
        ("--currency", "currency_codes", "CODE"),
        ("--channel", "channels", "NAME"),
    ):
        again = "may be repeated"
        add(name, dest=dest, required=required, action="append", metavar=metavar, help=again)
    below = "may be repeated; see below"
    add("--fee", dest="fee_schedules", type=_fee, action="append", metavar="FIELDS", help=below)
    limits = "payment_limits"
    add("--payment-limit", dest=limits, type=_limit, action="append", metavar="FIELDS", help=below)
    orders, refunds = OrderPolicy.DESCRIPTOR, RefundPolicy.DESCRIPTOR
    default = "many_payments" if required else None
    options.choice(verb, "--order-policy", orders, default, "payments per order")
    default = "refuse" if required else None
    options.choice(verb, "--refund-policy", refunds, default, "refund without balance")
    disable, enable = "take no new payments", "take payments"
    add("--disable", dest="disabled", action="store_const", const=True, help=disable)
    add("--enable", dest="disabled", action="store_const", const=False, help=enable)


def _fee(text: str) -> FeeSchedule:
    schedule = message(FeeSchedule, text)
    schedule.effective_time.SetInParent()  # required; its zero is 1970
    return schedule


def _limit(text: str) -> PaymentLimit:
    return message(PaymentLimit, text)
