"""An agreement that lets the merchant deduct without asking the buyer, and what it allows.

TEMP until the buyer signs, NORMAL then, UNSIGN when either of the two ends it. An agreement on a
period may bound one deduction, their number and their sum.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from gateway.emulators.alipay.errors import Refusal
from gateway.emulators.alipay.records import Kind, Next, Record, logon_id
from gateway.emulators.core import beijing

VALID_FOR_MS: Final = 89 * 365 * beijing.DAY_MS


@dataclass(frozen=True, kw_only=True)
class Agreement(Record):
    """What a buyer signed, or was asked to sign."""

    agreement_no: str
    product_code: str
    sign_scene: str
    buyer_id: str | None = None
    single_max: int | None = None
    total_max: int | None = None
    payments_max: int | None = None
    deducted: int = 0
    payments: int = 0
    sign_time: int | None = None
    end_time: int | None = None

    kind_name: ClassVar[Kind] = "agreement"
    next_states: ClassVar[Next] = {
        "TEMP": frozenset(("NORMAL",)),
        "NORMAL": frozenset(("NORMAL", "UNSIGN")),
    }

    def sign(self, now: int, buyer_id: str) -> "Agreement":
        """The buyer signs."""
        return self.move(now, "NORMAL", buyer_id=buyer_id, sign_time=now)

    def end(self, now: int) -> "Agreement":
        """The buyer or the merchant ends it."""
        return self.move(now, "UNSIGN", end_time=now)

    def deduct(self, now: int, amount: int) -> "Agreement":
        """Money is taken by it."""
        return self.move(now, "NORMAL", deducted=self.deducted + amount, payments=self.payments + 1)

    def told(self) -> dict[str, str]:
        """What queries and notifications say of it: text only."""
        assert self.buyer_id is not None
        assert self.sign_time is not None
        told = {
            "agreement_no": self.agreement_no,
            "external_agreement_no": self.number,
            "personal_product_code": self.product_code,
            "sign_scene": self.sign_scene,
            "alipay_user_id": self.buyer_id,
            "alipay_logon_id": logon_id(self.buyer_id),
            "status": self.state,
            "sign_time": beijing.to_bill_text(self.sign_time),
            "valid_time": beijing.to_bill_text(self.sign_time),
            "invalid_time": beijing.to_bill_text(self.sign_time + VALID_FOR_MS),
        }
        if self.end_time is not None:
            told["unsign_time"] = beijing.to_bill_text(self.end_time)
        return told


def check(agreement: Agreement | None, amount: int) -> Agreement:
    """The agreement, if so much may be deducted by it. Raises Refusal."""
    if agreement is None or agreement.state == "TEMP":
        raise Refusal("ACQ.AGREEMENT_NOT_EXIST", "Nobody signed such an agreement.")
    if agreement.state != "NORMAL":
        raise Refusal("ACQ.AGREEMENT_INVALID", "The agreement was ended.")
    if agreement.single_max is not None and amount > agreement.single_max:
        raise Refusal("ACQ.CYCLE_PAY_SINGLE_FEE_EXCEED", "The agreement allows less at once.")
    if agreement.total_max is not None and agreement.deducted + amount > agreement.total_max:
        raise Refusal("ACQ.CYCLE_PAY_TOTAL_FEE_EXCEED", "The agreement allows less in all.")
    if agreement.payments_max is not None and agreement.payments >= agreement.payments_max:
        raise Refusal("ACQ.CYCLE_PAY_TOTAL_TIMES_EXCEED", "All that was agreed is deducted.")
    return agreement
