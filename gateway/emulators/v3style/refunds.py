"""A refund and every way it may change, and the rules by which one is accepted.

An accepted refund reserves its amount: the sum of all that are not CLOSED never exceeds what the
buyer paid, however many run at the same time. ABNORMAL is no end: the money is neither here nor
there until the merchant says where it shall go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from gateway.emulators.core import beijing
from gateway.emulators.v3style.errors import Refusal
from gateway.emulators.v3style.orders import CURRENCY, Order
from gateway.emulators.v3style.play import Play
from gateway.emulators.v3style.records import Kind, Next, Record, View

WINDOW_MS: Final = 365 * beijing.DAY_MS
PARTS_MAX: Final = 50
SPACING_MS: Final = 60_000
ACCOUNT: Final = "支付用户零钱"


@dataclass(frozen=True, kw_only=True)
class Refund(Record):
    """Money of one order on its way back to the buyer."""

    number: str
    refund_id: str
    order_seq: int
    order_number: str
    transaction_id: str
    amount: int
    total: int
    play: str
    notify_url: str | None = None
    success_time: int | None = None

    kind_name: ClassVar[Kind] = "refund"
    next_states: ClassVar[Next] = {
        "PROCESSING": frozenset(("SUCCESS", "CLOSED", "ABNORMAL")),
        "ABNORMAL": frozenset(("PROCESSING",)),
    }

    @property
    def played(self) -> Play:
        """How the others act towards it."""
        return Play.from_text(self.play)

    def settle(self, now: int, state: str) -> "Refund":
        """The bank has decided."""
        success_time = now if state == "SUCCESS" else None
        return self.move(now, state, success_time=success_time)

    def view(self) -> View:
        """The refund as its replies show it."""
        amount = self._amount()
        view: View = {
            "refund_id": self.refund_id,
            "out_refund_no": self.number,
            "transaction_id": self.transaction_id,
            "out_trade_no": self.order_number,
            "channel": "ORIGINAL",
            "user_received_account": ACCOUNT,
            "create_time": beijing.to_text(self.create_time),
            "status": self.state,
            "funds_account": "AVAILABLE",
            "amount": {
                **amount,
                "settlement_total": self.total,
                "settlement_refund": self.amount,
                "discount_refund": 0,
                "currency": CURRENCY,
                "from": [],
            },
            "promotion_detail": [],
        }
        return view | self._success()

    def notice(self) -> View:
        """The refund as its notifications show it: the state has another name there."""
        return {
            "mchid": self.mchid,
            "out_trade_no": self.order_number,
            "transaction_id": self.transaction_id,
            "out_refund_no": self.number,
            "refund_id": self.refund_id,
            "refund_status": self.state,
            "user_received_account": ACCOUNT,
            "amount": self._amount(),
            **self._success(),
        }

    def _amount(self) -> View:
        return {
            "total": self.total,
            "refund": self.amount,
            "payer_total": self.total,
            "payer_refund": self.amount,
        }

    def _success(self) -> View:
        if self.success_time is None:
            return {}
        return {"success_time": beijing.to_text(self.success_time)}


def check(order: Order, earlier: Sequence[Refund], amount: int, total: int, now: int) -> None:
    """Whether one more refund may be accepted. Raises Refusal."""
    if not order.is_paid or order.success_time is None:
        raise Refusal("INVALID_REQUEST", "The order is not paid, there is nothing to refund.")
    if total != order.total:
        raise Refusal("INVALID_REQUEST", "amount.total is not the total of the order.")
    if now - order.success_time > WINDOW_MS:
        raise Refusal("INVALID_REQUEST", "The order was paid more than 365 days ago.")
    if len(earlier) >= PARTS_MAX:
        raise Refusal("INVALID_REQUEST", f"An order is refunded in at most {PARTS_MAX} parts.")
    if amount + sum(refund.amount for refund in earlier if refund.state != "CLOSED") > total:
        raise Refusal("INVALID_REQUEST", "The refunds would exceed the total of the order.")
    if any(now - refund.create_time < SPACING_MS for refund in earlier):
        raise Refusal("FREQUENCY_LIMITED", "Refunds of one order need a minute between them.")
