"""One pure function per invariant; each yields a sentence per violation."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise

from tests.invariants import wallets
from tests.invariants.numbers import numbers_agree
from tests.invariants.world import NOTHING, REFUSED, Row, Told, World, object_uuid

UNPAID = {"FAILED", "CANCELED", "EXPIRED"}
TERMINAL = UNPAID | {"SUCCEEDED"}
BEGINNINGS = {"PROCESSING", "FAILED"}
WALLET_BEGINNINGS = {"SUCCEEDED", "AUTHORIZED", "FAILED"}
"""A payment from a wallet needs nobody's answer: it begins where others end."""

LEGAL = {
    "PROCESSING": {"REQUIRES_ACTION", "AUTHORIZED"} | TERMINAL,
    "REQUIRES_ACTION": {"PROCESSING", "AUTHORIZED"} | TERMINAL,
    "AUTHORIZED": {"SUCCEEDED", "CANCELED", "EXPIRED"},
}

CHART = {
    "C": {
        *("reserve_bank", "channel_receivable", "wallet", "wallet_held", "merchant_unsettled"),
        *("merchant_available", "refund_in_transit", "payout_in_transit", "escrow"),
        *("dispute_hold", "suspense", "due_to_own"),
    },
    "O": {
        *("due_from_reserve", "own_bank", "merchant_debt", "fee_income", "channel_fee_expense"),
        *("promo_expense", "loss_compensation"),
    },
}
MEETING = {("C", "due_to_own"), ("O", "due_from_reserve")}
NEVER_NEGATIVE = {"wallet", "wallet_held", "due_to_own"}
OWN_DOING = {"RELEASE", "RETURN"}
"""Operations that the gateway starts by itself: without a key, and named by no event."""

KINDS = {"charge": "CHARGE", "capture": "CAPTURE", "refund": "REFUND", "payout": "PAYOUT"}
"""Kind of the attempts whose numbers each of the channel's lists shows."""

CLAIMS = {"PURCHASE": "PAY", "TOP_UP": "TOP_UP", "WITHDRAWAL": "WITHDRAW"}
"""What a key stands for, by the purpose of the payment that it made."""

Account = tuple[str, str, str, str]


def violations(world: World) -> list[str]:
    """Check every invariant. Empty where all hold."""
    return [f"{name}: {words}" for name, rule in RULES.items() for words in rule(world)]


def books_balance(world: World) -> Iterator[str]:
    """I1: every book balances per currency, uses its own chart, and the books meet."""
    for row in world.transfers:
        if not {row["debit_code"], row["credit_code"]} <= CHART[row["book"]] or row["amount"] <= 0:
            yield f"not a transfer of book {row['book']}: {row}"
    sides, meeting = Counter[tuple[str, str]](), Counter[str]()
    for row in world.sums:
        balance = row["credits"] - row["debits"]
        sides[row["book"], row["currency"]] += balance
        if (row["book"], row["code"]) in MEETING:
            meeting[row["currency"]] += balance
    for (book, currency), difference in sides.items():
        if difference:
            yield f"book {book} in {currency} is out of balance by {difference}"
    for currency, difference in meeting.items():
        if difference:
            yield f"{currency}: due_to_own and due_from_reserve differ by {difference}"


def sums_equal_folds(world: World) -> Iterator[str]:
    """I2: a cached balance plus what is not yet folded equals the fold of all transfers.

    Wallets, which are one balance, have a row each that equals theirs.
    """
    folded: Counter[tuple[Account, str]] = Counter()
    for row in world.transfers:
        for side in ("debit", "credit"):
            code = row[f"{side}_code"]
            key = "" if code in wallets.CODES else row[f"{side}_key"]
            folded[(row["book"], code, key, row["currency"]), f"{side}s"] += row["amount"]
    cached: Counter[tuple[Account, str]] = Counter()
    for row in world.sums:
        account = (row["book"], row["code"], row["key"], row["currency"])
        cached.update({(account, side): row[side] for side in ("debits", "credits")})
    for account, side in sorted(folded.keys() | cached.keys()):
        one, other = cached[account, side], folded[account, side]
        if one != other:
            yield f"{side} of {account}: cached {one}, transfers say {other}"
    yield from wallets.rows_equal_folds(world)


def channel_moved_money_once(world: World) -> Iterator[str]:
    """I3: at most one charge per payment that succeeded and was not given back; refunds once.

    A late success may be kept only while its return is under way, or refused and with a person.
    Payouts once, too.
    """
    payments, by_number = _payments(world), {row["number"]: row for row in world.attempts}
    excused = {row["payment_id"] for row in world.reviews if row["kind"] == "RETURN_REFUSED"}
    excused |= {row["payment_id"] for row in _open_for_people(world)}
    kept: Counter[object] = Counter()
    for charge in world.charges:
        attempt, effects = by_number.get(charge["number"]), charge["effects"]
        if attempt is None or effects["charged"] == 0:
            continue
        payment_id, state = attempt["payment_id"], payments[attempt["payment_id"]]["state"]
        given_back = effects["refunded"] >= effects["charged"]
        if state in UNPAID and not given_back and world.quiet and payment_id not in excused:
            yield f"payment {payment_id} is {state}, but its charge was kept"
        kept[payment_id] += not (state in UNPAID and given_back)
    yield from (f"payment {key} was charged {n} times" for key, n in kept.items() if n > 1)
    done = Counter(
        by_number[row["number"]]["operation_id"]
        for row in (*world.refunds, *world.captures)
        if row["state"] == "SUCCEEDED" and row["number"] in by_number
    )
    yield from (f"operation {key} was done {n} times" for key, n in done.items() if n > 1)
    yield from wallets.paid_out_once(world)


def amounts_are_ordered(world: World) -> Iterator[str]:
    """I4: refunds <= captured <= authorised, and no account with an overdraft rule below zero."""
    reserved, taken = Counter[object](), Counter[object]()
    for operation in world.operations:
        if operation["kind"] == "REFUND" and operation["state"] != "FAILED":
            reserved[operation["payment_id"]] += operation["amount"]
        if operation["kind"] == "CAPTURE" and operation["state"] == "SUCCEEDED":
            taken[operation["payment_id"]] += operation["amount"]
    for row in world.payments:
        key, amount, captured = row["payment_id"], row["amount"], row["captured"]
        if not reserved[key] == row["refunded"] <= captured <= amount:
            yield f"payment {key}: {amount}/{captured}/{row['refunded']}, reserved {reserved[key]}"
        if row["capture_mode"] == "MANUAL" and captured != taken[key]:
            yield f"payment {key}: captured {captured}, its captures say {taken[key]}"
    for row in world.sums:
        if row["code"] in NEVER_NEGATIVE and row["credits"] < row["debits"]:
            yield f"{row['code']} {row['key']} {row['currency']} is below zero"
    yield from wallets.none_below_zero(world)
    yield from wallets.held_is_uncaptured(world)


def one_key_one_object(world: World) -> Iterator[str]:
    """I5: one (owner, key), one object, one terminal outcome."""
    seen = Counter((row["owner_id"], row["idempotency_key"]) for row in world.claims)
    yield from (f"key {key} is claimed {n} times" for key, n in seen.items() if n > 1)
    claims = {row["object_id"]: row for row in world.claims}
    objects = [(row["payment_id"], CLAIMS[row["purpose"]], row) for row in world.payments]
    objects += [(row["operation_id"], row["kind"], row) for row in world.operations]
    for object_id, kind, row in objects:
        claim = claims.get(object_id)
        if kind not in OWN_DOING and (claim is None or not _is_of(claim, kind, row)):
            yield f"{kind} {object_id} has no claim of its own"
    for payment_id, events in _by_payment(world).items():
        ends = {event["state"] for event in events} & TERMINAL
        if len(ends) > 1:
            yield f"payment {payment_id} ended as {sorted(ends)}"


def mismatches_execute_nothing(world: World) -> Iterator[str]:
    """I6: every key that was not refused made exactly its object; refused ones made nothing."""
    made = {row["payment_id"] for row in world.payments}
    made |= {row["operation_id"] for row in world.operations}
    for claim in world.claims:
        if claim["kind"] == "FUND":
            continue
        if claim["refusal"] and claim["object_id"] in made:
            yield f"key {claim['idempotency_key']} was refused {claim['refusal']}, and executed"
        if not claim["refusal"] and claim["object_id"] not in made:
            yield f"key {claim['idempotency_key']} was accepted, and made nothing"


def told_is_kept(world: World) -> Iterator[str]:
    """I7: every answer that a caller got is what the rows say. I16: told of nothing, nothing is."""
    claims = {(row["owner_id"], row["idempotency_key"]): row for row in world.claims}
    states = {row["payment_id"]: row["state"] for row in world.payments}
    states |= {row["operation_id"]: row["state"] for row in world.operations}
    for told in world.told:
        claim = claims.get((told.merchant_id, told.idempotency_key))
        if not _keeps(claim, states.get(claim["object_id"]) if claim else None, told):
            state = claim and (claim["refusal"] or states.get(claim["object_id"]))
            yield f"told {told}, but the rows say {claim and claim['object_id']} {state}"


def only_legal_transitions(world: World) -> Iterator[str]:
    """I8: events walk the state table without a gap; terminal is final; the row is the last."""
    by_payment = _by_payment(world)
    for payment_id, row in _payments(world).items():
        events = by_payment.get(payment_id, [])
        if [event["version"] for event in events] != list(range(1, row["version"] + 1)):
            yield f"payment {payment_id} has versions {[event['version'] for event in events]}"
            continue
        beginnings = WALLET_BEGINNINGS if row["channel"] == "wallet" else BEGINNINGS
        if events[0]["state"] not in beginnings:
            yield f"payment {payment_id} began as {events[0]['state']}"
        for one, other in pairwise(event["state"] for event in events):
            if one != other and other not in LEGAL.get(one, set()):
                yield f"payment {payment_id} went from {one} to {other}"
        shown = [tuple(x[n] for n in ("state", "captured", "refunded")) for x in (row, events[-1])]
        if shown[0] != shown[1]:
            yield f"payment {payment_id} is {shown[0]}, but its last event says {shown[1]}"
    ends = Counter(event["operation_id"] for event in world.events if _ends_operation(event))
    for row in world.operations:
        key = row["operation_id"]
        if row["kind"] not in OWN_DOING and ends[key] != (row["state"] != "PROCESSING"):
            yield f"{row['kind']} {key} is {row['state']} and ended {ends[key]} times"


def nothing_sent_without_intent(world: World) -> Iterator[str]:
    """I9: every number in the channel's book is an attempt of ours, of that kind and amount."""
    ours = {row["number"]: row for row in world.attempts}
    for kind, kind_of_attempt in KINDS.items():
        for row in getattr(world, f"{kind}s"):
            intent = ours.get(row["number"])
            if intent is None or intent["kind"] != kind_of_attempt:
                yield f"{kind} {row['number']} has no intent"
            elif row["amount"] not in (None, intent["amount"]):
                yield f"{kind} {row['number']} is {row['amount']}, we meant {intent['amount']}"


def unknowns_are_resolved(world: World) -> Iterator[str]:
    """I10: no attempt failed without stored proof; once quiet, none is open without a reason.

    And whatever is open has an attempt that somebody asks about.
    """
    payments = _payments(world)
    reviewed = {row["attempt_id"] for row in _open_for_people(world)}
    for row in world.attempts:
        if row["state"] in ("FAILED", "NOT_SENT") and not row["evidence"]:
            yield f"attempt {row['number']} failed without proof"
        payer_acts = payments[row["payment_id"]]["state"] == "REQUIRES_ACTION"
        waits = (row["kind"] == "CHARGE" and payer_acts) or row["attempt_id"] in reviewed
        if world.quiet and row["state"] == "OPEN" and not waits:
            yield f"{row['kind']} {row['number']} is still open after {row['tries']} tries"
    asked = {row["operation_id"] or row["payment_id"] for row in _open_attempts(world)}
    for key, row in payments.items():
        if row["state"] in ("PROCESSING", "REQUIRES_ACTION") and key not in asked:
            yield f"payment {key} is {row['state']}, and nobody asks the channel"
    for row in world.operations:
        if row["state"] == "PROCESSING" and row["operation_id"] not in asked:
            yield f"{row['kind']} {row['operation_id']} is open, and nobody asks the channel"


def nothing_was_updated(world: World) -> Iterator[str]:
    """I11: transfers and events are as the transaction that inserted them left them."""
    for name, rows in (("transfer", world.transfers), ("event", world.events)):
        yield from (f"a {name} was changed: {row}" for row in rows if row["wrote"] != row["row_of"])


def ledger_equals_channel(world: World) -> Iterator[str]:
    """I12: after quiet, what channels owe us for each payment is what their own book says.

    So is what they paid out. A difference is explained only by an attempt of that payment that is
    open and with a person.
    """
    if not (world.quiet and world.has_book):
        return
    explained = {row["payment_id"] for row in _open_for_people(world)}
    payment_of = {row["number"]: row["payment_id"] for row in world.attempts}
    theirs, ours = Counter[object](), Counter[object]()
    for charge in world.charges:
        effects = charge["effects"]
        theirs[payment_of.get(charge["number"])] += effects["charged"] - effects["refunded"]
    for row in world.transfers:
        for side, sign in (("debit_code", 1), ("credit_code", -1)):
            ours[row["payment_id"]] += sign * row["amount"] * (row[side] == "channel_receivable")
    for key in theirs.keys() | ours.keys():
        if key not in explained and theirs[key] != ours[key]:
            yield f"payment {key}: the channel owes {theirs[key]}, the ledger says {ours[key]}"
    yield from wallets.paid_out_equals_reserve(world, explained)
    yield from numbers_agree(world)


Rule = Callable[[World], Iterator[str]]

RULES: dict[str, Rule] = {
    "I1": books_balance,
    "I2": sums_equal_folds,
    "I3": channel_moved_money_once,
    "I4": amounts_are_ordered,
    "I5": one_key_one_object,
    "I6": mismatches_execute_nothing,
    "I7": told_is_kept,
    "I8": only_legal_transitions,
    "I9": nothing_sent_without_intent,
    "I10": unknowns_are_resolved,
    "I11": nothing_was_updated,
    "I12": ledger_equals_channel,
}


def _is_of(claim: Row, kind: str, row: Row) -> bool:
    same_key = claim["idempotency_key"] == row["idempotency_key"]
    return same_key and claim["owner_id"] == row["merchant_id"] and claim["kind"] == kind


def _keeps(claim: Row | None, state: str | None, told: Told) -> bool:
    """Whether what a key stands for is what was told; what may still change need not be equal."""
    if told.state == NOTHING or claim is None:
        return told.state == NOTHING and claim is None
    if told.state == REFUSED:
        return bool(claim["refusal"])
    if told.object_id and claim["object_id"] != object_uuid(told.object_id):
        return False
    return state == told.state or (told.state not in TERMINAL and state is not None)


def _ends_operation(event: Row) -> bool:
    return event["type"].endswith("_ENDED") and event["operation_id"] is not None


def _open_attempts(world: World) -> list[Row]:
    return [row for row in world.attempts if row["state"] == "OPEN"]


def _open_for_people(world: World) -> list[Row]:
    """Attempts whose outcome is not known, and about which a person was asked to look."""
    cases = {row["attempt_id"] for row in world.reviews if row["resolve_time"] is None}
    return [row for row in _open_attempts(world) if row["attempt_id"] in cases]


def _payments(world: World) -> dict[object, Row]:
    return {row["payment_id"]: row for row in world.payments}


def _by_payment(world: World) -> dict[object, list[Row]]:
    events: dict[object, list[Row]] = defaultdict(list)
    for event in world.events:
        events[event["payment_id"]].append(event)
    return events
