"""What Alipay can do and will not do."""

from datetime import time, timedelta

from gateway.channels.alipay.account import NAME, AlipaySettings
from gateway.channels.alipay.texts import CURRENCY
from gateway.channels.alipay.ways import LIFETIME_MAX, WAYS
from gateway.domain.channel import AttemptKind, Capabilities

AMOUNT_MAX = 10_000_000_000
"""Fen of one charge, refund or authorisation: a hundred million yuan."""

EXPIRY_MARGIN = timedelta(minutes=5)
"""How long after its end a number that is not known there is certainly dead.

It covers clocks that differ, a request that left late, and ends that are whole minutes.
"""

BILL_READY = time(9)
"""Time of Beijing on the next day from which a day's bill is there."""

CAPTURES_MAX = 1
"""Each capture is a trade of its own, and a refund is of one trade: a part could not be reached."""

NOTES = (
    "Before its scan a QR code has no trade to be closed, so a cancel waits until it expires.",
)


def capabilities(settings: AlipaySettings) -> Capabilities:
    """Say what the channel can do under a contract."""
    return Capabilities(
        channel=NAME,
        currencies=frozenset({CURRENCY}),
        amount_min=1,
        amount_max=AMOUNT_MAX,
        manual_capture=True,
        send_timeout=settings.send_timeout,
        authorization_lifetime=settings.authorization_lifetime,
        captures_max=CAPTURES_MAX,
        expiry_max=LIFETIME_MAX,
        refund_window=settings.refund_window,
        fenceable=frozenset({AttemptKind.CHARGE}),
        expiry_margin=EXPIRY_MARGIN,
        methods=tuple(WAYS),
        manual_methods=frozenset(name for name, way in WAYS.items() if way.holds),
        notes=NOTES,
    )
