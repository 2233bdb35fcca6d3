"""What each number of ours came to, here and in the channel's own book, as a part of I12.

Sums per payment may agree although two operations of it were taken for one another. So what is over
here is held against what the channel says of the very number.
"""

from collections.abc import Iterator

from tests.invariants.world import Row, World

KINDS = {"CAPTURE": "captures", "REFUND": "refunds"}


def numbers_agree(world: World) -> Iterator[str]:
    """Part of I12: a refund or capture that succeeded here did there, and one that failed did not.

    A capture may have no number of its own there; then nothing is said about it.
    """
    for kind, listed in KINDS.items():
        book = {row["number"]: row for row in getattr(world, listed)}
        for attempt in world.attempts:
            row = book.get(attempt["number"])
            if attempt["kind"] != kind or attempt["state"] == "OPEN":
                continue
            if row is None and kind == "CAPTURE":
                continue
            if _done(attempt) != _done(row):
                theirs = row["state"] if row else "not known"
                yield f"{kind} {attempt['number']} is {attempt['state']}, there it is {theirs}"


def _done(row: Row | None) -> bool:
    return row is not None and row["state"] == "SUCCEEDED"
