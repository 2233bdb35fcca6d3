"""What was switched by hand at a control endpoint: kept, so that a restart changes nothing."""

from gateway.emulators.core import visits
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.statements import load_statements

_SQL = load_statements(__package__, "channel.sql")
_CLOCK, _SHIFT = "clock", "shift_ms"


def put(txn: Transaction, name: str, value: str) -> None:
    """Set a switch."""
    txn.write(_SQL["set_switch"], {"name": name, "value": value})


def read(txn: Transaction, name: str) -> str | None:
    """How a switch stands; None when nobody ever set it."""
    row = txn.one(_SQL["read_switch"], {"name": name})
    return None if row is None else str(row["value"])


def read_shift(txn: Transaction) -> int:
    """How far virtual time is ahead by this book, in milliseconds."""
    return visits.read_counters(txn, _CLOCK).get(_SHIFT, 0)


def advance(txn: Transaction, advance_ms: int) -> int:
    """Let virtual time jump ahead, for good; how far ahead it is now."""
    visits.count(txn, _CLOCK, _SHIFT, advance_ms)
    return read_shift(txn)
