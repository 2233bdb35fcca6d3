"""Which fields ever arrived: the proof that a caller sends nothing but what it may.

Payment channels are given personal data one field at a time, so what leaves the house is an
allow-list, and a stand-in is the only one that can say whether it is kept. It writes down the name
of every header, query parameter and JSON member that arrives, before it judges the request; names
only, never values. Members of arrays are named once (`goods_detail[].quantity`).
"""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final, Literal

from gateway.emulators.core.book import Transaction
from gateway.emulators.core.fields import NAME_LENGTH_MAX
from gateway.emulators.core.statements import load_statements

SEEN_FIELDS_MAX: Final = 10_000  # after that a stranger is only writing nonsense

Place = Literal["header", "query", "body"]

_SQL = load_statements(__package__, "channel.sql")


def flatten(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf of a JSON value as its path and its text; an empty object or array has none."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from flatten(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for member in value:
            yield from flatten(member, f"{path}[]")
    else:
        yield path, str(value) if isinstance(value, str | Decimal) else json.dumps(value)


def record(txn: Transaction, operation: str, place: Place, names: Iterable[str]) -> None:
    """Write names down; those that were seen before cost nothing but the look."""
    counted = txn.one(_SQL["count_seen_fields"], {})
    if counted is not None and counted["count"] >= SEEN_FIELDS_MAX:
        return
    for name in set(names):
        row = {"operation": operation, "place": place, "name": name[:NAME_LENGTH_MAX]}
        txn.write(_SQL["see_field"], row)


def read_all(txn: Transaction) -> dict[str, dict[str, list[str]]]:
    """Every name by operation and place, in order."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in txn.all(_SQL["read_seen_fields"], {}):
        found.setdefault(row["operation"], {}).setdefault(row["place"], []).append(row["name"])
    return found
