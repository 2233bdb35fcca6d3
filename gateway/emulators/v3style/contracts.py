"""A contract that lets the merchant deduct without asking the buyer, and when it may.

Three ways lead to a deduction: the first one within twelve hours of signing happens at once; one
that was announced happens at once too, in the days that the announcement opened and there from
07:00 to 22:00 Beijing time; any other is accepted now and happens a day later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from gateway.emulators.core import beijing
from gateway.emulators.v3style.errors import Refusal
from gateway.emulators.v3style.records import Kind, Next, Record

FIRST_WITHIN_MS: Final = 12 * beijing.HOUR_MS
WAIT_MS: Final = 24 * beijing.HOUR_MS
OPEN_HOUR, CLOSE_HOUR = 7, 22
ANNOUNCED_DAYS_AHEAD: Final = (
    2  # announced on the 1st, the 2nd is to think it over, taken on the 3rd
)
VALID_FOR_MS: Final = 3 * 365 * beijing.DAY_MS


@dataclass(frozen=True, kw_only=True)
class Contract(Record):
    """What a buyer signed, or was asked to sign."""

    appid: str
    plan_id: str
    code: str
    contract_id: str
    pre_entrustweb_id: str
    openid: str | None = None
    deductions: int = 0
    sign_time: int | None = None
    terminate_time: int | None = None
    terminated_by: str | None = None
    remark: str | None = None

    kind_name: ClassVar[Kind] = "contract"
    next_states: ClassVar[Next] = {
        "UNSIGNED": frozenset(("SIGNED",)),
        "SIGNED": frozenset(("SIGNED", "TERMINATED")),
    }

    def sign(self, now: int, openid: str) -> "Contract":
        """The buyer signs."""
        return self.move(now, "SIGNED", openid=openid, sign_time=now)

    def terminate(self, now: int, by: str, remark: str) -> "Contract":
        """The buyer or the merchant ends it."""
        return self.move(now, "TERMINATED", terminate_time=now, terminated_by=by, remark=remark)


@dataclass(frozen=True)
class PreNotice:
    """An announcement: between the two times the deduction may be asked for."""

    contract_id: str
    amount: int
    open_time: int
    close_time: int


def announce(contract: Contract, amount: int, days: int, now: int) -> PreNotice:
    """What an announcement opens. Raises Refusal."""
    _require_office_hours(now)
    first_day = beijing.at(now).date() + timedelta(days=ANNOUNCED_DAYS_AHEAD)
    return PreNotice(
        contract.contract_id,
        amount,
        beijing.midnight(first_day),
        beijing.midnight(first_day + timedelta(days=days)),
    )


def deduction_time(contract: Contract, announced: Sequence[PreNotice], now: int) -> int:
    """When a deduction that is asked for now happens. Raises Refusal."""
    assert contract.sign_time is not None
    if contract.deductions == 0 and now - contract.sign_time <= FIRST_WITHIN_MS:
        return now
    if any(notice.open_time <= now < notice.close_time for notice in announced):
        _require_office_hours(now)
        return now
    return now + WAIT_MS


def _require_office_hours(now: int) -> None:
    if not OPEN_HOUR <= beijing.at(now).hour < CLOSE_HOUR:
        raise Refusal("RULE_LIMIT", "Deductions are announced and taken from 07:00 to 22:00.")
