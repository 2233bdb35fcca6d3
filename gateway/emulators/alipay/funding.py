"""Where a buyer's money may come from: pay-later is a fund channel of a trade, never a way to pay.

A merchant may exclude channels, or name the only ones; a plan of instalments asks for pay-later. In
which channel the money then was is the buyer's choice within that, and the answers tell it.
"""

from typing import Any, Final

from gateway.emulators.alipay.play import FundChannel
from gateway.emulators.core.fields import Fields, InvalidField

CHANNELS_LENGTH_MAX: Final = 256

# By fund channel, as answers have it: the pay channels, as requests have them, that lead to it.
PAY_CHANNELS: Final[dict[FundChannel, frozenset[str]]] = {
    "ALIPAYACCOUNT": frozenset(("balance",)),
    "MONEYFUND": frozenset(("moneyFund",)),
    "BANKCARD": frozenset(("bankPay", "debitCardExpress", "creditCard", "creditCardExpress")),
    "PCREDIT": frozenset(("pcredit", "pcreditpayInstallment", "credit_group")),
}
_OTHERS: Final = ("coupon", "voucher", "promotion", "point", "mdiscount", "mcard", "pcard")
_KNOWN: Final = frozenset(_OTHERS).union(*PAY_CHANNELS.values())
_LATER: Final = ("pcredit", "credit_group")
_IN_INSTALMENTS: Final = ("pcreditpayInstallment", "pcredit", "credit_group")


def pay_channels(fields: Fields, name: str) -> str:
    """A list of pay channels, separated by commas."""
    value = fields.text(name, CHANNELS_LENGTH_MAX, length_min=1)
    strange = set(value.split(",")) - _KNOWN
    if strange:
        raise InvalidField(fields.path(name), "must be pay channels, separated by commas")
    return value


def excludes(asked: dict[str, Any], channel: FundChannel) -> bool:
    """Whether the merchant will not have money from a fund channel."""
    names = set(PAY_CHANNELS[channel])
    if channel == "PCREDIT":
        in_parts = "hb_fq_num" in asked.get("extend_params", {})
        names = set(_IN_INSTALMENTS if in_parts else _LATER)
    if "enable_pay_channels" in asked:
        return not names & set(asked["enable_pay_channels"].split(","))
    disabled = set(asked.get("disable_pay_channels", "").split(","))
    if channel == "PCREDIT":
        return bool(names & disabled)  # one word for a kind of credit excludes it
    return names <= disabled


def choose(asked: dict[str, Any]) -> FundChannel:
    """What a buyer takes who has no wish of his own; pay-later when instalments are offered."""
    later = "hb_fq_num" in asked.get("extend_params", {})
    usual: tuple[FundChannel, ...] = ("ALIPAYACCOUNT", "MONEYFUND", "BANKCARD", "PCREDIT")
    for channel in (*usual[3:], *usual[:3]) if later else usual:
        if not excludes(asked, channel):
            return channel
    return "ALIPAYACCOUNT"
