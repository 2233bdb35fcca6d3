"""What a campaign did, as tables: calls, faults and their hits, unknowns and their end."""

from collections import Counter
from collections.abc import Iterator

from tests.faults.campaign import Result, counted
from tests.faults.outside import SANDBOX
from tests.faults.plan import SCRIPTED
from tests.invariants.world import Row

PROBLEMS_MAX = 40
JOURNEYS_MAX = 10


def report(result: Result) -> Iterator[str]:
    """Give the lines of the report; the problems last."""
    yield f"\ncampaign: seed {result.seed}, {result.seconds:.0f} s, {result.crowd.calls} calls"
    yield "\ncalls by kind and outcome"
    yield from _table(result.crowd.outcomes)
    yield "\nfaults: how many, and how many hit calls under way"
    for kind, count in sorted(result.monkey.strikes.items()):
        yield f"  {kind:<24}{count:>8}{result.monkey.hits[kind]:>8}"
    yield "\nscripted faults, by the sandbox's own record"
    sandbox = counted(result.proofs[SANDBOX])
    yield from (f"  {name:<24}{sandbox[name]:>8}" for name in SCRIPTED)
    for channel, faults in result.proofs.items():
        hits = counted(faults)
        told = ", ".join(f"{name} {count}" for name, count in sorted(hits.items()))
        yield f"\nfaults at {channel}, by its own record: {hits.total()} in all\n  {told}"
    yield "\npayments by channel and state"
    states = Counter((row["channel"], row["state"]) for row in result.world.payments)
    yield from _table(states)
    yield "\nwhat had to be asked about again, and what it came to"
    yield from _table(_unknowns(result))
    yield "\nwhat people have to see to"
    yield from _for_people(result)
    yield from _verdict(result)


def _unknowns(result: Result) -> Counter[tuple[str, str]]:
    asked = [row for row in result.world.attempts if row["tries"] or row["state"] == "OPEN"]
    closed = {row["number"] for row in result.world.charges if row["state"] == "CLOSED"}
    found = Counter((row["kind"].lower(), _ending(row, closed)) for row in asked)
    cases = Counter(row["kind"] for row in result.world.reviews)
    return found + Counter({("review cases", kind): n for kind, n in cases.items()})


def _for_people(result: Result) -> Iterator[str]:
    """Tell what stayed open or is a problem, what struck it, and what the channel says of it."""
    world = result.world
    lists = {"charge": world.charges, "capture": world.captures, "refund": world.refunds}
    book = {(kind, row["number"]): row for kind, rows in lists.items() for row in rows}
    text = "\n".join(result.problems)
    for row in world.attempts:
        if row["state"] != "OPEN" and str(row["payment_id"]) not in text:
            continue
        kind, number = row["kind"].lower(), row["number"]
        struck = Counter(result.proofs[row["channel"]].get(number, ()))
        words = ", ".join(f"{name} {count}" for name, count in struck.items()) or "nothing"
        there = book.get((kind, number))
        known = f"{there['state']} there" if there else "not in its book"
        asked = f"asked {row['tries']} times, not found {row['not_found_count']} times"
        yield f"  {row['channel']} {kind} {number}: {asked}; {known}; struck by {words}"
        if row["state"] != "OPEN":
            yield f"    {row['state']} here, of payment {row['payment_id']}: {row['evidence']}"


def _ending(row: Row, closed: set[str]) -> str:
    if row["state"] == "OPEN":
        return "with a person"
    return f"{row['state']}, closed there" if row["number"] in closed else str(row["state"])


def _table(counts: Counter[tuple[str, str]]) -> Iterator[str]:
    for (kind, outcome), count in sorted(counts.items()):
        yield f"  {kind:<14}{outcome:<42}{count:>8}"


def _verdict(result: Result) -> Iterator[str]:
    payments = len(result.world.payments)
    if not result.problems:
        yield f"\nAll invariants hold over {payments} payments."
        return
    yield f"\n{len(result.problems)} problems over {payments} payments:"
    yield from (f"  {problem}" for problem in result.problems[:PROBLEMS_MAX])
    yield "\nwhat the monkey did"
    yield from (f"  {at:6.2f} s  {strike}" for at, strike in result.monkey.done)
    yield "\njourneys that the problems are about"
    yield from (f"  {result.crowd.journey(index)}" for index in _journeys(result))


def _journeys(result: Result) -> list[int]:
    """Number the journeys whose payments, or what was done to them, the problems name."""
    text = "\n".join(result.problems)
    found = set()
    for row in result.world.payments:
        names = {str(row["payment_id"]), row["attempt_number"], row["order_id"]}
        names |= {
            str(other["operation_id"])
            for other in result.world.operations
            if other["payment_id"] == row["payment_id"]
        }
        if any(name and name in text for name in names):
            found.add(int(row["order_id"].rpartition("-")[2]))
    return sorted(found)[:JOURNEYS_MAX]
