"""What UnionPay can do and will not do, as data: how the gateway refuses early, and why."""

from datetime import time, timedelta

CURRENCY = "CNY"
CURRENCY_CODE = "156"
"""The only currency, in the numbers of ISO 4217."""

AMOUNT_MAX = 10**12 - 1
"""Fen: an amount has at most twelve digits."""

EXPIRY_MARGIN = timedelta(minutes=10)
"""How long after the time that was sent with an order its state is final.

After that time the channel takes no payment, and what it says is the end; the rest is for clocks
that differ and for a payment that was under way.
"""

BILL_READY = time(9)
"""Time of Beijing on the next day from which a day's bill is there."""

AUTHORIZATION_LIFETIME = timedelta(days=30)
"""How long a pre-authorisation can be completed."""

CAPTURES_MAX = 1
"""A pre-authorisation is completed once; what is not taken then is free again."""

REFUND_WINDOW = timedelta(days=334)
"""Eleven months, at their shortest."""

NOTES = (
    "An unpaid order cannot be closed: it ends when its time is over, and so does its cancel.",
)
