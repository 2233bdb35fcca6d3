"""What arrived: nonces, requests, scripts and the faults they met, all durable.

A fault is only worth something with the proof that it hit, and "the first three requests" only
means something if the count survives a crash. So both are kept even for a number under which
nothing else is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.emulators.core.book import Transaction, Value
from gateway.emulators.core.statements import load_statements

COUNTERS_MAX = 256
HITS_PER_ANSWER_MAX = 1_000
NONCES_PER_SWEEP_MAX = 10_000

_SQL = load_statements(__package__, "core.sql")


@dataclass(frozen=True)
class Visit:
    """How often a number was met, and the text of the script in force for it."""

    script: str | None = None
    posts: int = 0
    fault_hits: int = 0
    forgets: int = 0


def claim_nonce(txn: Transaction, nonce: str, expire_time_s: int) -> bool:
    """Use a nonce up; False when it was used before."""
    values: dict[str, Value] = {"nonce": nonce, "expire_time": expire_time_s}
    return txn.write(_SQL["claim_nonce"], values) == 1


def forget_nonces(txn: Transaction, now_s: int) -> int:
    """Drop nonces whose timestamp no request may carry any more; at most NONCES_PER_SWEEP_MAX."""
    values = {"now": now_s, "count_max": NONCES_PER_SWEEP_MAX}
    return txn.write(_SQL["forget_nonces"], values)


def count(txn: Transaction, topic: str, name: str, amount: int = 1) -> None:
    """Add `amount` to a counter."""
    txn.write(_SQL["add_to_counter"], {"topic": topic, "name": name, "amount": amount})


def read_counters(txn: Transaction, topic: str) -> Mapping[str, int]:
    """Every counter of a topic."""
    rows = txn.all(_SQL["read_counters"], {"topic": topic, "count_max": COUNTERS_MAX})
    return {row["name"]: row["value"] for row in rows}


def read_visit(txn: Transaction, kind: str, number: str) -> Visit:
    """What is remembered of a number; an empty Visit when it was never posted."""
    row = txn.one(_SQL["read_visit"], {"kind": kind, "number": number})
    return Visit() if row is None else Visit(*row)


def record_post(
    txn: Transaction, kind: str, number: str, script: str, *, script_is_kept: bool
) -> None:
    """Count a POST. Its script comes into force unless one is kept with the object already."""
    values: dict[str, Value] = {
        "kind": kind,
        "number": number,
        "script": script,
        "script_is_kept": int(script_is_kept),
    }
    txn.write(_SQL["record_post"], values)


def record_fault(txn: Transaction, kind: str, number: str, fault: str, now: int) -> None:
    """A request of this number met its scripted fault."""
    txn.write(_SQL["record_fault"], {"kind": kind, "number": number})
    record_hit(txn, kind, number, fault, now)


def record_forget(txn: Transaction, kind: str, number: str, now: int) -> None:
    """A query of this number was told that nothing is known."""
    txn.write(_SQL["record_forget"], {"kind": kind, "number": number})
    record_hit(txn, kind, number, "FORGET", now)


def record_hit(txn: Transaction, kind: str, number: str, fault: str, now: int) -> None:
    """Write the proof that something scripted happened."""
    values: dict[str, Value] = {"kind": kind, "number": number, "fault": fault, "hit_time": now}
    txn.write(_SQL["insert_hit"], values)


def read_hits(txn: Transaction, number: str) -> tuple[list[dict[str, object]], int]:
    """The first HITS_PER_ANSWER_MAX hits of a number, oldest first, and how many there are."""
    rows = txn.all(_SQL["read_hits"], {"number": number, "count_max": HITS_PER_ANSWER_MAX})
    total = txn.one(_SQL["count_hits"], {"number": number})
    hits = [{"fault": row[0], "kind": row[1], "time": row[2]} for row in rows]
    return hits, 0 if total is None else total["count"]
