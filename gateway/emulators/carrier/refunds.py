"""A refund and every way it may change, and the rules by which one is accepted.

An accepted refund reserves its amount: the sum of all that are not denied never exceeds what was
charged, however many run at the same time. A `total` one stands for the whole amount and names
none, so it is the first or it is refused; who gave a part back already gives the rest as a part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from gateway.emulators.carrier import times
from gateway.emulators.carrier.amounts import to_number, to_thousandths
from gateway.emulators.carrier.errors import CBR, Refusal
from gateway.emulators.carrier.payments import Payment
from gateway.emulators.carrier.records import Kind, Next, Record, View

RefundType = Literal["total", "partial"]
Value = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Refund(Record):
    """Money of one payment on its way back to the subscriber."""

    refund_id: str
    payment_seq: int
    payment_id: str
    type: RefundType

    kind_name: ClassVar[Kind] = "refund"
    next_states: ClassVar[Next] = {"processing": frozenset(("succeeded", "denied"))}

    @property
    def number(self) -> str:
        """The refundId."""
        return self.refund_id

    def view(self, *, amount: int | None = None) -> View:
        """The refund as every reply shows it; `amount` where a list says another."""
        asked = self.asked
        if amount is not None and self.type == "partial":
            charging = asked["amountTransaction"]["refundAmount"]["chargingInformation"]
            charging["amount"] = to_number(amount)
        view: View = {
            "refundId": self.refund_id,
            "refundStatus": self.state,
            **asked,
            "refundCreationDate": times.to_text(self.create_time),
        }
        if self.success_time is not None:
            view["refundDate"] = times.to_text(self.success_time)
        if self.sink is not None:
            view["sink"] = self.sink
        return view

    def listed_view(self) -> View:
        """The refund as lists show it."""
        return self.view(amount=self.amount + self.skew if self.skew else None)


def remaining(payment: Payment, refunds: Sequence[Refund]) -> int:
    """What could still be given back, in thousandths."""
    if payment.state != "succeeded":
        return 0
    return payment.amount - sum(refund.amount for refund in refunds if refund.state != "denied")


def check_amount(payment: Payment, earlier: Sequence[Refund], amount: int) -> None:
    """Whether that much may still be given back. Raises Refusal."""
    if amount > remaining(payment, earlier):
        raise Refusal(f"{CBR}UNAUTHORIZED_AMOUNT", "The refunds would exceed the payment.")


def check_part(payment: Payment, refund_amount: Value) -> None:
    """Whether a partial refund fits the payment that it names. Raises Refusal."""
    asked = payment.asked["paymentAmount"]
    charged, given = asked["chargingInformation"], refund_amount["chargingInformation"]
    if given["currency"] != payment.currency:
        raise Refusal("INVALID_ARGUMENT", "The currency is not that of the payment.")
    if given["isTaxIncluded"] != charged["isTaxIncluded"]:
        message = "isTaxIncluded is not as in the payment."
        raise Refusal(f"{CBR}TAXES_MANAGEMENT_MISMATCH", message)
    if "refundDetails" in refund_amount:
        _check_details(asked.get("paymentDetails", []), refund_amount["refundDetails"], given)


def _check_details(charged: Sequence[Value], given: Sequence[Value], charging: Value) -> None:
    items = {item["id"]: item for item in charged}
    if len({item["paymentItemId"] for item in given}) != len(given):
        raise Refusal(f"{CBR}REFUND_DETAILS_MISMATCH", "refundDetails name an item twice.")
    for item in given:
        paid = items.get(item["paymentItemId"])
        fits = paid is not None and item["currency"] == paid["currency"]
        if paid is None or not fits or item["amount"] > paid["amount"]:
            message = "refundDetails name what the payment did not charge."
            raise Refusal(f"{CBR}REFUND_DETAILS_MISMATCH", message)
    total = sum(to_thousandths(item["amount"]) for item in given)
    if total != to_thousandths(charging["amount"]):
        message = "refundDetails do not add up to the amount."
        raise Refusal(f"{CBR}REFUND_DETAILS_MISMATCH", message)
