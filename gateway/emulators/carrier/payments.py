"""A payment and every way it may change, and how its replies show it.

ONE_STEP charges at once; TWO_STEP reserves first, perhaps after the subscriber typed a code, and
charges when it is confirmed. Each begins as processing. PHANTOM is none at all: an entry in the
operator's lists that no money and no client stands behind, for those who reconcile.
"""

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from gateway.emulators.carrier import times
from gateway.emulators.carrier.amounts import to_number
from gateway.emulators.carrier.records import Kind, Next, Record, View

PaymentKind = Literal["ONE_STEP", "TWO_STEP", "PHANTOM"]
PAYMENTS_PATH: Final = "/carrier-billing/v0.5/payments"
VALIDATION_ATTEMPTS_MAX: Final = 3
_VALIDATION_URL: Final = "https://operator.example/validate/{}"


@dataclass(frozen=True, kw_only=True)
class Payment(Record):
    """Money asked of a subscriber."""

    payment_id: str
    kind: PaymentKind
    phone: str
    server_reference: str
    expire_time: int  # of a reservation
    validation: str | None = None
    authorization_id: str | None = None
    code: str | None = None
    attempts: int = 0
    confirm_time: int | None = None

    kind_name: ClassVar[Kind] = "payment"
    next_states: ClassVar[Next] = {
        "processing": frozenset(
            ("succeeded", "reserved", "pending_validation", "denied", "cancelled")
        ),
        "pending_validation": frozenset(("reserved", "denied", "cancelled")),
        "reserved": frozenset(("processing", "denied", "cancelled")),
    }

    @property
    def number(self) -> str:
        """The paymentId."""
        return self.payment_id

    @property
    def is_waiting(self) -> bool:
        """Whether an amount is set aside, or shall be, for somebody to decide."""
        return self.state in ("reserved", "pending_validation")

    @property
    def is_preparing(self) -> bool:
        """Whether the first of two steps still runs."""
        return (self.kind, self.state, self.confirm_time) == ("TWO_STEP", "processing", None)

    def view(self, *, amount: int | None = None) -> View:
        """The payment as every reply shows it; `amount` where a list says another."""
        transaction = self.asked
        if amount is not None:
            transaction["paymentAmount"]["chargingInformation"]["amount"] = to_number(amount)
        view: View = {
            "paymentId": self.payment_id,
            "amountTransaction": {
                **transaction,
                "phoneNumber": self.phone,
                "resourceURL": f"{PAYMENTS_PATH}/{self.payment_id}",
                "serverReferenceCode": self.server_reference,
            },
            "paymentStatus": self.state,
            "paymentCreationDate": times.to_text(self.create_time),
        }
        if self.success_time is not None:
            view["paymentDate"] = times.to_text(self.success_time)
        if self.sink is not None:
            view["sink"] = self.sink
        return view

    def listed_view(self) -> View:
        """The payment as lists show it."""
        return self.view(amount=self.amount + self.skew if self.skew else None)

    def prepared_view(self) -> View:
        """The payment as its preparation is answered: with what the subscriber must do."""
        view = self.view()
        if self.state == "pending_validation":
            view["validationInfo"] = self._validation_info()
        return view

    def _validation_info(self) -> View:
        if self.validation == "OPEN":
            url = _VALIDATION_URL.format(self.authorization_id)
            return {"action": "open", "validationURL": url}
        return {"action": "validate", "authorizationId": self.authorization_id}
