"""What a channel can do and will not do, as data: how the gateway refuses early, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta

from gateway.domain.channel import AttemptKind


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one channel of the v3 style.

    Attributes:
        currencies: what it charges in.
        amount_min, amount_max: of one charge or refund, in minor units.
        expiry_max: how far off an order may expire; the channel closes it then by itself.
        action_lifetime: how long a QR code or prepaid order opens the cashier.
        refund_window: how long after the payment it refunds.
        partial_refunds_max: refunds of one order.
        partial_refund_spacing: least time between two of them.
        fenceable: kinds of attempts whose number can be closed.
        fence_age_min: by method, age of a number before which it is not closed.
        deduct_hours: by method, from when until when in Beijing it deducts; at any time if absent.
        bill_ready: time of Beijing on the next day from which a day's bill is there.
        bill_kept: how long it can be fetched.
    """

    currencies: frozenset[str]
    amount_min: int
    amount_max: int
    expiry_max: timedelta
    action_lifetime: timedelta
    refund_window: timedelta
    partial_refunds_max: int
    partial_refund_spacing: timedelta
    fenceable: frozenset[AttemptKind]
    fence_age_min: Mapping[str, timedelta]
    deduct_hours: Mapping[str, tuple[time, time]]
    bill_ready: time
    bill_kept: timedelta
