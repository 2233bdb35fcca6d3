"""The checker can fail: each invariant has a small world that breaks it, and a good one does not.

Each case breaks one thing of a good world.
"""

from collections.abc import Callable
from copy import deepcopy
from uuid import UUID

import pytest

from tests.invariants import Told, World, violations
from tests.invariants.good import (
    CHARGED,
    FILLED,
    GIVEN,
    GONE,
    HELD,
    OWNER,
    PAID,
    REFUND,
    SENT,
    SPENT,
    account,
    attempt,
    booked,
    claim,
    event,
    payer_world,
    review,
    shop_world,
    transfer,
)
from tests.invariants.rules import RULES
from tests.invariants.world import NOTHING, REFUSED, Row, object_uuid

Break = Callable[[World], object]


def failing(world: World) -> World:
    """Make the paid payment one that failed, and took and booked no money."""
    world.payments[0] |= {"state": "FAILED", "captured": 0, "refunded": 0, "version": 2}
    world.events = [row for row in world.events if row["payment_id"] == HELD]
    world.events += [event(PAID, 1, "PROCESSING", "CREATED"), event(PAID, 2, "FAILED", "CHANGED")]
    world.operations, world.refunds = world.operations[1:], []
    world.attempts[0]["state"] = "FAILED"
    del world.attempts[2], world.claims[2], world.told[2], world.told[0], world.sums[2]
    world.transfers = world.transfers[3:]
    world.sums[0] |= {"debits": 300, "credits": 0}
    world.sums[1] |= {"debits": 0, "credits": 300}
    world.charges[0]["effects"] = {"charged": 0, "refunded": 0}
    return world


def reopened(world: World) -> World:
    """Take the refund's outcome back: its attempt is open, its amount reserved."""
    world.operations[0]["state"], world.attempts[2]["state"] = "PROCESSING", "OPEN"
    world.events[3] |= {"type": "CHANGED", "operation_id": None}
    world.transfers.pop(2)
    world.sums[0]["credits"], world.sums[2]["debits"] = 0, 0
    world.refunds, world.charges[0]["effects"]["refunded"] = [], 0
    world.told.pop(2)
    return world


def _extra_charge(world: World, state_of_effects: dict[str, int]) -> None:
    number = "number-e"
    world.attempts.append(attempt(number, PAID, None, "CHARGE", 1000))
    world.charges.append(booked(number, 1000) | {"effects": state_of_effects})


def _late(world: World) -> None:
    failing(world).charges[0]["effects"]["charged"] = 1000


def _second_refund(world: World) -> None:
    world.attempts.append(attempt("number-e", PAID, REFUND, "REFUND", 400))
    world.refunds.append(booked("number-e", 400, refunded=400))


def _second_end(world: World) -> None:
    world.payments[0]["version"] = 5
    world.events.append(
        event(PAID, 5, "SUCCEEDED", "REFUND_ENDED", REFUND, captured=1000, refunded=400)
    )


def _to(state: str) -> Break:
    def step(world: World) -> None:
        world.payments[0] |= {"state": state, "version": 5}
        world.events.append(event(PAID, 5, state, "CHANGED", captured=1000, refunded=400))

    return step


def _overdrawn(world: World) -> None:
    world.sums += [account("wallet", debits=5), account("escrow", credits=5)]


BROKEN: list[tuple[str, str, Break]] = [
    ("I1", "an account of the other book", lambda w: w.transfers[0].update(book="O")),
    ("I1", "a book out of balance", lambda w: w.sums[0].update(debits=1301)),
    ("I1", "books that do not meet", lambda w: w.sums[0].update(code="due_to_own")),
    ("I2", "a cached sum that is off by one", lambda w: w.sums[0].update(debits=1301)),
    ("I2", "a cached sum of nothing", lambda w: w.sums.append(account("escrow", credits=1))),
    ("I2", "transfers that were never folded", lambda w: w.sums.pop()),
    ("I3", "two charges", lambda w: _extra_charge(w, {"charged": 1000, "refunded": 0})),
    ("I3", "a late success that was kept", _late),
    ("I3", "a refund given twice", _second_refund),
    ("I4", "a refund that was not reserved", lambda w: w.payments[0].update(refunded=0)),
    ("I4", "more refunded than captured", lambda w: w.operations[0].update(amount=1001)),
    ("I4", "more captured than authorised", lambda w: w.payments[0].update(amount=999)),
    ("I4", "captures that do not add up", lambda w: w.operations[1].update(amount=299)),
    ("I4", "an overdrawn wallet", _overdrawn),
    ("I5", "a key with two claims", lambda w: w.claims.append(claim("k-1", "PAY", PAID))),
    ("I5", "an object without a claim", lambda w: w.claims.pop(0)),
    ("I5", "an object under another's key", lambda w: w.claims[0].update(idempotency_key="k-9")),
    ("I5", "a claim of another kind", lambda w: w.claims[0].update(kind="REFUND")),
    ("I5", "two ends", lambda w: w.events[2].update(state="FAILED")),
    ("I6", "a refused key that was executed", lambda w: w.claims[0].update(refusal="X")),
    ("I6", "an accepted key that made nothing", lambda w: w.claims[4].update(refusal=None)),
    ("I7", "an answer that is lost", lambda w: w.claims.pop(2)),
    ("I7", "another object", lambda w: w.told.append(Told(OWNER, "k-1", str(HELD), "SUCCEEDED"))),
    ("I7", "another end", lambda w: w.told.append(Told(OWNER, "k-1", str(PAID), "FAILED"))),
    ("I7", "no such refusal", lambda w: w.told.append(Told(OWNER, "k-1", "", REFUSED))),
    ("I7", "told of nothing, kept", lambda w: w.told.append(Told(OWNER, "k-1", "", NOTHING))),
    ("I8", "a gap in the versions", lambda w: w.events.pop(1)),
    ("I8", "a state after the last", _to("PROCESSING")),
    ("I8", "a beginning in the middle", lambda w: w.events[0].update(state="AUTHORIZED")),
    ("I8", "a row that its events do not explain", lambda w: w.payments[1].update(captured=299)),
    ("I8", "an operation that ended twice", _second_end),
    ("I8", "an operation that never ended", lambda w: w.events[3].update(type="CHANGED")),
    ("I9", "a charge without an intent", lambda w: w.charges.append(booked("stranger", 1))),
    ("I9", "a refund without an intent", lambda w: w.refunds.append(booked("stranger", 1))),
    ("I9", "a capture under a charge's number", lambda w: w.captures.append(booked(CHARGED, 1))),
    ("I9", "another amount than was meant", lambda w: w.charges[0].update(amount=1001)),
    ("I10", "a failure without proof", lambda w: failing(w).attempts[0].update(evidence="")),
    ("I10", "an attempt that stays open", reopened),
    ("I10", "a payment nobody asks about", lambda w: w.payments[0].update(state="PROCESSING")),
    ("I10", "a refund nobody asks about", lambda w: w.operations[0].update(state="PROCESSING")),
    ("I11", "a transfer that was changed", lambda w: w.transfers[0].update(row_of=8)),
    ("I11", "an event that was changed", lambda w: w.events[0].update(row_of=8)),
    ("I12", "money that was never booked", lambda w: w.charges[0]["effects"].update(charged=1001)),
    ("I12", "money that the channel never took", lambda w: w.charges.pop(0)),
    ("I12", "differences that add up to nothing", lambda w: _swap(w.charges[0], w.charges[1])),
    ("I12", "a refund that the channel never made", lambda w: w.refunds.clear()),
    ("I12", "a refund that failed here alone", lambda w: w.attempts[2].update(state="FAILED")),
    ("I12", "a capture that failed there", lambda w: w.captures[0].update(state="DECLINED")),
]


def _swap(one: Row, other: Row) -> None:
    one["effects"]["charged"] += 5
    other["effects"]["charged"] -= 5


def _reviewed(world: World) -> None:
    reopened(world).reviews.append(review("UNRESOLVED", GIVEN, PAID))


def _given_back(world: World) -> None:
    failing(world).charges[0]["effects"] = {"charged": 1000, "refunded": 1000}


def _return_refused(world: World) -> None:
    _late(world)
    world.transfers.append(transfer(PAID, "channel_receivable", "suspense", 1000))
    world.sums[0]["debits"] += 1000
    world.sums.append(account("suspense", credits=1000))
    world.reviews.append(review("RETURN_REFUSED", CHARGED, PAID))


def _restless(world: World) -> None:
    reopened(world).quiet = False


def _waiting(world: World) -> None:
    failing(world).payments[0]["state"] = "REQUIRES_ACTION"
    world.events[-1]["state"], world.attempts[0]["state"] = "REQUIRES_ACTION", "OPEN"


FINE: list[tuple[str, Break]] = [
    ("nothing is broken", lambda world: None),
    ("a payment failed with proof", failing),
    ("a refund is open, and a person looks at it", _reviewed),
    ("a refund is open, and nothing rests yet", _restless),
    ("a capture has no number there", lambda w: w.captures.clear()),
    ("a payer has not acted yet", _waiting),
    ("a late success was given back", _given_back),
    ("a late success could not be given back, and a person looks at it", _return_refused),
    ("a number was closed that never was a charge", lambda w: w.charges.append(_tombstone(w))),
]


def _sent_back(world: World) -> World:
    """Make the withdrawal one that failed, and whose money is in the wallet again."""
    world.payments[3] |= {"state": "FAILED", "captured": 0}
    world.events[-1] |= {"state": "FAILED", "captured": 0}
    world.attempts[1]["state"] = "FAILED"
    world.transfers[-1] = transfer(SENT, "payout_in_transit", "wallet", 100)
    world.wallets[0]["available"] = 250
    world.sums[1]["credits"] = 700
    del world.sums[5]
    world.payouts[0]["effects"] = {"paid_out": 0}
    return world


def _paid_out_late(world: World) -> World:
    _sent_back(world).payouts[0]["effects"] = {"paid_out": 100}
    world.transfers.append(transfer(SENT, "suspense", "reserve_bank", 100))
    world.sums += [account("suspense", debits=100), account("reserve_bank", credits=100)]
    return world


def _known_paid_out_late(world: World) -> None:
    _paid_out_late(world).reviews.append(review("LATE_SUCCESS", GONE, SENT))


def _second_payout(world: World) -> None:
    world.attempts.append(attempt("number-z", SENT, None, "PAYOUT", 100))
    world.payouts.append(booked("number-z", 100, paid_out=100))


def _borrowed(world: World) -> None:
    """One payer's wallet pays with what only another's covers."""
    world.transfers.append(
        transfer(SPENT, "wallet", "merchant_unsettled", 5) | {"debit_key": "p-2"}
    )
    world.sums[1]["debits"] += 5
    world.sums[3]["credits"] += 5


def _no_more_held(world: World) -> None:
    world.payments[2] |= {"state": "EXPIRED", "captured": 0}
    world.events[4] |= {"state": "EXPIRED", "captured": 0}


STRANGER = {"owner_id": "@p-9", "currency": "CNY", "available": 5, "held": 0}

BROKEN_WALLETS: list[tuple[str, str, Break]] = [
    ("I2", "a wallet that says too much", lambda w: w.wallets[0].update(available=151)),
    ("I2", "a hold that nobody booked", lambda w: w.wallets[0].update(held=101)),
    ("I2", "a wallet without its row", lambda w: w.wallets.clear()),
    ("I2", "a wallet that nothing came into", lambda w: w.wallets.append(STRANGER)),
    ("I3", "a payout made twice", _second_payout),
    ("I3", "a failed withdrawal that was paid out", _paid_out_late),
    ("I4", "a wallet that another's covers", _borrowed),
    ("I4", "a row below zero", lambda w: w.wallets[0].update(held=-1)),
    ("I4", "a hold that outlives its payment", _no_more_held),
    ("I4", "a capture that leaves its hold", lambda w: w.payments[2].update(captured=60)),
    ("I5", "a top-up under a payment's key", lambda w: w.claims[0].update(kind="PAY")),
    ("I5", "a withdrawal under a top-up's", lambda w: w.claims[4].update(kind="TOP_UP")),
    ("I8", "a charge that began at its end", lambda w: w.payments[1].update(channel="sandbox")),
    ("I8", "a wallet that had to wait", lambda w: w.events[2].update(state="PROCESSING")),
    ("I9", "a payout without an intent", lambda w: w.payouts.append(booked("stranger", 1))),
    ("I9", "a payout under a charge's number", lambda w: w.payouts.append(booked(FILLED, 600))),
    ("I9", "a payout of another amount", lambda w: w.payouts[0].update(amount=101)),
    ("I10", "a payout nobody asks about", lambda w: w.payments[3].update(state="PROCESSING")),
    ("I12", "a payout that was never made", lambda w: w.payouts.clear()),
    ("I12", "a payout of more", lambda w: w.payouts[0]["effects"].update(paid_out=101)),
    ("I12", "a payout that was not booked", lambda w: w.transfers.pop()),
]

FINE_WALLETS: list[tuple[str, Break]] = [
    ("nothing is broken", lambda world: None),
    ("a withdrawal failed, and the money is back", _sent_back),
    ("a failed withdrawal was paid out, and a person looks at it", _known_paid_out_late),
]

CASES = [(shop_world, *case) for case in BROKEN] + [(payer_world, *case) for case in BROKEN_WALLETS]
FINE_CASES = [(shop_world, *case) for case in FINE] + [
    (payer_world, *case) for case in FINE_WALLETS
]


@pytest.mark.parametrize(
    ("make", "rule", "what", "break_it"), CASES, ids=[f"{r} {w}" for _, r, w, _ in CASES]
)
def test_what_is_broken_is_reported(
    make: Callable[[], World], rule: str, what: str, break_it: Break
) -> None:
    """A world that breaks an invariant is reported under its name."""
    world = deepcopy(make())
    break_it(world)
    assert any(found.startswith(f"{rule}: ") for found in violations(world)), violations(world)


@pytest.mark.parametrize(
    ("make", "what", "change"),
    FINE_CASES,
    ids=[f"{make.__name__} {what}" for make, what, _ in FINE_CASES],
)
def test_what_is_fine_is_not_reported(make: Callable[[], World], what: str, change: Break) -> None:
    """A world in which everything holds is reported by no rule."""
    world = deepcopy(make())
    change(world)
    assert violations(world) == []


def test_every_rule_can_fail() -> None:
    """No invariant is without a world that breaks it."""
    assert {rule for rule, _, _ in BROKEN} == set(RULES)


def test_a_channel_that_was_not_read_is_not_judged() -> None:
    """Without the channel's own book, nothing is said about it."""
    world = shop_world()
    world.charges, world.captures, world.refunds = [], [], []
    world.has_book = False
    assert violations(world) == []


def test_identifiers_are_read_as_callers_see_them() -> None:
    """An identifier of the contract and the row's own are the same object."""
    assert object_uuid(f"pay_{'0' * 20}10") == UUID(int=62) == object_uuid(str(UUID(int=62)))


def _tombstone(world: World) -> Row:
    world.attempts.append(attempt("number-e", HELD, None, "CHARGE", 500) | {"state": "FAILED"})
    return booked("number-e", 500) | {"state": "CLOSED", "amount": None}
