"""The checker can fail: each invariant has a small world that breaks it, and a good one does not.

The good world holds one payment of 10.00, paid, refunded by 4.00, and an authorisation of 5.00 of
which 3.00 was captured and the rest released. Each case breaks one thing of it.
"""

from collections.abc import Callable
from copy import deepcopy
from uuid import UUID

import pytest

from tests.invariants import Told, World, violations
from tests.invariants.rules import RULES
from tests.invariants.world import NOTHING, REFUSED, Row, object_uuid

PAID, HELD, REFUND, CAPTURE = (UUID(int=number) for number in (1, 2, 3, 4))
CHARGED, AUTHORIZED, GIVEN, TAKEN = (f"number-{name}" for name in "abcd")
OWNER = "m_shop"

Break = Callable[[World], object]


def good_world() -> World:
    """Make a world in which everything holds."""
    return World(
        payments=[
            _payment(PAID, "k-1", "AUTOMATIC", amount=1000, captured=1000, refunded=400, version=4),
            _payment(HELD, "k-2", "MANUAL", amount=500, captured=300, refunded=0, version=4),
        ],
        operations=[
            _operation(REFUND, PAID, "REFUND", "k-3", 400),
            _operation(CAPTURE, HELD, "CAPTURE", "k-4", 300),
        ],
        attempts=[
            _attempt(CHARGED, PAID, None, "CHARGE", 1000),
            _attempt(AUTHORIZED, HELD, None, "CHARGE", 500),
            _attempt(GIVEN, PAID, REFUND, "REFUND", 400),
            _attempt(TAKEN, HELD, CAPTURE, "CAPTURE", 300),
        ],
        claims=[
            _claim("k-1", "PAY", PAID),
            _claim("k-2", "PAY", HELD),
            _claim("k-3", "REFUND", REFUND),
            _claim("k-4", "CAPTURE", CAPTURE),
            _claim("k-5", "CANCEL", UUID(int=5), refusal="ILLEGAL_TRANSITION"),
        ],
        transfers=[
            _transfer(PAID, "channel_receivable", "merchant_unsettled", 1000),
            _transfer(PAID, "merchant_unsettled", "refund_in_transit", 400),
            _transfer(PAID, "refund_in_transit", "channel_receivable", 400),
            _transfer(HELD, "channel_receivable", "merchant_unsettled", 300),
        ],
        events=[
            _event(PAID, 1, "PROCESSING", "CREATED"),
            _event(PAID, 2, "SUCCEEDED", "CHANGED", captured=1000),
            _event(PAID, 3, "SUCCEEDED", "REFUND_ACCEPTED", REFUND, captured=1000, refunded=400),
            _event(PAID, 4, "SUCCEEDED", "REFUND_ENDED", REFUND, captured=1000, refunded=400),
            _event(HELD, 1, "PROCESSING", "CREATED"),
            _event(HELD, 2, "AUTHORIZED", "CHANGED"),
            _event(HELD, 3, "AUTHORIZED", "CAPTURE_ACCEPTED", CAPTURE),
            _event(HELD, 4, "SUCCEEDED", "CAPTURE_ENDED", CAPTURE, captured=300),
        ],
        sums=[
            _sum("channel_receivable", debits=1300, credits=400),
            _sum("merchant_unsettled", debits=400, credits=1300),
            _sum("refund_in_transit", debits=400, credits=400),
        ],
        reviews=[],
        charges=[
            _booked(CHARGED, 1000, charged=1000, refunded=400),
            _booked(AUTHORIZED, 500, charged=300),
        ],
        captures=[_booked(TAKEN, 300, charged=300)],
        refunds=[_booked(GIVEN, 400, refunded=400) | {"charge_number": CHARGED}],
        told=[
            Told(OWNER, "k-1", str(PAID), "SUCCEEDED"),
            Told(OWNER, "k-2", "", "AUTHORIZED"),
            Told(OWNER, "k-3", f"ref_{'0' * 21}3", "SUCCEEDED"),
            Told(OWNER, "k-5", "", REFUSED),
            Told(OWNER, "k-6", "", NOTHING),
        ],
    )


def failing(world: World) -> World:
    """Make the paid payment one that failed, and took and booked no money."""
    world.payments[0] |= {"state": "FAILED", "captured": 0, "refunded": 0, "version": 2}
    world.events = [row for row in world.events if row["payment_id"] == HELD]
    world.events += [_event(PAID, 1, "PROCESSING", "CREATED"), _event(PAID, 2, "FAILED", "CHANGED")]
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
    world.attempts.append(_attempt(number, PAID, None, "CHARGE", 1000))
    world.charges.append(_booked(number, 1000) | {"effects": state_of_effects})


def _late(world: World) -> None:
    failing(world).charges[0]["effects"]["charged"] = 1000


def _second_refund(world: World) -> None:
    world.attempts.append(_attempt("number-e", PAID, REFUND, "REFUND", 400))
    world.refunds.append(_booked("number-e", 400, refunded=400))


def _second_end(world: World) -> None:
    world.payments[0]["version"] = 5
    world.events.append(
        _event(PAID, 5, "SUCCEEDED", "REFUND_ENDED", REFUND, captured=1000, refunded=400)
    )


def _to(state: str) -> Break:
    def step(world: World) -> None:
        world.payments[0] |= {"state": state, "version": 5}
        world.events.append(_event(PAID, 5, state, "CHANGED", captured=1000, refunded=400))

    return step


def _overdrawn(world: World) -> None:
    world.sums += [_sum("wallet", debits=5), _sum("escrow", credits=5)]


BROKEN: list[tuple[str, str, Break]] = [
    ("I1", "an account of the other book", lambda w: w.transfers[0].update(book="O")),
    ("I1", "a book out of balance", lambda w: w.sums[0].update(debits=1301)),
    ("I1", "books that do not meet", lambda w: w.sums[0].update(code="due_to_own")),
    ("I2", "a cached sum that is off by one", lambda w: w.sums[0].update(debits=1301)),
    ("I2", "a cached sum of nothing", lambda w: w.sums.append(_sum("escrow", credits=1))),
    ("I2", "transfers that were never folded", lambda w: w.sums.pop()),
    ("I3", "two charges", lambda w: _extra_charge(w, {"charged": 1000, "refunded": 0})),
    ("I3", "a late success that was kept", _late),
    ("I3", "a refund given twice", _second_refund),
    ("I4", "a refund that was not reserved", lambda w: w.payments[0].update(refunded=0)),
    ("I4", "more refunded than captured", lambda w: w.operations[0].update(amount=1001)),
    ("I4", "more captured than authorised", lambda w: w.payments[0].update(amount=999)),
    ("I4", "captures that do not add up", lambda w: w.operations[1].update(amount=299)),
    ("I4", "an overdrawn wallet", _overdrawn),
    ("I5", "a key with two claims", lambda w: w.claims.append(_claim("k-1", "PAY", PAID))),
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
    ("I9", "a charge without an intent", lambda w: w.charges.append(_booked("stranger", 1))),
    ("I9", "a refund without an intent", lambda w: w.refunds.append(_booked("stranger", 1))),
    ("I9", "a capture under a charge's number", lambda w: w.captures.append(_booked(CHARGED, 1))),
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
]


def _swap(one: Row, other: Row) -> None:
    one["effects"]["charged"] += 5
    other["effects"]["charged"] -= 5


def _reviewed(world: World) -> None:
    reopened(world).reviews.append(_review("UNRESOLVED", GIVEN, PAID))


def _given_back(world: World) -> None:
    failing(world).charges[0]["effects"] = {"charged": 1000, "refunded": 1000}


def _return_refused(world: World) -> None:
    _late(world)
    world.transfers.append(_transfer(PAID, "channel_receivable", "suspense", 1000))
    world.sums[0]["debits"] += 1000
    world.sums.append(_sum("suspense", credits=1000))
    world.reviews.append(_review("RETURN_REFUSED", CHARGED, PAID))


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
    ("a payer has not acted yet", _waiting),
    ("a late success was given back", _given_back),
    ("a late success could not be given back, and a person looks at it", _return_refused),
    ("a number was closed that never was a charge", lambda w: w.charges.append(_tombstone(w))),
]


@pytest.mark.parametrize(
    ("rule", "what", "break_it"), BROKEN, ids=[f"{r} {w}" for r, w, _ in BROKEN]
)
def test_what_is_broken_is_reported(rule: str, what: str, break_it: Break) -> None:
    """A world that breaks an invariant is reported under its name."""
    world = deepcopy(good_world())
    break_it(world)
    assert any(found.startswith(f"{rule}: ") for found in violations(world)), violations(world)


@pytest.mark.parametrize(("what", "change"), FINE, ids=[what for what, _ in FINE])
def test_what_is_fine_is_not_reported(what: str, change: Break) -> None:
    """A world in which everything holds is reported by no rule."""
    world = deepcopy(good_world())
    change(world)
    assert violations(world) == []


def test_every_rule_can_fail() -> None:
    """No invariant is without a world that breaks it."""
    assert {rule for rule, _, _ in BROKEN} == set(RULES)


def test_a_channel_that_was_not_read_is_not_judged() -> None:
    """Without the channel's own book, nothing is said about it."""
    world = good_world()
    world.charges, world.captures, world.refunds = [], [], []
    world.has_book = False
    assert violations(world) == []


def test_identifiers_are_read_as_callers_see_them() -> None:
    """An identifier of the contract and the row's own are the same object."""
    assert object_uuid(f"pay_{'0' * 20}10") == UUID(int=62) == object_uuid(str(UUID(int=62)))


def _payment(payment_id: UUID, key: str, mode: str, **amounts: int) -> Row:
    return {
        "merchant_id": OWNER,
        "payment_id": payment_id,
        "idempotency_key": key,
        "capture_mode": mode,
        "state": "SUCCEEDED",
        **amounts,
    }


def _operation(operation_id: UUID, payment_id: UUID, kind: str, key: str, amount: int) -> Row:
    return {
        "merchant_id": OWNER,
        "operation_id": operation_id,
        "payment_id": payment_id,
        "kind": kind,
        "idempotency_key": key,
        "amount": amount,
        "state": "SUCCEEDED",
    }


def _attempt(
    number: str, payment_id: UUID, operation_id: UUID | None, kind: str, amount: int
) -> Row:
    return {
        "merchant_id": OWNER,
        "attempt_id": number,
        "number": number,
        "payment_id": payment_id,
        "operation_id": operation_id,
        "kind": kind,
        "amount": amount,
        "state": "SUCCEEDED",
        "evidence": "said so",
        "tries": 0,
    }


def _claim(key: str, kind: str, object_id: UUID, refusal: str | None = None) -> Row:
    fields = {"idempotency_key": key, "kind": kind, "object_id": object_id}
    return {"owner_id": OWNER, "refusal": refusal, **fields}


def _transfer(payment_id: UUID | None, debit: str, credit: str, amount: int) -> Row:
    return {
        "payment_id": payment_id,
        "book": "C",
        "debit_code": debit,
        "debit_key": "",
        "credit_code": credit,
        "credit_key": "",
        "currency": "CNY",
        "amount": amount,
        "wrote": 7,
        "row_of": 7,
    }


def _event(
    payment_id: UUID,
    version: int,
    state: str,
    kind: str,
    operation_id: UUID | None = None,
    *,
    captured: int = 0,
    refunded: int = 0,
) -> Row:
    return {
        "payment_id": payment_id,
        "operation_id": operation_id,
        "version": version,
        "state": state,
        "type": kind,
        "captured": captured,
        "refunded": refunded,
        "wrote": 7,
        "row_of": 7,
    }


def _sum(code: str, *, debits: int = 0, credits: int = 0) -> Row:  # noqa: A002 - the ledger's word
    account = {"book": "C", "code": code, "key": "", "currency": "CNY"}
    return {**account, "debits": debits, "credits": credits}


def _booked(number: str, amount: int, *, charged: int = 0, refunded: int = 0) -> Row:
    effects = {"charged": charged, "refunded": refunded}
    return {"number": number, "state": "SUCCEEDED", "amount": amount, "effects": effects}


def _tombstone(world: World) -> Row:
    world.attempts.append(_attempt("number-e", HELD, None, "CHARGE", 500) | {"state": "FAILED"})
    return _booked("number-e", 500) | {"state": "CLOSED", "amount": None}


def _review(kind: str, attempt_id: str, payment_id: UUID) -> Row:
    return {
        "kind": kind,
        "attempt_id": attempt_id,
        "payment_id": payment_id,
        "resolve_time": None,
    }
