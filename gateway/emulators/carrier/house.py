"""The operator's house rules: what CAMARA leaves to each operator, switched by hand and kept.

What the real ones do differs from market to market, so each rule is a setting with a usual value:
how long a token and a reservation live, until when money is given back, how many records a list
may match, and what a correlator that was used before is answered.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from gateway.emulators.core import switches
from gateway.emulators.core.beijing import DAY_MS
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.fields import Fields

Duplicates = Literal["CONFLICT", "REPLAY", "INVALID_ARGUMENT"]
SPAN_MS_MAX: Final = 400 * DAY_MS
TOKEN_LIFE_S_MAX: Final = 30 * 86_400
RECORDS_MAX: Final = 1_000_000


@dataclass(frozen=True)
class House:
    """The rules in force. `duplicates`: 409, the same answer again, or 400."""

    token_life_s: int = 3_600
    reservation_life_ms: int = DAY_MS
    refund_window_ms: int = 180 * DAY_MS
    matching_max: int = 10_000
    duplicates: Duplicates = "CONFLICT"


_READERS: Final[dict[str, Callable[[Fields, str], Any]]] = {
    "token_life_s": lambda fields, name: fields.integer(name, 1, TOKEN_LIFE_S_MAX),
    "reservation_life_ms": lambda fields, name: fields.integer(name, 1, SPAN_MS_MAX),
    "refund_window_ms": lambda fields, name: fields.integer(name, 0, SPAN_MS_MAX),
    "matching_max": lambda fields, name: fields.integer(name, 1, RECORDS_MAX),
    "duplicates": lambda fields, name: fields.choice(name, get_args(Duplicates)),
}


def read_changes(fields: Fields) -> dict[str, str]:
    """The rules that a control request changes. Raises InvalidField."""
    found = {name: str(read(fields, name)) for name, read in _READERS.items() if fields.has(name)}
    fields.finish()
    return found


def change(txn: Transaction, changes: dict[str, str]) -> House:
    """Switch some rules; all that are in force now."""
    for name, value in changes.items():
        switches.put(txn, name, value)
    return rules_of(txn)


def rules_of(txn: Transaction) -> House:
    """The rules in force."""
    found: dict[str, Any] = {}
    for name, usual in asdict(House()).items():
        switched = switches.read(txn, name)
        if switched is not None:
            found[name] = switched if isinstance(usual, str) else int(switched)
    return House(**found)
