"""What a merchant and a channel are set up for: refused early, with the key left free.

Nothing of it was decided about the payment: it is how this gateway is set up today, so the same key
may be sent again, with other fields too.
"""

from collections.abc import Iterator, Mapping
from itertools import chain

from gateway.domain.channel import Capabilities
from gateway.domain.errors import Reason, Refused
from gateway.domain.merchant import Merchant
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, PaymentMethod
from gateway.domain.ports import Channel
from gateway.usecases.commands import PayCommand

Objections = Iterator[tuple[Reason, str]]
"""Why a channel cannot do something: the reason, and a sentence that says what it can."""


def check_merchant(command: PayCommand, merchant: Merchant) -> None:
    """Raise Refused unless the merchant takes this currency through this channel."""
    if merchant.disabled:
        words = "The merchant takes no new payments."
        raise Refused(Reason.MERCHANT_DISABLED, words)
    if command.amount.currency not in merchant.currencies:
        words = f"The merchant is not set up for {command.amount.currency}."
        raise Refused(Reason.CURRENCY_NOT_ENABLED, words)
    if command.method.channel not in merchant.channels:
        words = f"The channel {command.method.channel} is not set up for this merchant."
        raise Refused(Reason.CHANNEL_NOT_ENABLED, words)


def enabled_channel(
    channels: Mapping[str, Channel],
    method: PaymentMethod,
    amount: Money,
    mode: CaptureMode = CaptureMode.AUTOMATIC,
) -> Channel:
    """Give the channel that is to be asked for an amount. Raises Refused where it cannot do it."""
    channel = channels.get(method.channel)
    if channel is None:
        words = f"The channel {method.channel} is not set up here."
        raise Refused(Reason.CHANNEL_NOT_ENABLED, words)
    can = channel.capabilities
    for reason, words in chain(_of_amount(can, amount), _of_method(can, method, mode)):
        raise Refused(reason, words)
    return channel


def _of_amount(can: Capabilities, amount: Money) -> Objections:
    if amount.currency not in can.currencies:
        words = f"The channel {can.channel} does not take {amount.currency}."
        yield Reason.CURRENCY_NOT_ENABLED, words
    if not can.amount_min <= amount.minor_units <= can.amount_max:
        bounds = f"{can.amount_min} to {can.amount_max} minor units"
        yield Reason.AMOUNT_NOT_ENABLED, f"The channel {can.channel} takes {bounds} at once."


def _of_method(can: Capabilities, method: PaymentMethod, mode: CaptureMode) -> Objections:
    named = [name for name in can.methods if method.details.get(name) is not None]
    if can.methods and len(named) != 1:
        offered = ", ".join(can.methods)
        words = f"The channel {can.channel} is set up here for one of: {offered}."
        yield Reason.METHOD_NOT_ENABLED, words
    manual = mode is CaptureMode.MANUAL
    if manual and not can.manual_capture:
        words = f"The channel {can.channel} has no manual capture."
        yield Reason.CAPTURE_MODE_NOT_ENABLED, words
    if can.manual_methods is not None and manual is not can.manual_methods.issuperset(named):
        words = f"The channel {can.channel} has no {mode.lower()} capture for {named[0]}."
        yield Reason.CAPTURE_MODE_NOT_ENABLED, words
