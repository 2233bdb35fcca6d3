"""Where the payer's money came from: the channels of funds of a paid trade, pay-later above all.

Alipay's pay-later, Huabei, is no way of paying of its own: it is seen afterwards, as the channel
`PCREDIT` among those that a trade was paid from. It is for people and statistics, so a list that
cannot be read is left out and does not make the payment doubtful. Answers hold the list itself, and
notifications hold it as text, under other names.
"""

import re
from collections.abc import Sequence

from gateway.channels.alipay.envelope import read_json
from gateway.channels.fields import Fields, Malformed

CHANNELS_MAX = 8
"""Channels of funds of one trade; a longer list is left out."""

_CHANNEL = re.compile(r"[A-Z][A-Z0-9_]{0,31}")
_INSTALMENTS = re.compile(r"[0-9]{1,2}")


def read_funding(trade: Fields) -> str:
    """Name the channels that a trade was paid from, joined by `+`; empty if it is not told."""
    try:
        return "+".join(name for name in map(_channel, _bills(trade)) if name)
    except (Malformed, ValueError, RecursionError):
        return ""


def read_instalments(trade: Fields) -> str:
    """Tell in how many instalments the payer pays; empty if it is not told."""
    try:
        return trade.inner("hb_fq_pay_info").text("user_install_num", _INSTALMENTS)
    except Malformed:
        return ""


def _bills(trade: Fields) -> Sequence[Fields]:
    name = "fund_bill_list"
    try:
        text = trade.text(name)
    except Malformed:
        return list(trade.each(name, CHANNELS_MAX))
    return list(Fields({name: read_json(text)}).each(name, CHANNELS_MAX))


def _channel(bill: Fields) -> str:
    names = ("fund_channel", "fundChannel")
    return next((bill.text(name, _CHANNEL) for name in names if bill.has(name)), "")
