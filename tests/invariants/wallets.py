"""What holds of payers' wallets and of payouts, as parts of the invariants that they belong to.

That no wallet was ever below zero follows: the database refuses a row below zero in every commit,
and a row is the fold of its transfers in every snapshot that is checked. The order of decisions
about one wallet stands nowhere in the rows, so it cannot be walked again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.invariants.world import Row, World

CODES = {"wallet": "available", "wallet_held": "held"}
Purse = tuple[str, str]
"""A payer and a currency."""


def rows_equal_folds(world: World) -> Iterator[str]:
    """Part of I2: a wallet's row is the fold of its transfers, per payer and currency."""
    folds = _folds(world)
    for key, kept in _rows(world).items():
        for column in CODES.values():
            one, other = kept[column], folds[key][column]
            if one != other:
                yield f"wallet {key}: {one} {column}, its transfers say {other}"


def held_is_uncaptured(world: World) -> Iterator[str]:
    """Part of I4: what a wallet holds is what its authorised payments have not captured yet."""
    held: Counter[Purse] = Counter()
    for row in world.payments:
        if row["channel"] == "wallet" and row["state"] == "AUTHORIZED":
            held[row["payer_id"], row["currency"]] += row["amount"] - row["captured"]
    for key, kept in _rows(world).items():
        if kept["held"] != held[key]:
            yield f"wallet {key} holds {kept['held']}, its authorised payments {held[key]}"


def none_below_zero(world: World) -> Iterator[str]:
    """Part of I4: no wallet is below zero, by its row or by its transfers."""
    for source in (_rows(world), _folds(world)):
        for key, sums in source.items():
            if min(sums["available"], sums["held"]) < 0:
                yield f"wallet {key} is below zero: {dict(sums)}"


def paid_out_once(world: World) -> Iterator[str]:
    """Part of I3: a withdrawal is paid out once; one that failed is not, or a person knows."""
    payments = {row["payment_id"]: row for row in world.payments}
    payment_of = {row["number"]: row["payment_id"] for row in world.attempts}
    seen_to = {row["payment_id"] for row in world.reviews if row["kind"] == "LATE_SUCCESS"}
    paid: Counter[object] = Counter()
    for payout in world.payouts:
        payment = payments.get(payment_of.get(payout["number"]))
        if payment is None or payout["effects"]["paid_out"] == 0:
            continue
        key = payment["payment_id"]
        paid[key] += 1
        if payment["state"] == "FAILED" and world.quiet and key not in seen_to:
            yield f"withdrawal {key} failed, but was paid out, and nobody knows"
    yield from (f"withdrawal {key} was paid out {n} times" for key, n in paid.items() if n > 1)


def paid_out_equals_reserve(world: World, explained: set[object]) -> Iterator[str]:
    """Part of I12: what left the reserve for each withdrawal is what the channel paid out."""
    payment_of = {row["number"]: row["payment_id"] for row in world.attempts}
    theirs, ours = Counter[object](), Counter[object]()
    for payout in world.payouts:
        theirs[payment_of.get(payout["number"])] += payout["effects"]["paid_out"]
    for row in world.transfers:
        if row["payment_id"] is not None:
            sign = (row["credit_code"] == "reserve_bank") - (row["debit_code"] == "reserve_bank")
            ours[row["payment_id"]] += sign * row["amount"]
    for key in theirs.keys() | ours.keys():
        if key not in explained and theirs[key] != ours[key]:
            yield f"withdrawal {key}: the channel paid {theirs[key]}, the reserve {ours[key]}"


def _rows(world: World) -> dict[Purse, Row]:
    """Every wallet's row; an empty one for a wallet that was booked on and has none."""
    found: dict[Purse, Row] = {key: {"available": 0, "held": 0} for key in _folds(world)}
    return found | {
        (row["owner_id"].removeprefix("@"), row["currency"]): row for row in world.wallets
    }


def _folds(world: World) -> dict[Purse, Counter[str]]:
    folds: dict[Purse, Counter[str]] = defaultdict(Counter)
    for row in world.transfers:
        for side, sign in (("credit", 1), ("debit", -1)):
            if row[f"{side}_code"] in CODES:
                fold = folds[row[f"{side}_key"], row["currency"]]
                fold[CODES[row[f"{side}_code"]]] += sign * row["amount"]
    return folds
