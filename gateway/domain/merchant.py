"""A merchant: what the gateway must know to take payments for it."""

from datetime import datetime
from enum import StrEnum

from gateway.domain.fees import FeeSchedule
from gateway.domain.value import value


class OrderPolicy(StrEnum):
    """How many live or successful payments an order may have."""

    MANY_PAYMENTS = "MANY_PAYMENTS"
    ONE_PAYMENT = "ONE_PAYMENT"


class RefundPolicy(StrEnum):
    """What happens to a refund that the merchant's balance does not cover."""

    REFUSE = "REFUSE"
    ADVANCE = "ADVANCE"


@value(frozen=True, slots=True)
class PaymentLimit:
    """Limits per payment in one currency, in minor units; 0 means none."""

    currency: str
    minimum: int = 0
    maximum: int = 0

    def allows(self, amount: int) -> bool:
        """Tell whether an amount in minor units is inside the limits."""
        return amount >= self.minimum and (not self.maximum or amount <= self.maximum)


@value(frozen=True, slots=True)
class Merchant:
    """One merchant as of one version.

    `serial` is the gateway's own short number for it, given by the store.
    """

    merchant_id: str
    display_name: str
    currencies: tuple[str, ...]
    channels: tuple[str, ...]
    order_policy: OrderPolicy
    refund_policy: RefundPolicy
    create_time: datetime
    update_time: datetime
    disabled: bool = False
    fee_schedules: tuple[FeeSchedule, ...] = ()
    payment_limits: tuple[PaymentLimit, ...] = ()
    version: int = 1
    serial: int = 0

    def allows_amount(self, currency: str, amount: int) -> bool:
        """Tell whether an amount in minor units is inside this merchant's limits per payment."""
        for limit in self.payment_limits:  # nearly always none: every payment asks
            if limit.currency == currency and not limit.allows(amount):
                return False
        return True
