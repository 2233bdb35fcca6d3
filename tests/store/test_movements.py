"""Movements: what channels moved, found by number and by day, late successes included."""

from dataclasses import replace
from datetime import timedelta

import asyncpg

from gateway.domain.change import Change, EventType
from gateway.domain.channel import AttemptState
from gateway.domain.ledger import Transfer, customer
from gateway.domain.money import Money
from gateway.domain.operation import OperationKind, OperationState
from gateway.domain.payment import CaptureMode
from tests.store import builders
from tests.store.scenes import open_one, paid_one

HOUR = timedelta(hours=1)


async def refunded(database, paid, amount: int):
    """Refund a part of a payment, to its end; the number of the refund."""
    claim = builders.refund_claim(paid, f"r-{amount}", amount)
    decide = builders.refund(claim, amount)
    key = (paid.merchant_id, paid.payment_id)
    await database.payments.change_payment(*key, decide, claim=claim)
    done = builders.refund_done(claim.object_id)
    changed = await database.payments.change_payment(*key, done)
    return changed.aggregate.operations[claim.object_id].attempt_number


async def moved(database, *numbers: str) -> list[tuple[str, str, int]]:
    found = await database.movements.of_numbers("sandbox", numbers)
    return sorted((item.kind, item.number, item.money.minor_units) for item in found)


async def test_what_moved_is_found_by_its_number(database):
    """A charge and a refund are found under their own numbers; what did not move is not."""
    paid = await paid_one(database)
    refund = await refunded(database, paid, 300)
    waiting = await open_one(database)
    assert await moved(database, paid.attempt_number, refund, waiting.attempt_number, "x") == [
        ("CHARGE", paid.attempt_number, 1000),
        ("REFUND", refund, 300),
    ]
    assert await database.movements.of_numbers("wechat", [paid.attempt_number]) == []


async def test_what_moved_is_found_by_its_time(database):
    """A span holds what moved in it, its beginning included and its end not."""
    paid = await paid_one(database)
    [charge] = await database.movements.of_span(
        "sandbox", paid.capture_time - HOUR, paid.capture_time + HOUR
    )
    assert (charge.number, charge.move_time) == (paid.attempt_number, paid.capture_time)
    assert charge.money == Money("CNY", 1000)
    at = charge.move_time
    assert len(await database.movements.of_span("sandbox", at, at + HOUR)) == 1
    assert await database.movements.of_span("sandbox", at - HOUR, at) == []


async def test_a_late_success_moved_money(database):
    """Money that came after its payment had failed is found, though its attempt stays failed."""
    made = await open_one(database)
    key = (made.merchant_id, made.payment_id)
    await database.payments.change_payment(*key, builders.decline)
    assert await moved(database, made.attempt_number) == []

    def come_late(aggregate):
        before = aggregate.payment
        after = builders.next_version(before)
        back = builders.operation(before, OperationKind.RETURN, 1000)
        transfer = Transfer(builders.receivable(after), customer("suspense", "sandbox"), 1000)
        entry = builders.entry(after, "late_success", transfer, operation=back)
        told = builders.event(after, EventType.LATE_SUCCESS)
        return Change(after, told, operations=(back,), entries=(entry,))

    await database.payments.change_payment(*key, come_late)
    assert await moved(database, made.attempt_number) == [("CHARGE", made.attempt_number, 1000)]


async def test_a_capture_may_be_known_under_its_charge(database):
    """Where a channel numbers no captures, one is found and told under its charge's number."""
    made = await open_one(database, capture_mode=CaptureMode.MANUAL)
    key = (made.merchant_id, made.payment_id)
    await database.payments.change_payment(*key, builders.authorize)
    asked = builders.operation(made, OperationKind.CAPTURE, 1000)

    def capture(aggregate):
        after = builders.next_version(aggregate.payment)
        sent = builders.attempt(after, asked, aggregate.serial)
        ended = replace(sent, state=AttemptState.SUCCEEDED, due_time=None)
        done = replace(asked, state=OperationState.SUCCEEDED, attempt_number=sent.number)
        return Change(after, builders.event(after), operations=(done,), attempts=(ended,))

    changed = await database.payments.change_payment(*key, capture)
    own = changed.aggregate.operations[asked.operation_id].attempt_number
    span = (asked.update_time - HOUR, asked.update_time + HOUR)
    for under_charge, number in ((False, own), (True, made.attempt_number)):
        how = {"under_charge": under_charge}
        [held] = await database.movements.of_span("sandbox", *span, **how)
        [listed] = await database.movements.of_numbers("sandbox", [number], **how)
        assert held == listed
        assert (held.kind, held.number, held.money.minor_units) == ("CHARGE", number, 1000)
    assert await moved(database, made.attempt_number) == []


async def test_the_runtime_role_reads_them(urls, database):
    """Who serves may look, so the command needs no other role."""
    await paid_one(database)
    connection = await asyncpg.connect(urls.runtime)
    assert await connection.fetchval("select count(*) from movements") == 1
    await connection.close()
