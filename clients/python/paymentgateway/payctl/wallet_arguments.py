"""What can be typed about payers' wallets. They belong to no merchant, so a payer comes first."""

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from paymentgateway.payctl import options, wallets
from paymentgateway.v1 import payment_pb2

if TYPE_CHECKING:
    from paymentgateway.payctl.options import Verbs


def add_wallet_commands(verbs: "Verbs") -> None:
    """Add open, show, top-up, withdraw and entries."""
    opened = options.command(verbs, "open", wallets.open_wallet, "open a wallet")
    _wallet(opened)
    shown = options.command(verbs, "show", wallets.show_wallet, "show what is in a wallet")
    _wallet(shown)
    summary = "take money from a payer into the wallet"
    top_up = options.command(verbs, "top-up", wallets.top_up, summary, options.SANDBOX_EPILOG)
    _moved(top_up)
    options.choice(top_up, "--scene", payment_pb2.Scene.DESCRIPTOR, "web", "where the payer stands")
    options.expire(top_up)
    summary = "pay money out of the wallet"
    withdraw = options.command(verbs, "withdraw", wallets.withdraw, summary, options.SANDBOX_EPILOG)
    _moved(withdraw)
    summary = "show what was booked on a wallet, newest first"
    entries = options.command(verbs, "entries", wallets.entries, summary)
    _wallet(entries)
    options.limit(entries)


def _wallet(verb: ArgumentParser) -> None:
    _payer(verb)
    verb.add_argument("currency", metavar="CURRENCY", help="such as CNY")


def _moved(verb: ArgumentParser) -> None:
    _payer(verb)
    verb.add_argument("amount", metavar="AMOUNT", help="such as 100.00")
    verb.add_argument("currency", metavar="CURRENCY", help="such as CNY")
    options.key(verb)
    verb.add_argument("--description", default="", metavar="TEXT", help="for people")
    options.method(verb)


def _payer(verb: ArgumentParser) -> None:
    verb.add_argument("payer", metavar="PAYER_ID", help="opaque id of the payer")
