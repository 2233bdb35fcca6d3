"""What WeChat Pay can do and will not do."""

from datetime import time, timedelta

from gateway.channels.v3style.limits import Limits
from gateway.channels.v3style.methods import ACTION_LIFETIME
from gateway.channels.wechat.methods import REVERSE_AGE_MIN
from gateway.domain.channel import AttemptKind
from gateway.domain.money import MINOR_UNITS_MAX

WECHAT_LIMITS = Limits(
    currencies=frozenset({"CNY"}),
    amount_min=1,
    amount_max=MINOR_UNITS_MAX,
    expiry_max=timedelta(days=7),
    action_lifetime=ACTION_LIFETIME,
    refund_window=timedelta(days=365),
    partial_refunds_max=50,
    partial_refund_spacing=timedelta(minutes=1),
    fenceable=frozenset({AttemptKind.CHARGE, AttemptKind.CANCEL}),
    fence_age_min={"code": REVERSE_AGE_MIN},
    deduct_hours={"papay": (time(7), time(22))},
    bill_ready=time(10),
    bill_kept=timedelta(days=90),
)
