"""What can be typed: every command, its options, and the help that a person can live from.

Options that hold for every command may stand before the command or after it. Options are never
guessed from their first letters: with money a typing error must not find a meaning.
"""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from functools import cache
from typing import TYPE_CHECKING, Final

from paymentgateway.payctl import moving, options, reading
from paymentgateway.payctl.merchant_arguments import add_merchant_commands
from paymentgateway.payctl.parsing import label
from paymentgateway.payctl.wallet_arguments import add_wallet_commands
from paymentgateway.v1 import payment_pb2, refund_pb2

if TYPE_CHECKING:
    from paymentgateway.payctl.options import Verbs

EPILOG: Final = """\
examples:
  payctl merchant create m_demo --name "Demo shop" --currency CNY --channel sandbox
  payctl pay 12.50 CNY --merchant m_demo --order o-1
  payctl pay 12.50 CNY --merchant m_demo --order o-2 --capture manual --expire 15m
  payctl capture pay_... 10.00 CNY --final --merchant m_demo
  payctl refund pay_... 2.50 CNY --merchant m_demo
  payctl wallet open payer-1 CNY
  payctl wallet top-up payer-1 100.00 CNY
  payctl pay 2.00 CNY --wallet --payer payer-1 --merchant m_demo --order o-3
  payctl get --key KEY --merchant m_demo
  payctl list --merchant m_demo --state succeeded --json
  payctl watch --merchant m_demo

keys:
  A command that moves money has a key, and a key moves money at most once, for ever. Without --key
  payctl makes one and shows it on stderr before it sends. When no answer comes, send the same
  command again with that key, never with a new one.

exit codes:
  0  done; a payment may still be PROCESSING or wait for its payer
  1  answered without success: the payment, capture, cancel, refund, top-up or withdrawal FAILED,
     the payment or top-up was CANCELED or EXPIRED, or the trial balance does not balance
  2  wrong usage or bad input; nothing was kept
  3  refused: the state forbids it, not found, not allowed, exists already
  4  no answer: unavailable, overloaded, or the outcome is not known; send the same key again

output:
  Tables and times (UTC) are for people. With --json each message is one line of JSON with the field
  names of the contract; 64-bit numbers are text there, and amounts are in minor units.
"""


@cache
def parser() -> ArgumentParser:
    """Make the parser of the whole command line."""
    root = ArgumentParser(
        prog="payctl",
        description="Take, give back and look up payments at the payment gateway.",
        epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
        parents=[options.everywhere(defaults=True)],
    )
    verbs = root.add_subparsers(metavar="COMMAND", required=True, title="commands")
    _moving(verbs)
    _reading(verbs)
    _ledger(verbs)
    summary = "create, show, change or list merchants"
    merchant = verbs.add_parser("merchant", help=summary, allow_abbrev=False)
    add_merchant_commands(merchant.add_subparsers(metavar="COMMAND", required=True))
    summary = "open, show, fill or empty payers' wallets"
    wallet = verbs.add_parser("wallet", help=summary, allow_abbrev=False)
    add_wallet_commands(wallet.add_subparsers(metavar="COMMAND", required=True))
    return root


def _moving(verbs: "Verbs") -> None:
    summary = "take money from a payer"
    pay = options.command(verbs, "pay", moving.pay, summary, options.SANDBOX_EPILOG)
    pay.add_argument("amount", metavar="AMOUNT", help="such as 12.50")
    pay.add_argument("currency", metavar="CURRENCY", help="such as CNY")
    options.keyed(pay)
    _pay(pay)
    capture = options.command(verbs, "capture", moving.capture, "take authorised money")
    capture.add_argument("payment", metavar="PAYMENT_ID")
    options.amount(capture)
    capture.add_argument("--final", action="store_true", help="release the rest")
    options.keyed(capture)
    cancel = options.command(verbs, "cancel", moving.cancel, "end a payment before money is taken")
    cancel.add_argument("payment", metavar="PAYMENT_ID")
    options.keyed(cancel)
    refund = options.command(verbs, "refund", moving.refund, "give captured money back")
    refund.add_argument("payment", metavar="PAYMENT_ID")
    options.amount(refund)
    refund.add_argument("--description", default="", metavar="TEXT", help="for people")
    options.keyed(refund)


def _pay(pay: ArgumentParser) -> None:
    modes, scenes = payment_pb2.CaptureMode.DESCRIPTOR, payment_pb2.Scene.DESCRIPTOR
    add = pay.add_argument
    add("--order", required=True, metavar="ID", help="your own order number")
    add("--payer", default="payctl", metavar="ID", help="opaque id of the payer (default payctl)")
    options.choice(pay, "--capture", modes, "automatic", "when money is taken")
    options.choice(pay, "--scene", scenes, "web", "where the payer stands")
    add("--description", default="", metavar="TEXT", help="shown to the payer")
    repeated = "label of your own; may be repeated"
    add("--attribute", type=label, action="append", default=[], metavar="KEY=VALUE", help=repeated)
    options.expire(pay)
    options.method(pay, or_wallet=True)


def _reading(verbs: "Verbs") -> None:
    get = options.command(verbs, "get", reading.get, "show a payment, by id or by key")
    options.lookup(get, "payment")
    listed = options.command(verbs, "list", reading.list_payments, "list payments, newest first")
    options.merchant(listed)
    listed.add_argument("--order", default="", metavar="ID", help="of this order")
    options.state(listed, payment_pb2.PaymentState.DESCRIPTOR)
    listed.add_argument("--channel", default="", metavar="NAME", help="through this channel")
    options.created(listed)
    options.limit(listed)
    summary = "follow changes until Ctrl-C, one line each"
    watch = options.command(verbs, "watch", reading.watch, summary)
    options.merchant(watch)
    watch.add_argument("--cursor", default="", help="go on from here (default: from now on)")
    summary = "show a refund, by id or by key"
    options.lookup(options.command(verbs, "refund-get", reading.get_refund, summary), "refund")
    summary = "list refunds, newest first"
    refunds = options.command(verbs, "refunds", reading.list_refunds, summary)
    options.merchant(refunds)
    refunds.add_argument("--payment", default="", metavar="PAYMENT_ID", help="of this payment")
    options.state(refunds, refund_pb2.OperationState.DESCRIPTOR)
    options.created(refunds)
    options.limit(refunds)


def _ledger(verbs: "Verbs") -> None:
    summary = "show what was booked for a payment, its captures and refunds included"
    entries = options.command(verbs, "entries", reading.entries, summary)
    entries.add_argument("payment", metavar="PAYMENT_ID")
    options.merchant(entries)
    summary = "show a merchant's accounts with their balances"
    options.merchant(options.command(verbs, "accounts", reading.accounts, summary))
    summary = "add up all accounts, or those that one merchant's payments touched"
    balance = options.command(verbs, "trial-balance", reading.trial_balance, summary)
    balance.add_argument("--merchant", default="", metavar="ID", help="only this merchant's")
