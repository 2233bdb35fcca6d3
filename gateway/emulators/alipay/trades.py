"""A trade and every way it may change: pure functions from a trade to the next one.

Closed has two meanings here, as at Alipay: nobody paid, or all was given back. So the state alone
never says where the money is; `pay_time` and `refunded` do. Finished means paid for good: the time
for refunds is over. Money that comes after the end can be played, as real channels have it.
"""

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from gateway.emulators.alipay.money import to_yuan
from gateway.emulators.alipay.records import Kind, Next, Record, View, logon_id
from gateway.emulators.core import beijing

Way = Literal["QR", "CODE", "AGREEMENT", "AUTH"]

LIFE_MS: Final = 15 * beijing.DAY_MS  # of one that nobody pays, at the longest
NOTHING: Final = "0.00"


@dataclass(frozen=True, kw_only=True)
class Trade(Record):
    """Money asked of a buyer under the merchant's number."""

    trade_no: str
    way: Way
    total: int
    expire_time: int
    refunded: int = 0
    buyer_id: str | None = None
    fund_channel: str | None = None
    agreement_no: str | None = None
    auth_no: str | None = None
    pay_time: int | None = None
    refund_time: int | None = None
    end_time: int | None = None
    canceled: str | None = None

    kind_name: ClassVar[Kind] = "trade"
    next_states: ClassVar[Next] = {
        "WAIT_BUYER_PAY": frozenset(("TRADE_SUCCESS", "TRADE_CLOSED")),
        "TRADE_SUCCESS": frozenset(("TRADE_SUCCESS", "TRADE_CLOSED", "TRADE_FINISHED")),
        "TRADE_FINISHED": frozenset(("TRADE_FINISHED", "TRADE_CLOSED")),  # a refund that ran on
        "TRADE_CLOSED": frozenset(("TRADE_SUCCESS",)),  # late money only
    }

    @property
    def is_waiting(self) -> bool:
        """Whether a buyer may pay it."""
        return self.state == "WAIT_BUYER_PAY"

    @property
    def is_paid(self) -> bool:
        """Whether money was taken and not all given back."""
        return self.state in ("TRADE_SUCCESS", "TRADE_FINISHED")

    @property
    def instalments(self) -> str | None:
        """In how many instalments the buyer was asked to pay later."""
        number: str | None = self.asked.get("extend_params", {}).get("hb_fq_num")
        return number

    def pay(self, now: int, buyer_id: str, fund_channel: str) -> "Trade":
        """The buyer's money is taken."""
        return self.move(
            now,
            "TRADE_SUCCESS",
            pay_time=now,
            buyer_id=buyer_id,
            fund_channel=fund_channel,
            end_time=None,
            canceled=None,
        )

    def close(self, now: int, canceled: str | None = None) -> "Trade":
        """Nobody can pay it any more, or all of it was undone."""
        return self.move(now, "TRADE_CLOSED", end_time=now, canceled=canceled)

    def give_back(self, now: int, amount: int) -> "Trade":
        """Some of the money went back; when it is all, that is the end."""
        refunded = self.refunded + amount
        whole = refunded == self.total
        return self.move(
            now,
            "TRADE_CLOSED" if whole else self.state,
            refunded=refunded,
            refund_time=now,
            end_time=now if whole else self.end_time,
        )

    def finish(self, now: int) -> "Trade":
        """The time for refunds is over."""
        return self.move(now, "TRADE_FINISHED", end_time=now)

    def numbers(self) -> View:
        """The two numbers that every answer about it has."""
        return {"trade_no": self.trade_no, "out_trade_no": self.number}

    def buyer(self) -> View:
        """Who pays, once somebody does."""
        if self.buyer_id is None:
            return {}
        return {"buyer_user_id": self.buyer_id, "buyer_logon_id": logon_id(self.buyer_id)}

    def amounts(self) -> View:
        """What was asked for and what was paid."""
        paid = to_yuan(self.total) if self.pay_time is not None else NOTHING
        return {
            "total_amount": to_yuan(self.total),
            "receipt_amount": paid,
            "buyer_pay_amount": paid,
            "invoice_amount": paid,
            "point_amount": NOTHING,
        }

    def payment(self) -> View:
        """Where the money came from, once it came."""
        if self.pay_time is None:
            return {}
        fund = {"amount": to_yuan(self.total), "fund_channel": self.fund_channel}
        view: View = {"fund_bill_list": [fund]}
        if self.instalments is not None and self.fund_channel == "PCREDIT":
            view["hb_fq_pay_info"] = {"user_install_num": self.instalments}
        return view

    def paid_view(self) -> View:
        """The trade as the answer to a payment shows it."""
        view = {**self.numbers(), **self.buyer(), **self.amounts(), **self.payment()}
        if self.pay_time is not None:
            view["gmt_payment"] = beijing.to_bill_text(self.pay_time)
        return view

    def view(self) -> View:
        """The trade as queries show it."""
        view = {
            **self.numbers(),
            **self.buyer(),
            "trade_status": self.state,
            **self.amounts(),
            **self.payment(),
            "subject": self.asked["subject"],
        }
        if self.pay_time is not None:
            view["send_pay_date"] = beijing.to_bill_text(self.pay_time)
        return view

    def told(self) -> dict[str, str]:
        """The trade as notifications tell it: text only."""
        asked: dict[str, Any] = self.asked
        times = {
            "gmt_create": self.create_time,
            "gmt_payment": self.pay_time,
            "gmt_refund": self.refund_time,
            "gmt_close": self.end_time,
        }
        told = {
            **{name: str(value) for name, value in {**self.numbers(), **self.amounts()}.items()},
            "trade_status": self.state,
            "subject": asked["subject"],
            "body": asked.get("body", ""),
            "passback_params": asked.get("passback_params", ""),
            **{name: beijing.to_bill_text(time) for name, time in times.items() if time},
        }
        if self.buyer_id is not None:
            told |= {"buyer_id": self.buyer_id, "buyer_logon_id": logon_id(self.buyer_id)}
        if self.refunded:
            told["refund_fee"] = to_yuan(self.refunded)
        if self.pay_time is not None:
            funds = [{"amount": to_yuan(self.total), "fundChannel": self.fund_channel}]
            told["fund_bill_list"] = json.dumps(funds, separators=(",", ":"))
        return told
