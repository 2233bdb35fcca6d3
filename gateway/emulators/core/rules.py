"""Rules: what a stand-in shall do to requests that it has not seen yet.

A caller of a real channel puts no script into its requests, and its numbers are not known before
they arrive. So a test says beforehand what shall happen: a rule waits for the next request of an
operation whose fields have given values, passes over the first `skip` of them and strikes `count`
times. Striking is part of the request's own commit: a rule is used up exactly when what it asked
for has happened, whatever crashes. What a rule asks for is its `content`, which only the stand-in
understands.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.emulators.core.book import Row, Transaction
from gateway.emulators.core.fields import Fields, InvalidField
from gateway.emulators.core.statements import load_statements

ANY = "*"
RULES_MAX = 1_000
MATCHES_MAX = 16
COUNT_MAX = 1_000_000
TEXT_LENGTH_MAX = 256

_SQL = load_statements(__package__, "channel.sql")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What shall strike: `count` requests (0: all that come) after the first `skip` ones."""

    topic: str
    operation: str = ANY
    matches: Mapping[str, str] = field(default_factory=dict)
    content: Mapping[str, Any]
    skip: int = 0
    count: int = 1


class TooManyRules(Exception):
    """RULES_MAX rules wait already."""


def read_frame(fields: Fields, operations: frozenset[str]) -> dict[str, Any]:
    """The members of a rule that every stand-in has: all but topic and content."""
    frame: dict[str, Any] = {}
    if fields.has("operation"):
        frame["operation"] = fields.choice("operation", (ANY, *sorted(operations)))
    if fields.has("match"):
        frame["matches"] = _read_matches(fields.take("match"))
    for name in ("skip", "count"):
        if fields.has(name):
            frame[name] = fields.integer(name, 0, COUNT_MAX)
    return frame


def add(txn: Transaction, rule: Rule) -> int:
    """Let a rule wait; its id. Raises TooManyRules."""
    counted = txn.one(_SQL["count_rules"], {})
    assert counted is not None
    if counted["count"] >= RULES_MAX:
        raise TooManyRules(f"{RULES_MAX} rules wait already: delete some.")
    txn.write(
        _SQL["insert_rule"],
        {
            "topic": rule.topic,
            "operation": rule.operation,
            "matches": json.dumps(dict(rule.matches)),
            "content": json.dumps(dict(rule.content)),
            "skip": rule.skip,
            "remaining": rule.count or None,
        },
    )
    row = txn.one(_SQL["last_rule"], {})
    assert row is not None
    return int(row["id"])


def take(
    txn: Transaction, topic: str, operation: str, fields: Mapping[str, str]
) -> dict[str, Any] | None:
    """The content of the oldest rule that strikes this request, which uses it once; or None."""
    for row in txn.all(_SQL["rules_for"], {"topic": topic, "operation": operation}):
        wanted: dict[str, str] = json.loads(row["matches"])
        if any(fields.get(path) != text for path, text in wanted.items()):
            continue
        if row["skip"]:
            txn.write(_SQL["skip_rule"], {"id": row["id"]})
            continue
        _use(txn, row)
        content: dict[str, Any] = json.loads(row["content"])
        return content
    return None


def read_all(txn: Transaction) -> list[dict[str, Any]]:
    """Every rule that waits, oldest first."""
    return [
        {
            "id": row["id"],
            "topic": row["topic"],
            "operation": row["operation"],
            "match": json.loads(row["matches"]),
            "skip": row["skip"],
            "count": row["remaining"] or 0,
            row["topic"].lower(): json.loads(row["content"]),
        }
        for row in txn.all(_SQL["read_rules"], {})
    ]


def delete(txn: Transaction, rule_id: int | None) -> int:
    """Take back one rule, or all of them (None); how many there were."""
    if rule_id is None:
        return txn.write(_SQL["delete_rules"], {})
    return txn.write(_SQL["delete_rule"], {"id": rule_id})


def _use(txn: Transaction, row: Row) -> None:
    if row["remaining"] == 1:
        txn.write(_SQL["delete_rule"], {"id": row["id"]})
    elif row["remaining"] is not None:
        txn.write(_SQL["use_rule"], {"id": row["id"]})


def _read_matches(value: Any) -> dict[str, str]:
    if type(value) is not dict or len(value) > MATCHES_MAX:
        raise InvalidField("match", f"must be an object of at most {MATCHES_MAX} members")
    fields = Fields(value, "match")
    return {path: fields.text(path, TEXT_LENGTH_MAX) for path in value}
