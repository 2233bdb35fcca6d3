"""The schema: what the database refuses by itself, and what the runtime role cannot do."""

import re
from dataclasses import replace

import asyncpg
import pytest

from gateway.domain.change import Change, EventType, ReviewKind
from gateway.domain.channel import AttemptKind, AttemptState
from gateway.domain.idempotency import ClaimKind
from gateway.domain.ledger import CHART
from gateway.domain.operation import OperationKind, OperationState
from gateway.domain.payment import CaptureMode, PaymentState, Purpose, Scene
from gateway.store.ledger import FUND
from gateway.store.roles import role_problems
from tests.store import builders
from tests.store.scenes import open_one, open_under, paid_one, rows_of, value_of


async def run_as(url, statement):
    connection = await asyncpg.connect(url)
    try:
        return await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("table", ["transfers", "events"])
@pytest.mark.parametrize(
    "statement",
    [
        "update {} set currency = 'USD'",
        "update {} set create_time = now()",
        "delete from {}",
        "truncate {}",
    ],
)
async def test_the_runtime_role_cannot_rewrite_history(database, urls, table, statement):
    """Transfers and events can be added and read by the role that serves, and nothing else."""
    await paid_one(database)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run_as(urls.runtime, statement.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "update payments set amount = 1",
        "update payments set merchant_id = 'm_2'",
        "update payments set order_id = 'other'",
        "update payment_operations set amount = 1",
        "update attempts set number = 'x'",
        "update attempts set amount = 1",
        "update operations set object_id = gen_random_uuid()",
        "update operations set fingerprint = ''",
        "update operations set refusal = 'x'",
        "update operations set refusal_message = 'x'",
        "update merchants set merchant_id = 'other'",
        "update deployment set token_key = ''",
        "update payments set purpose = 'TOP_UP'",
        "update wallets set owner_id = '@p-2'",
        "update wallets set currency = 'USD'",
        "update wallets set create_time = now()",
        "update wallet_owners set owner_id = '@p-2'",
        "update reserve_moments set horizon = '1'",
        "insert into schema_migrations (version, name, checksum) values (9, 'x', 'x')",
        "create table own (id bigint)",
        "drop table transfers",
    ],
)
async def test_the_runtime_role_cannot_change_what_never_changes(urls, statement):
    """What a payment, attempt or key was made of is closed to the role that serves."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run_as(urls.runtime, statement)


async def test_the_runtime_role_deletes_nothing(urls):
    """There is no table from which the role that serves may delete."""
    found = await rows_of(
        urls.owner,
        "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace "
        "and c.relkind = 'r' and has_table_privilege('gateway_runtime', c.oid, 'delete, truncate')",
    )
    assert found == []


async def test_role_problems_name_what_a_role_may_do(urls):
    """The runtime role has no problem; the owner and a superuser are told apart from it."""
    problems = {}
    for name in ("runtime", "owner", "superuser"):
        connection = await asyncpg.connect(getattr(urls, name))
        problems[name] = await role_problems(connection)
        await connection.close()
    assert problems["runtime"] == []
    assert any("may update rows of transfers" in item for item in problems["owner"])
    assert any("may delete rows of events" in item for item in problems["owner"])
    assert any("owns tables" in item for item in problems["owner"])
    assert len(problems["superuser"]) == 1
    assert "superuser" in problems["superuser"][0]


async def test_one_right_too_many_is_found(urls):
    """A right to change a single column of the journal is enough to be told."""
    await run_as(urls.owner, "grant update (event) on transfers to gateway_runtime")
    connection = await asyncpg.connect(urls.runtime)
    try:
        [problem] = await role_problems(connection)
        assert "may update rows of transfers" in problem
    finally:
        await connection.close()
        await run_as(urls.owner, "revoke update (event) on transfers from gateway_runtime")


@pytest.mark.parametrize(
    ("assignment", "constraint"),
    [
        ("captured = 1001, capture_time = now()", "payments_captured_check"),
        ("captured = -1", "payments_captured_check"),
        ("refunded = 1", "payments_refunded_check"),
        ("captured = 1, capture_time = now()", "payments_state_captured_check"),
        ("state = 'SUCCEEDED'", "payments_state_captured_check"),
        ("capture_time = now()", "payments_capture_time_check"),
        ("state = 'AUTHORIZED', due_time = now()", "payments_authorize_time_check"),
        ("state = 'REQUIRES_ACTION'", "payments_next_action_check"),
        ("next_action = '{}'", "payments_next_action_check"),
        ("state = 'FAILED'", "payments_failure_check"),
        ("failure = '{}'", "payments_failure_check"),
        ("fee_millionths = 1", "payments_fee_check"),
        ("due_time = now()", "payments_due_time_check"),
        ("state = 'PAID'", "payments_state_check"),
        ("version = 0", "payments_version_check"),
        ("purpose = 'GIFT'", "payments_purpose_check"),
        ("purpose = 'TOP_UP'", "payments_purpose_owner_check"),
        ("merchant_id = '@p-1'", "payments_purpose_owner_check"),
    ],
)
async def test_the_database_refuses_payments_that_cannot_be(database, urls, assignment, constraint):
    """State, amounts, times and reasons of a payment agree, or nothing is kept."""
    await open_one(database)
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await run_as(urls.owner, f"update payments set {assignment}")
    assert caught.value.constraint_name == constraint


@pytest.mark.parametrize(
    ("table", "assignment", "constraint"),
    [
        ("attempts", "state = 'SUCCEEDED'", "attempts_due_time_check"),
        ("attempts", "due_time = null", "attempts_due_time_check"),
        ("attempts", "operation_id = null", "attempts_operation_check"),
        ("attempts", "kind = 'PAYOUT'", "attempts_operation_check"),
        ("payment_operations", "state = 'FAILED'", "payment_operations_failure_check"),
        ("payment_operations", "advanced = 301", "payment_operations_advanced_check"),
        ("payment_operations", "idempotency_key = ''", "payment_operations_key_check"),
        ("payment_operations", "amount = 0", "payment_operations_amount_check"),
        ("transfers", "amount = 0", "transfers_amount_check"),
        ("transfers", "credit_code = 'fee_income'", "transfers_chart_check"),
        ("operations", "refusal_message = 'x'", "operations_refusal_check"),
    ],
)
async def test_the_database_refuses_rows_that_cannot_be(
    database, urls, table, assignment, constraint
):
    """Attempts, operations, transfers and claims agree with themselves, or nothing is kept."""
    paid = await paid_one(database)
    claim = builders.refund_claim(paid, "r", 300)
    await database.payments.change_payment(
        "m_1", paid.payment_id, builders.refund(claim, 300), claim=claim
    )
    condition = "kind = 'REFUND'" if table == "attempts" else "true"
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await run_as(urls.owner, f"update {table} set {assignment} where {condition}")
    assert caught.value.constraint_name == constraint


async def test_a_payment_has_one_exclusive_operation(database):
    """The database itself refuses a second capture or cancel under way."""
    made = await open_one(database)

    def begin(aggregate):
        after = builders.next_version(aggregate.payment)
        running = builders.operation(made, OperationKind.CANCEL, 1000)
        return Change(after, builders.event(after), operations=(running,))

    await database.payments.change_payment("m_1", made.payment_id, begin)
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.payments.change_payment("m_1", made.payment_id, begin)


async def test_every_owner_stands_first(urls):
    """Each primary, unique and foreign key begins with its owner, so tables can be distributed."""
    found = await rows_of(
        urls.owner,
        "select i.indrelid::regclass::text as table, a.attname as first from pg_index i "
        "join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] "
        "where i.indisunique and i.indrelid in "
        "(select oid from pg_class where relnamespace = 'public'::regnamespace) "
        "union select conrelid::regclass::text, a.attname from pg_constraint c "
        "join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1] "
        "where contype = 'f'",
    )
    small = {"deployment", "fold_position", "own_funds", "schema_migrations", "reserve_moments"}
    # Who is named by a number of ours is looked up without knowing whose it is.
    small |= {"merchants", "wallet_owners"}
    small.add("quarantine")  # belongs to nobody
    owners = {row["first"] for row in found if row["table"] not in small}
    assert owners == {"owner_id", "merchant_id"}


async def test_constraints_are_named_after_what_they_say(urls):
    """Each constraint has its table's name in front, so an error tells where it comes from."""
    found = await rows_of(
        urls.owner,
        "select conrelid::regclass::text as table, conname from pg_constraint "
        "where connamespace = 'public'::regnamespace and conrelid <> 0 and contype <> 'n'",
    )
    assert len(found) > 50
    assert [row for row in found if not row["conname"].startswith(row["table"] + "_")] == []


def _words(definition):
    return set(re.findall(r"'([^']*)'", definition))


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        ("operations_kind_check", {*ClaimKind, FUND}),
        ("payments_purpose_check", set(Purpose)),
        ("payments_state_check", set(PaymentState)),
        ("payments_capture_mode_check", set(CaptureMode)),
        ("payments_scene_check", set(Scene)),
        ("payment_operations_kind_check", set(OperationKind)),
        ("payment_operations_state_check", set(OperationState)),
        ("attempts_kind_check", set(AttemptKind)),
        ("attempts_state_check", set(AttemptState)),
        ("events_type_check", set(EventType)),
        ("events_state_check", set(PaymentState)),
        ("review_cases_kind_check", set(ReviewKind)),
        ("transfers_chart_check", {*CHART, *(code for book in CHART.values() for code in book)}),
    ],
)
async def test_the_schema_knows_the_words_of_the_domain(urls, constraint, words):
    """The words that the database allows are exactly those that the domain has."""
    definition = await value_of(
        urls.owner,
        "select pg_get_constraintdef(oid) from pg_constraint where conname = $1",
        constraint,
    )
    assert _words(definition) == {
        str(word.value if hasattr(word, "value") else word) for word in words
    }


async def test_accounts_stand_in_their_own_book(urls):
    """Each account of the chart is allowed in its book on both sides, and in no other."""
    connection = await asyncpg.connect(urls.owner)
    allowed = set()
    for book in ("C", "O"):
        for code in (code for chart in CHART.values() for code in chart):
            transaction = connection.transaction()
            await transaction.start()
            try:
                await connection.execute(
                    "insert into transfers (owner_id, entry_id, position, event, book, debit_code, "
                    "debit_key, credit_code, credit_key, currency, amount, create_time) "
                    f"values ('m', gen_random_uuid(), 0, 'x', '{book}', '{code}', '', '{code}', "
                    "'', 'CNY', 1, now())"
                )
                allowed.add((book, code))
            except asyncpg.CheckViolationError:
                pass
            await transaction.rollback()
    await connection.close()
    assert allowed == {(book.value, code) for book, chart in CHART.items() for code in chart}


@pytest.mark.parametrize("state", list(PaymentState))
async def test_an_order_is_held_by_the_states_that_the_domain_says(database, urls, state):
    """The database's own order slot is taken in exactly the states in which a payment holds it."""
    made = builders.payment(one_per_order=True)
    await database.merchants.create_merchant(builders.merchant())
    await open_under(database, builders.claim(made), builders.opening(made))
    extra = {
        PaymentState.REQUIRES_ACTION: ", next_action = '{}'",
        PaymentState.AUTHORIZED: (
            ", authorize_time = now(), capture_before_time = now(), due_time = now()"
        ),
        PaymentState.SUCCEEDED: ", captured = 1, capture_time = now()",
        PaymentState.FAILED: ", failure = '{}'",
    }.get(state, "")
    await run_as(urls.owner, f"update payments set state = '{state.value}'{extra}")
    slot = await value_of(urls.owner, "select order_slot from payments")
    assert (slot is not None) == replace(made, state=state).holds_order
