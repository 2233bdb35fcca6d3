"""Changing payments: one decision at a time, on what is, whole or not at all."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from gateway.domain.change import Aggregate, Change
from gateway.domain.errors import Contended, NotFound, Reason, Refused
from gateway.domain.idempotency import ClaimKind
from gateway.domain.ledger import Transfer, customer, own
from gateway.domain.money import Money
from gateway.domain.operation import OperationKind, OperationState
from tests.store import builders
from tests.store.scenes import open_one, open_under, opened, paid_one, rows_of, value_of


async def test_a_change_is_seen_whole(database):
    """What `change_payment` gives is what is read afterwards: payment, operations, attempts."""
    paid = await paid_one(database)
    claim = builders.refund_claim(paid, "r", 300)
    changed = await database.payments.change_payment(
        "m_1", paid.payment_id, builders.refund(claim, 300), claim=claim
    )
    loaded = await database.payments.load("m_1", paid.payment_id)
    assert changed.written
    assert loaded.payment == changed.aggregate.payment
    assert loaded.operations == changed.aggregate.operations
    assert loaded.attempts.keys() == changed.aggregate.attempts.keys()
    assert (
        await database.payments.find_operation("m_1", claim.object_id)
        == (loaded.operations[claim.object_id])
    )
    attempt = loaded.open_attempts(claim.object_id)[0]
    assert await database.payments.find_attempt("m_1", attempt.attempt_id) == attempt


async def test_other_merchants_see_nothing(database):
    """A payment, its operations and attempts do not exist for another merchant."""
    paid = await paid_one(database)
    await database.merchants.create_merchant(builders.merchant("m_2"))
    attempt_id = next(iter((await database.payments.load("m_1", paid.payment_id)).attempts))
    assert await database.payments.load("m_2", paid.payment_id) is None
    assert await database.payments.find_attempt("m_2", attempt_id) is None
    assert await database.payments.find_operation("m_2", paid.payment_id) is None
    with pytest.raises(NotFound):
        await database.payments.change_payment("m_2", paid.payment_id, builders.succeed)


async def test_nothing_decided_is_nothing_written(database, urls):
    """A decision that gives None leaves no trace, and its key free."""
    paid = await paid_one(database)
    claim = builders.refund_claim(paid, "r", 300)
    changed = await database.payments.change_payment(
        "m_1", paid.payment_id, lambda _: None, claim=claim
    )
    assert not changed.written
    assert changed.aggregate.payment == paid
    assert await database.payments.find_claim("m_1", "r") is None
    assert await value_of(urls.owner, "select count(*) from events") == 2


async def test_an_unknown_payment_leaves_the_key_free(database):
    """NOT_FOUND keeps nothing, so the same key can be sent again."""
    stranger = builders.payment()
    claim = builders.refund_claim(stranger, "r", 1)
    with pytest.raises(NotFound) as caught:
        await database.payments.change_payment(
            "m_1", stranger.payment_id, builders.succeed, claim=claim
        )
    assert not caught.value.key_bound
    assert await database.payments.find_claim("m_1", "r") is None


async def test_a_used_key_is_told_before_an_unknown_payment(database):
    """A key that stands for something is a mismatch also where the payment does not exist."""
    paid = await paid_one(database)
    stranger = builders.payment()
    claim = builders.refund_claim(stranger, paid.idempotency_key, 1)
    with pytest.raises(Refused) as caught:
        await database.payments.change_payment(
            "m_1", stranger.payment_id, builders.succeed, claim=claim
        )
    assert caught.value.reason is Reason.IDEMPOTENCY_KEY_MISMATCH


async def test_a_bound_refusal_is_kept_under_its_key(database, urls):
    """A refusal for ever is raised, kept, and writes nothing else."""
    made = await open_one(database)
    await database.payments.change_payment("m_1", made.payment_id, builders.decline)
    claim = builders.refund_claim(made, "r", 1)
    with pytest.raises(Refused) as caught:
        await database.payments.change_payment(
            "m_1", made.payment_id, builders.refund(claim, 1), claim=claim
        )
    kept = await database.payments.find_claim("m_1", "r")
    assert (kept.refusal, kept.refusal_message) == (caught.value.reason, caught.value.message)
    assert await value_of(urls.owner, "select count(*) from payment_operations") == 0


async def test_a_refusal_that_is_not_bound_leaves_the_key_free(database):
    """A refusal for now keeps nothing, so the same key succeeds later."""
    made = await open_one(database)
    claim = builders.refund_claim(made, "r", 1)
    with pytest.raises(Refused):
        await database.payments.change_payment(
            "m_1", made.payment_id, builders.refund(claim, 1), claim=claim
        )
    assert await database.payments.find_claim("m_1", "r") is None
    await database.payments.change_payment("m_1", made.payment_id, builders.succeed)
    changed = await database.payments.change_payment(
        "m_1", made.payment_id, builders.refund(claim, 1), claim=claim
    )
    assert changed.written


async def test_a_replay_gives_the_claim_and_the_payment_as_it_is(database):
    """A second call with a key executes nothing and sees what the first one made."""
    paid = await paid_one(database)
    first, second = (builders.refund_claim(paid, "r", 300) for _ in range(2))
    decide = builders.refund(first, 300)
    await database.payments.change_payment("m_1", paid.payment_id, decide, claim=first)
    called = []
    changed = await database.payments.change_payment(
        "m_1", paid.payment_id, called.append, claim=second
    )
    assert (changed.written, changed.existing, called) == (False, first, [])
    assert first.object_id in changed.aggregate.operations


async def test_a_hundred_refunds_never_exceed_what_was_captured(each_urls):
    """Of a hundred refunds at once a payment that covers thirty accepts thirty; the books agree."""
    async with opened(each_urls) as one, opened(each_urls) as two:
        paid = await paid_one(one, amount=Money("CNY", 3_000))
        claims = [builders.refund_claim(paid, f"r-{number}", 100) for number in range(100)]
        changes = await asyncio.gather(
            *(
                (one, two)[number % 2].payments.change_payment(
                    "m_1",
                    paid.payment_id,
                    builders.refund(claim, 100),
                    claim=claim,
                    lock_funds=True,
                )
                for number, claim in enumerate(claims)
            )
        )
        states = [
            changed.aggregate.operations[claim.object_id].state
            for changed, claim in zip(changes, claims, strict=True)
        ]
        assert states.count(OperationState.PROCESSING) == 30
        assert states.count(OperationState.FAILED) == 70
        last = await one.payments.load("m_1", paid.payment_id)
        assert (last.payment.refunded, last.payment.version) == (3_000, 102)
        assert await one.ledger.check() == []


async def test_identical_conclusions_write_once(database, urls):
    """Twenty workers with the same answer change the payment once."""
    made = await open_one(database)
    changes = await asyncio.gather(
        *(
            database.payments.change_payment("m_1", made.payment_id, builders.succeed)
            for _ in range(20)
        )
    )
    assert [changed.written for changed in changes].count(True) == 1
    assert all(changed.aggregate.payment == changes[0].aggregate.payment for changed in changes)
    assert await value_of(urls.owner, "select count(*) from transfers") == 1


async def test_funds_are_read_under_the_merchants_guard(database):
    """Refunds of different payments at once are decided by one balance, one after another."""
    paid = [await paid_one(database, order_id=f"o-{number}") for number in range(10)]
    seen = []

    def deciding(claim):
        def decide(aggregate: Aggregate) -> Change:
            seen.append(aggregate.funds.merchant_balance)
            return builders.refund(claim, 1000)(aggregate)

        return decide

    claims = [builders.refund_claim(item, f"r-{item.payment_id}", 1000) for item in paid]
    await asyncio.gather(
        *(
            database.payments.change_payment(
                "m_1", item.payment_id, deciding(claim), claim=claim, lock_funds=True
            )
            for item, claim in zip(paid, claims, strict=True)
        )
    )
    assert sorted(seen, reverse=True) == [10_000 - 1000 * number for number in range(10)]


async def test_without_locked_funds_nothing_is_known_of_them(database):
    """A decision that did not ask for funds sees none."""
    made = await paid_one(database)
    seen = []
    await database.payments.change_payment(
        "m_1", made.payment_id, lambda aggregate: seen.append(aggregate.funds)
    )
    assert (seen[0].merchant_balance, seen[0].platform_budget) == (0, 0)


def _advancing(claim, amount):
    """Refund, and let the platform lend all of it, as far as its budget goes."""

    def decide(aggregate: Aggregate) -> Change:
        if aggregate.funds.platform_budget < amount:
            raise Refused(Reason.ILLEGAL_TRANSITION, "no budget", key_bound=True)
        change = builders.refund(claim, amount)(aggregate)
        lent = replace(change.operations[0], advanced=amount)
        debt = own("merchant_debt", aggregate.payment.merchant_id)
        pairs = (
            Transfer(customer("due_to_own"), builders.unsettled(change.payment), amount),
            Transfer(debt, own("due_from_reserve"), amount),
        )
        entry = replace(change.entries[0], transfers=(*pairs, *change.entries[0].transfers))
        return replace(change, operations=(lent,), entries=(entry,), advanced=amount)

    return decide


async def test_the_platform_never_advances_more_than_its_budget(database, urls):
    """Twenty advances at once out of a budget for seven: seven are made, and the books agree."""
    await database.ledger.fund(Money("CNY", 75), "funding")
    # Of as many merchants: their guards do not keep them apart, only the budget does.
    paid = [await paid_one(database, merchant_id=f"m_{number}") for number in range(20)]
    claims = [builders.refund_claim(item, f"r-{item.payment_id}", 10) for item in paid]
    answers = await asyncio.gather(
        *(
            database.payments.change_payment(
                item.merchant_id,
                item.payment_id,
                _advancing(claim, 10),
                claim=claim,
                lock_funds=True,
            )
            for item, claim in zip(paid, claims, strict=True)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Refused) for answer in answers) == 13
    assert await value_of(urls.owner, "select budget from own_funds") == 5
    assert await database.ledger.check() == []


async def test_what_was_advanced_is_given_back(database, urls):
    """A change that gives an advance back raises the budget again."""
    await database.ledger.fund(Money("CNY", 10), "funding")
    paid = await paid_one(database)
    claim = builders.refund_claim(paid, "r", 10)
    await database.payments.change_payment(
        "m_1", paid.payment_id, _advancing(claim, 10), claim=claim, lock_funds=True
    )
    assert await value_of(urls.owner, "select budget from own_funds") == 0

    def give_back(aggregate: Aggregate) -> Change:
        after = builders.next_version(aggregate.payment)
        return Change(after, builders.event(after), advanced=-10)

    await database.payments.change_payment("m_1", paid.payment_id, give_back)
    assert await value_of(urls.owner, "select budget from own_funds") == 10


async def test_a_change_must_go_to_the_next_version(database, urls):
    """A decision that skips a version is a bug: it is raised, and nothing is written."""
    paid = await paid_one(database)

    def skip(aggregate: Aggregate) -> Change:
        after = replace(aggregate.payment, version=aggregate.payment.version + 2)
        return Change(after, builders.event(after))

    with pytest.raises(AssertionError, match="next version"):
        await database.payments.change_payment("m_1", paid.payment_id, skip)
    assert await value_of(urls.owner, "select max(version) from payments") == 2


async def test_one_exclusive_operation_ends_as_the_next_begins(database):
    """A change may end a capture and begin a release; two at once the database itself refuses."""
    made = await open_one(database)
    await database.payments.change_payment("m_1", made.payment_id, builders.authorize)
    capture = builders.operation(made, OperationKind.CAPTURE, 10)
    release = builders.operation(made, OperationKind.RELEASE, 10)

    def begin(aggregate: Aggregate) -> Change:
        after = builders.next_version(aggregate.payment)
        return Change(after, builders.event(after), operations=(capture,))

    def swap(aggregate: Aggregate) -> Change:
        after = builders.next_version(aggregate.payment)
        ended = replace(capture, state=OperationState.SUCCEEDED)
        return Change(after, builders.event(after), operations=(release, ended))

    await database.payments.change_payment("m_1", made.payment_id, begin)
    changed = await database.payments.change_payment("m_1", made.payment_id, swap)
    assert changed.aggregate.running_exclusive == release


async def test_a_due_time_that_is_left_alone_stays(database, urls):
    """A change that does not touch when an attempt is due leaves it as the database made it."""
    made = await open_one(database)
    before = await value_of(urls.owner, "select due_time from attempts")

    def touch(aggregate: Aggregate) -> Change:
        after = builders.next_version(aggregate.payment)
        attempts = tuple(replace(item, tries=3) for item in aggregate.attempts.values())
        return Change(after, builders.event(after), attempts=attempts)

    await database.payments.change_payment("m_1", made.payment_id, touch)
    assert await rows_of(urls.owner, "select due_time, tries from attempts") == [(before, 3)]


async def test_a_review_case_is_opened_once(database):
    """Changes that find the same thing open one review case."""
    made = await open_one(database)
    case = builders.review(subject="same")

    def tell(aggregate: Aggregate) -> Change:
        after = builders.next_version(aggregate.payment)
        new = replace(case, case_id=builders.clock.new_id(), payment_id=made.payment_id)
        return Change(after, builders.event(after), reviews=(new,))

    for _ in range(2):
        await database.payments.change_payment("m_1", made.payment_id, tell)
    assert len(await database.work.list_reviews(include_resolved=True, limit=10)) == 1


async def test_a_lock_that_is_not_to_be_had_in_time_is_contention(urls):
    """Who waits too long for a payment is told so, kept nothing, and may send it again."""
    async with opened(urls, lock_timeout_s=0.1) as database:
        made = await paid_one(database)
        claim = builders.refund_claim(made, "r", 1)
        holder = await _holding(urls, "select 1 from payments for update")
        try:
            with pytest.raises(Contended) as caught:
                await database.payments.change_payment(
                    "m_1", made.payment_id, builders.refund(claim, 1), claim=claim
                )
        finally:
            await holder.close()
        assert caught.value.reason is Reason.CONTENTION
        assert caught.value.retry_after_s
        assert await database.payments.find_claim("m_1", "r") is None
        assert (await database.payments.find_claim("m_1", made.idempotency_key)).kind is (
            ClaimKind.PAY
        )


async def test_a_statement_that_takes_too_long_is_contention(urls):
    """The bound of a statement holds for waiting on a twin's key, too."""
    async with opened(urls, statement_timeout_s=0.2, lock_timeout_s=5) as database:
        made = builders.payment(idempotency_key="k")
        insert = (
            "insert into operations (owner_id, idempotency_key, kind, fingerprint, "
            "fingerprint_version, object_id, create_time) "
            "values ('m_1', 'k', 'PAY', sha256(''), 1, gen_random_uuid(), now())"
        )
        holder = await _holding(urls, insert)
        try:
            with pytest.raises(Contended):
                await open_under(database, builders.claim(made), builders.opening(made))
        finally:
            await holder.close()
        assert await open_under(database, builders.claim(made), builders.opening(made)) is None


async def _holding(urls, statement):
    connection = await asyncpg.connect(urls.owner)
    await connection.execute("begin")
    await connection.execute(statement)
    return connection
