"""An order and every way it may change: pure functions from an order to the next one.

PREPAY waits for the buyer to open a code or a cashier, CODE is charged from a code the buyer shows,
DEDUCT by a contract. What is paid stays paid; giving money back is written beside it, in refunds,
and only marks the order. CLOSED is the end, but for money that arrives late: real channels have
that, so it can be played.
"""

import secrets
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal

from gateway.emulators.core import beijing
from gateway.emulators.v3style.play import Play
from gateway.emulators.v3style.records import Kind, Next, Record, View, new_number

OrderKind = Literal["PREPAY", "CODE", "DEDUCT"]
AUTO_CLOSE_MS: Final = 7 * beijing.DAY_MS
BANK_TYPE: Final = "OTHERS"
CURRENCY: Final = "CNY"

DESCRIPTIONS: Final = {
    "NOTPAY": "订单未支付",
    "USERPAYING": "用户支付中",
    "SUCCESS": "支付成功",
    "REFUND": "转入退款",
    "CLOSED": "订单已关闭",
    "REVOKED": "订单已撤销",
    "PAYERROR": "支付失败",
}


@dataclass(frozen=True, kw_only=True)
class Order(Record):
    """Money asked of a buyer under the merchant's number."""

    number: str
    kind: OrderKind
    trade_type: str
    total: int
    appid: str
    expire_time: int
    play: str
    openid: str | None = None
    contract_id: str | None = None
    notify_url: str | None = None
    transaction_id: str | None = None
    credential: str | None = None
    credential_expire_time: int | None = None
    success_time: int | None = None

    kind_name: ClassVar[Kind] = "order"
    next_states: ClassVar[Next] = {
        "NOTPAY": frozenset(("SUCCESS", "USERPAYING", "PAYERROR", "CLOSED", "REVOKED")),
        "USERPAYING": frozenset(("SUCCESS", "PAYERROR", "CLOSED", "REVOKED")),
        "PAYERROR": frozenset(("CLOSED", "REVOKED")),
        "SUCCESS": frozenset(("REFUND", "REVOKED")),
        "REFUND": frozenset(("REFUND",)),
        "CLOSED": frozenset(("SUCCESS",)),  # late money only
    }

    @property
    def played(self) -> Play:
        """How the others act towards it."""
        return Play.from_text(self.play)

    @property
    def is_paid(self) -> bool:
        """Whether the buyer's money was taken and not all given back by a reversal."""
        return self.state in ("SUCCESS", "REFUND")

    def pay(self, now: int, openid: str | None = None) -> "Order":
        """The buyer's money is taken."""
        return self.move(
            now,
            "SUCCESS",
            transaction_id=new_number("4200", now, 16),
            success_time=now,
            openid=self.openid or openid or new_openid(),
        )

    def renew(self, now: int, credential: str | None, expire_time: int) -> "Order":
        """The same order with a fresh code or prepay id."""
        return replace(
            self,
            credential=credential,
            credential_expire_time=expire_time,
            version=self.version + 1,
            update_time=max(now, self.update_time),
        )

    def view(self) -> View:
        """The transaction as queries and notifications show it."""
        amount: View = {"total": self.total, "currency": CURRENCY}
        view: View = {
            "appid": self.appid,
            "mchid": self.mchid,
            "out_trade_no": self.number,
            "trade_state": self.state,
            "trade_state_desc": DESCRIPTIONS[self.state],
            "attach": self.asked.get("attach", ""),
            "promotion_detail": [],
            "amount": amount,
        }
        if self.openid is not None:
            view["payer"] = {"openid": self.openid}
        if self.success_time is not None:
            amount |= {"payer_total": self.total, "payer_currency": CURRENCY}
            view |= {
                "transaction_id": self.transaction_id,
                "trade_type": self.trade_type,
                "bank_type": BANK_TYPE,
                "success_time": beijing.to_text(self.success_time),
            }
        return view


def new_openid() -> str:
    """The id of a buyer whom nobody named."""
    return f"o{secrets.token_hex(13)}"
