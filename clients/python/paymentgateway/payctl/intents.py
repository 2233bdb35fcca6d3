"""What all commands that move money share: key, amount, method, and how an answer ends them.

Each settles its key before it sends anything: the key that was typed, or a new one that is shown
first, so that whoever loses the answer still holds the key.
"""

import shlex
import sys
from argparse import ArgumentTypeError, Namespace
from typing import Final

from paymentgateway.client import money, new_idempotency_key
from paymentgateway.payctl.parsing import BadInput, message, moment_text
from paymentgateway.v1 import payment_pb2
from paymentgateway.v1.money_pb2 import Money
from paymentgateway.v1.payment_pb2 import PaymentMethod, SandboxMethod, SandboxScript, WalletMethod

OK: Final = 0
UNSUCCESSFUL: Final = 1

_WITHOUT_MONEY: Final = (
    payment_pb2.PAYMENT_STATE_FAILED,
    payment_pb2.PAYMENT_STATE_CANCELED,
    payment_pb2.PAYMENT_STATE_EXPIRED,
)


def settled_key(arguments: Namespace) -> str:
    """Settle the key. Show how to repeat the command wherever what was typed does not say it."""
    expire, made = getattr(arguments, "expire", None), arguments.key is None
    # The key stands for the expiry too, so a repetition must name the same moment.
    expiry = "" if expire is None else f" --expire {moment_text(expire)}"
    if made:
        arguments.key = new_idempotency_key()
    if made or expiry:
        key = shlex.quote(arguments.key)
        repeat = f"send the same command with --key {key}{expiry} to repeat it safely"
        print(f"key: {key} - {repeat}", file=sys.stderr, flush=True)
    return str(arguments.key)


def amount_of(arguments: Namespace) -> Money:
    """Read the amount that was typed. Raises BadInput."""
    try:
        return money(arguments.amount, arguments.currency)
    except ValueError as error:
        raise BadInput(str(error)) from None


def method_of(arguments: Namespace) -> PaymentMethod:
    """Read how is paid: from the wallet where that was typed, else through the sandbox."""
    if getattr(arguments, "wallet", False):
        return PaymentMethod(wallet=WalletMethod())
    return PaymentMethod(sandbox=_sandbox(arguments.sandbox))


def _sandbox(scripts: list[str]) -> SandboxMethod:
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
    """Say whether an answer is that of an earlier call."""
    return ("replayed", "yes: the key was known, nothing was executed now" if replayed else "")


def ended(state: int) -> int:
    """Exit code for a payment, a top-up or a withdrawal that was answered in this state."""
    return UNSUCCESSFUL if state in _WITHOUT_MONEY else OK
