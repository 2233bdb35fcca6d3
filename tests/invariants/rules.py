"""One pure function per invariant; each yields a sentence per violation."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise

from tests.invariants.world import Row, World

TERMINAL = {"SUCCEEDED", "FAILED", "CANCELED", "EXPIRED"}

LEGAL = {
    "PROCESSING": {"REQUIRES_ACTION", "AUTHORIZED"} | TERMINAL,
    "REQUIRES_ACTION": {"PROCESSING", "AUTHORIZED"} | TERMINAL,
    "AUTHORIZED": {"SUCCEEDED", "CANCELED", "EXPIRED"},
}

ASSETS = {"reserve_bank", "channel_receivable"}
NEVER_NEGATIVE = {"wallet", "wallet_held", "due_to_own"}


def violations(world: World) -> list[str]:
    """Check every invariant. Empty where all hold."""
    return [f"{name}: {words}" for name, rule in RULES.items() for words in rule(world)]


def books_balance(world: World) -> Iterator[str]:
    """I1: every book balances per currency, and the books meet."""
    folded = _fold(world)
    for currency in {key[3] for key in folded}:
        held = sum(
            v for k, v in folded.items() if k[0] == "C" and k[3] == currency and k[1] in ASSETS
        )
        owed = sum(
            v for k, v in folded.items() if k[0] == "C" and k[3] == currency and k[1] not in ASSETS
        )
        if held + owed:
            yield f"customer book in {currency}: assets {-held}, liabilities {owed}"
        due_to_own = folded["C", "due_to_own", "", currency]
        due_from_reserve = -folded["O", "due_from_reserve", "", currency]
        if due_to_own != due_from_reserve:
            yield f"{currency}: due_to_own {due_to_own}, due_from_reserve {due_from_reserve}"


def sums_equal_folds(world: World) -> Iterator[str]:
    """I2: a cached balance plus what is not yet folded equals the fold of all transfers."""
    folded = _fold(world)
    cached = {
        (row["book"], row["code"], row["key"], row["currency"]): row["credits"] - row["debits"]
        for row in world.sums
    }
    for account in folded.keys() | cached.keys():
        if folded[account] != cached.get(account, 0):
            yield f"{account}: cached {cached.get(account, 0)}, transfers say {folded[account]}"


def channel_moved_money_once(world: World) -> Iterator[str]:
    """I3: at most one charge per payment that succeeded and was not given back; refunds once."""
    by_number = {row["number"]: row for row in world.attempts}
    kept: Counter[object] = Counter()
    returned = {row["charge_number"] for row in world.refunds if row["state"] == "SUCCEEDED"}
    for charge in world.charges:
        attempt = by_number.get(charge["number"])
        if attempt and charge["state"] == "SUCCEEDED":
            payment = _payments(world)[attempt["payment_id"]]
            late = payment["state"] in TERMINAL - {"SUCCEEDED"}
            if not (late and (charge["number"] in returned or not world.quiet)):
                kept[attempt["payment_id"]] += 1
                if late:
                    yield f"payment {attempt['payment_id']} is {payment['state']} but was charged"
    yield from (f"payment {key} was charged {n} times" for key, n in kept.items() if n > 1)
    done = Counter(
        by_number[row["number"]]["operation_id"]
        for row in world.refunds
        if row["state"] == "SUCCEEDED" and row["number"] in by_number
    )
    yield from (f"refund {key} was given {n} times" for key, n in done.items() if n > 1)


def amounts_are_ordered(world: World) -> Iterator[str]:
    """I4: refunds <= captured <= authorised, and no account with an overdraft rule below zero."""
    reserved: Counter[object] = Counter()
    for operation in world.operations:
        if operation["kind"] == "REFUND" and operation["state"] != "FAILED":
            reserved[operation["payment_id"]] += operation["amount"]
    for row in world.payments:
        if not reserved[row["payment_id"]] == row["refunded"] <= row["captured"] <= row["amount"]:
            yield f"payment {row['payment_id']}: {row['amount']}/{row['captured']}/{row['refunded']}"
    for (book, code, key, currency), balance in _fold(world).items():
        if book == "C" and code in NEVER_NEGATIVE and balance < 0:
            yield f"{code} {key} {currency} is {balance}"


def one_key_one_object(world: World) -> Iterator[str]:
    """I5: one (owner, key), one object, one terminal outcome."""
    seen = Counter((row["owner_id"], row["idempotency_key"]) for row in world.claims)
    yield from (f"key {key} is claimed {n} times" for key, n in seen.items() if n > 1)
    claims = {row["object_id"]: row for row in world.claims}
    objects = [(row["payment_id"], "PAY", row) for row in world.payments]
    objects += [(row["operation_id"], row["kind"], row) for row in world.operations]
    for object_id, kind, row in objects:
        claim = claims.get(object_id)
        if kind not in ("RELEASE", "RETURN") and (
            claim is None or claim["idempotency_key"] != row["idempotency_key"]
        ):
            yield f"{kind} {object_id} has no claim of its own"
    for payment_id, events in _by_payment(world).items():
        ends = {event["state"] for event in events} & TERMINAL
        if len(ends) > 1:
            yield f"payment {payment_id} ended as {sorted(ends)}"


def mismatches_execute_nothing(world: World) -> Iterator[str]:
    """I6, I16: every key that was not refused made exactly its object; refused ones made nothing."""
    made = {row["payment_id"] for row in world.payments}
    made |= {row["operation_id"] for row in world.operations}
    for claim in world.claims:
        if claim["kind"] != "FUND" and (claim["object_id"] in made) == bool(claim["refusal"]):
            yield f"key {claim['idempotency_key']}: refusal {claim['refusal']}, object and all"


def told_is_kept(world: World) -> Iterator[str]:
    """I7: every terminal answer that a caller got is what the rows say."""
    claims = {(row["owner_id"], row["idempotency_key"]): row for row in world.claims}
    states = {row["payment_id"]: row["state"] for row in world.payments}
    states |= {row["operation_id"]: row["state"] for row in world.operations}
    for told in world.told:
        claim = claims.get((told.merchant_id, told.idempotency_key))
        state = states.get(claim["object_id"]) if claim else None
        if claim is None or str(claim["object_id"]) != told.object_id or state != told.state:
            yield f"told {told}, but the rows say {claim and claim['object_id']} {state}"


def only_legal_transitions(world: World) -> Iterator[str]:
    """I8: events walk the state table without a gap; terminal is final; the row is the last."""
    payments = _payments(world)
    by_payment = _by_payment(world)
    for payment_id, row in payments.items():
        events = by_payment.get(payment_id, [])
        if [event["version"] for event in events] != list(range(1, row["version"] + 1)):
            yield f"payment {payment_id} has versions {[event['version'] for event in events]}"
            continue
        for one, other in pairwise(event["state"] for event in events):
            if one != other and other not in LEGAL.get(one, set()):
                yield f"payment {payment_id} went from {one} to {other}"
        last = events[-1]
        shown = tuple(row[name] for name in ("state", "captured", "refunded"))
        if shown != tuple(last[name] for name in ("state", "captured", "refunded")):
            yield f"payment {payment_id} is {shown}, but its last event says otherwise"


def nothing_sent_without_intent(world: World) -> Iterator[str]:
    """I9: every number in the channel's book is an attempt of ours."""
    ours = {row["number"] for row in world.attempts}
    for kind, rows in (("charge", world.charges), ("refund", world.refunds)):
        yield from (
            f"{kind} {row['number']} has no intent" for row in rows if row["number"] not in ours
        )
    yield from (
        f"capture {row['number']} has no intent"
        for row in world.captures
        if row["number"] not in ours
    )


def unknowns_are_resolved(world: World) -> Iterator[str]:
    """I10: no attempt failed without stored proof; once quiet, none is open without a reason."""
    reviewed = {row["attempt_id"] for row in world.reviews if row["resolve_time"] is None}
    payments = _payments(world)
    for row in world.attempts:
        if row["state"] == "FAILED" and not row["evidence"]:
            yield f"attempt {row['number']} failed without proof"
        waiting = payments[row["payment_id"]]["state"] == "REQUIRES_ACTION"
        if (
            world.quiet
            and row["state"] == "OPEN"
            and not waiting
            and row["attempt_id"] not in reviewed
        ):
            yield f"attempt {row['number']} ({row['kind']}) is still open after {row['tries']} tries"


def nothing_was_updated(world: World) -> Iterator[str]:
    """I11: transfers and events are as the transaction that inserted them left them."""
    for name, rows in (("transfer", world.transfers), ("event", world.events)):
        yield from (f"a {name} was changed: {row}" for row in rows if row["wrote"] != row["row_of"])


def ledger_equals_channel(world: World) -> Iterator[str]:
    """I12: after quiet, what channels owe us by our ledger is what their own book says."""
    if not world.quiet or not world.charges:
        return
    doubtful = _under_review(world)
    theirs: Counter[str] = Counter()
    for charge in world.charges:
        if charge["currency"] and charge["number"] not in doubtful:
            effects = charge["effects"]
            theirs[charge["currency"]] += effects["charged"] - effects["refunded"]
    ours: Counter[str] = Counter()
    for (_, code, _, currency), balance in _fold(world).items():
        if code == "channel_receivable":
            ours[currency] -= balance
    for currency in theirs.keys() | ours.keys():
        if theirs[currency] != ours[currency]:
            yield f"{currency}: the channel owes {theirs[currency]}, the ledger says {ours[currency]}"


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


def _fold(world: World) -> Counter[tuple[str, str, str, str]]:
    """Credits less debits per account and currency, from the transfers alone."""
    folded: Counter[tuple[str, str, str, str]] = Counter()
    for row in world.transfers:
        book, currency = row["book"], row["currency"]
        folded[book, row["debit_code"], row["debit_key"], currency] -= row["amount"]
        folded[book, row["credit_code"], row["credit_key"], currency] += row["amount"]
    return folded


def _under_review(world: World) -> set[str]:
    """Numbers whose difference is explained: a person was asked to look."""
    reviewed = {row["attempt_id"] for row in world.reviews if row["resolve_time"] is None}
    return {
        row["number"]
        for row in world.attempts
        if row["state"] == "OPEN" and row["attempt_id"] in reviewed
    }


def _payments(world: World) -> dict[object, Row]:
    return {row["payment_id"]: row for row in world.payments}


def _by_payment(world: World) -> dict[object, list[Row]]:
    events: dict[object, list[Row]] = defaultdict(list)
    for event in world.events:
        events[event["payment_id"]].append(event)
    return events
