"""An authorisation: the buyer's money, frozen, to be paid out of or to be given free.

INIT waits for the buyer. While it is AUTHORIZED parts of it may be paid or unfrozen; when nothing
rests it is FINISH, and what was called off as a whole is CLOSED. Frozen money is still the buyer's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from gateway.emulators.alipay.money import to_yuan
from gateway.emulators.alipay.records import Kind, Next, Record, View, logon_id, open_id
from gateway.emulators.core import beijing

OperationKind = Literal["FREEZE", "UNFREEZE", "PAY"]
LIFE_MS: Final = 15 * beijing.DAY_MS  # of one that nobody confirms, at the longest


@dataclass(frozen=True, kw_only=True)
class Authorization(Record):
    """Frozen money under the merchant's number."""

    auth_no: str
    product_code: str
    amount: int
    buyer_id: str
    expire_time: int
    paid: int = 0
    unfrozen: int = 0

    kind_name: ClassVar[Kind] = "authorization"
    next_states: ClassVar[Next] = {
        "INIT": frozenset(("AUTHORIZED", "CLOSED")),
        "AUTHORIZED": frozenset(("AUTHORIZED", "FINISH", "CLOSED")),
    }

    @property
    def rest(self) -> int:
        """What is frozen now."""
        if self.state not in ("AUTHORIZED", "FINISH"):
            return 0
        return self.amount - self.paid - self.unfrozen

    @property
    def payer_open_id(self) -> str:
        """The id by which this app alone knows whose money it is."""
        return open_id(self.app_id, self.buyer_id)

    def take(self, now: int, *, paid: int = 0, unfrozen: int = 0) -> "Authorization":
        """Some of what is frozen is paid, or given free."""
        ends = self.rest == paid + unfrozen
        return self.move(
            now,
            "FINISH" if ends else "AUTHORIZED",
            paid=self.paid + paid,
            unfrozen=self.unfrozen + unfrozen,
        )

    def totals(self) -> dict[str, str]:
        """How much of it is where."""
        frozen = 0 if self.state == "INIT" else self.amount
        totals = {"freeze": frozen, "unfreeze": self.unfrozen, "pay": self.paid}
        view = {f"total_{name}_amount": to_yuan(fen) for name, fen in totals.items()}
        return view | {"rest_amount": to_yuan(self.rest)}

    def payer(self) -> dict[str, str]:
        """Whose money it is."""
        return {
            "payer_user_id": self.buyer_id,
            "payer_open_id": self.payer_open_id,
            "payer_logon_id": logon_id(self.buyer_id),
        }


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One thing that was done with an authorisation."""

    app_id: str
    number: str
    kind: OperationKind
    auth_seq: int
    operation_id: str
    status: str
    amount: int
    remark: str
    create_time: int
    trans_time: int | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Operation":
        """The operation that a row of the book holds."""
        return cls(**row)

    def told(self, authorization: Authorization) -> dict[str, str]:
        """What queries and notifications say of it: text only."""
        told = {
            "auth_no": authorization.auth_no,
            "out_order_no": authorization.number,
            "operation_id": self.operation_id,
            "out_request_no": self.number,
            "operation_type": self.kind,
            "amount": to_yuan(self.amount),
            "status": self.status,
            "gmt_create": beijing.to_bill_text(self.create_time),
            **authorization.payer(),
            **authorization.totals(),
        }
        if self.trans_time is not None:
            told["gmt_trans"] = beijing.to_bill_text(self.trans_time)
        return told

    def answered(self, authorization: Authorization) -> View:
        """What the call that did it is answered with."""
        told = self.told(authorization)
        wanted = ("auth_no", "out_order_no", "operation_id", "out_request_no", "amount", "status")
        view: View = {name: told[name] for name in (*wanted, "gmt_trans") if name in told}
        if self.kind == "FREEZE":
            view |= authorization.payer()
        return view
