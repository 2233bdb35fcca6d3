"""What a merchant and a channel are set up for: refused early, with the key left free."""

from collections.abc import Mapping

from gateway.domain.errors import Reason, Refused
from gateway.domain.merchant import Merchant
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode
from gateway.domain.ports import Channel
from gateway.usecases.commands import PayCommand


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
    name: str,
    amount: Money,
    mode: CaptureMode = CaptureMode.AUTOMATIC,
) -> Channel:
    """Give the channel that is to be asked for an amount. Raises Refused where it cannot do it."""
    channel = channels.get(name)
    if channel is None:
        raise Refused(Reason.CHANNEL_NOT_ENABLED, f"The channel {name} is not set up here.")
    can = channel.capabilities
    if amount.currency not in can.currencies:
        words = f"The channel {name} does not take {amount.currency}."
        raise Refused(Reason.CURRENCY_NOT_ENABLED, words)
    if mode is CaptureMode.MANUAL and not can.manual_capture:
        words = f"The channel {name} has no manual capture."
        raise Refused(Reason.CHANNEL_NOT_ENABLED, words)
    if amount.minor_units > can.amount_max:
        words = f"The channel {name} takes at most {can.amount_max} minor units."
        raise Refused(Reason.CHANNEL_NOT_ENABLED, words)
    return channel
