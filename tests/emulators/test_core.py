"""The smaller parts of the core: clock, alarms, named SQL, the outbox's bound, the notifier's."""

import ast
import asyncio
import sqlite3
import time
from pathlib import Path

import pytest

import gateway.emulators
from gateway.emulators.core import outbox, visits
from gateway.emulators.core.book import Book, Transaction
from gateway.emulators.core.clock import Clock
from gateway.emulators.core.notifier import Notifier
from gateway.emulators.core.outbox import Notice, OutboxFull
from gateway.emulators.core.statements import load_statements
from gateway.emulators.core.timers import DUE_TIMERS_MAX, Timer, Timers, set_timer
from gateway.emulators.sandbox import payouts, rows, server
from gateway.emulators.sandbox.charges import begin
from gateway.emulators.sandbox.requests import ChargeRequest, PayoutRequest
from tests.emulators.bench import Receiver, number, serving, until

ROOT = Path(gateway.emulators.__file__).parent
CORE, SANDBOX = "gateway.emulators.core", "gateway.emulators.sandbox"
SCHEMA = rows.SCHEMA


def test_virtual_time_is_real_time_plus_a_shift() -> None:
    """The wire's time never shifts; business time does."""
    clock = Clock(machine_ms=lambda: 5_000)
    clock.set_shift(60_000)
    assert (clock.now_ms(), clock.wire_s(), clock.shift_ms) == (65_000, 5, 60_000)


async def test_a_shift_wakes_sleepers() -> None:
    """Whoever sleeps until a virtual time is awake as soon as it is there."""
    clock = Clock()
    alarm = clock.alarm()
    sleeper = asyncio.create_task(alarm.sleep_until(clock.now_ms() + 900))
    await asyncio.sleep(0.01)
    assert not sleeper.done()
    clock.set_shift(1_000)
    async with asyncio.timeout(0.5):
        await sleeper


async def test_a_jump_is_over_when_what_became_due_has_happened(tmp_path: Path) -> None:
    """What is due by a jump happens before the next jump can begin, however slow its loop is."""
    clock = Clock(machine_ms=lambda: 5_000)
    fired: list[tuple[str, int]] = []
    book = await Book.open(tmp_path / "book.sqlite3", SCHEMA)
    Timers(book, clock, lambda _txn, timer, now: fired.append((timer.number, now)))  # no loop runs
    due = [(f"{i}", 6_000) for i in range(DUE_TIMERS_MAX + 1)] + [("late", 7_000)]

    def set_all(txn: Transaction) -> None:
        for of, due_time in due:
            set_timer(txn, Timer("refund", of, "SETTLE"), due_time)

    await book.run(set_all)
    await clock.jump(1_000)
    assert sorted(fired) == sorted((of, 6_000) for of, due_time in due if due_time == 6_000)
    await clock.jump(500)  # jumps may cross: time does not fall back
    assert (clock.now_ms(), fired[-1][0] == "late") == (6_000, False)
    await clock.jump(86_400_000)
    assert fired[-1] == ("late", 86_405_000)
    await book.close()


async def test_what_cannot_happen_does_not_hold_a_jump_up(tmp_path: Path) -> None:
    """A timer that fails is postponed, and the jump is over all the same."""
    clock = Clock(machine_ms=lambda: 5_000)
    tries: list[int] = []

    def fail(_txn: Transaction, _timer: Timer, now: int) -> None:
        tries.append(now)
        raise OutboxFull

    book = await Book.open(tmp_path / "book.sqlite3", SCHEMA)
    Timers(book, clock, fail)
    await book.run(lambda txn: set_timer(txn, Timer("refund", "r", "SETTLE"), 6_000))
    async with asyncio.timeout(5):
        await clock.jump(1_000)
    assert tries == [6_000]
    await book.close()


async def test_a_ring_before_the_sleep_is_not_lost() -> None:
    """A loop that is rung while it works does not sleep."""
    clock = Clock()
    alarm = clock.alarm()
    alarm.ring()
    async with asyncio.timeout(0.5):
        await alarm.sleep_until(None)
    start = time.monotonic()
    await alarm.sleep_until(clock.now_ms() + 30)
    assert time.monotonic() - start >= 0.02


@pytest.mark.parametrize(("package", "file"), [(CORE, "core.sql"), (SANDBOX, "book.sql")])
def test_every_statement_is_sound_and_used(package: str, file: str) -> None:
    """Each named statement runs against the schema, and some code names it."""
    connection = sqlite3.connect(":memory:")
    connection.executescript("\n".join(SCHEMA))
    statements = load_statements(package, file)
    assert len(statements) > 10
    written = _strings(ROOT / package.rpartition(".")[2])
    for name, text in statements.items():
        connection.execute(f"explain {text}", _Anything())
        assert any(_may_name(string, name) for string in written), f"nobody runs {name}"
    connection.close()


class _Anything(dict[str, int]):
    """Binds every parameter of a statement."""

    def __missing__(self, key: str) -> int:
        return 1


def _strings(folder: Path) -> set[str]:
    """Every string of the code; of one that is put together, its constant beginning."""
    found = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def _may_name(string: str, name: str) -> bool:
    return string == name or (string.endswith("_") and name.startswith(string))


def test_a_name_given_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two statements under one name are a mistake that is found when they are loaded."""
    package = tmp_path / "twice_named"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "x.sql").write_text("-- name: a\nselect 1;\n-- name: a\nselect 2;\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match="one name to two"):
        load_statements("twice_named", "x.sql")


async def test_the_outbox_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would overfill the outbox is taken back as a whole."""
    monkeypatch.setattr(outbox, "PENDING_NOTIFICATIONS_MAX", 3)
    book = await Book.open(tmp_path / "book.sqlite3", SCHEMA)

    def put(txn: Transaction, count: int) -> None:
        visits.count(txn, "puts", "all")
        outbox.put(txn, "charge", number(), "http://h/", [Notice("{}")] * count, due_time=0)

    await book.run(lambda txn: put(txn, 2))
    with pytest.raises(OutboxFull):
        await book.run(lambda txn: put(txn, 2))
    assert (await book.run(outbox.read_fates))["pending"] == 2
    assert await book.run(lambda txn: visits.read_counters(txn, "puts")) == {"all": 1}
    await book.close()


async def test_an_attempt_is_bounded_in_time(tmp_path: Path, receiver: Receiver) -> None:
    """A receiver that never answers costs one attempt of bounded length, which is retried."""
    receiver.hold.clear()
    book = await Book.open(tmp_path / "book.sqlite3", SCHEMA)
    notifier = Notifier(
        book,
        Clock(),
        dress=lambda _notification, _url: {},
        acknowledges=lambda status, _body: status == 200,
        attempt_timeout_s=0.1,
    )
    running = asyncio.create_task(notifier.run())
    notices = [Notice("{}")]
    await book.run(
        lambda txn: outbox.put(txn, "charge", number(), receiver.url, notices, due_time=0)
    )
    await until(lambda: len(receiver.received) == 2)
    receiver.hold.set()
    async with asyncio.timeout(5):
        while (await book.run(outbox.read_fates))["acknowledged"] == 0:
            await asyncio.sleep(0.01)
    assert (await book.run(outbox.read_fates))["sent"] >= 2
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await notifier.close()
    await book.close()


async def test_an_answer_may_end_a_notification(tmp_path: Path, receiver: Receiver) -> None:
    """A receiver that is gone for good is asked no second time, where the channel knows that."""
    receiver.answer = lambda _: (410, b"")
    book = await Book.open(tmp_path / "book.sqlite3", SCHEMA)
    notifier = Notifier(
        book,
        Clock(),
        dress=lambda _notification, _url: {},
        acknowledges=lambda status, _body: status == 200,
        ends=lambda status: status == 410,
    )
    running = asyncio.create_task(notifier.run())
    of, notices = number(), [Notice("{}", fault="LAST")]
    await book.run(lambda txn: outbox.put(txn, "charge", of, receiver.url, notices, due_time=0))
    async with asyncio.timeout(5):
        while (await book.run(outbox.read_fates))["pending"]:
            await asyncio.sleep(0.01)
    fates = await book.run(outbox.read_fates)
    assert fates == {"sent": 1, "acknowledged": 0, "pending": 0, "abandoned": 1}
    assert (await book.run(lambda txn: visits.read_hits(txn, of)))[1] == 1
    assert len(receiver.received) == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await notifier.close()
    await book.close()


async def test_old_nonces_are_forgotten(tmp_path: Path) -> None:
    """A nonce is kept as long as its timestamp may be used, and not longer."""
    book = await Book.open(tmp_path / "book.sqlite3", SCHEMA)
    for nonce, expire_time in (("old", 99), ("fresh", 100)):
        assert await book.run(lambda txn, n=nonce, e=expire_time: visits.claim_nonce(txn, n, e))
    assert await book.run(lambda txn: visits.forget_nonces(txn, 100)) == 1
    assert await book.run(lambda txn: visits.claim_nonce(txn, "old", 1))
    assert not await book.run(lambda txn: visits.claim_nonce(txn, "fresh", 1))
    await book.close()


async def test_totals_are_exact_however_large(tmp_path: Path) -> None:
    """A total beyond 64 bits is added up to the last minor unit."""
    largest = 2**53 - 1
    book = await Book.open(tmp_path / "book.sqlite3", SCHEMA)

    def charge_many(txn: Transaction) -> None:
        for _ in range(1_100):
            request = ChargeRequest(number(), largest, "CNY", "AUTOMATIC")
            charge = begin(request, 1)[-1]
            rows.insert(txn, charge)
            rows.insert_effect(txn, charge, charge.number, largest, "CNY")

    await book.run(charge_many)
    totals = await book.run(rows.sum_effects)
    assert totals == {"CNY": {"charged": 1_100 * largest, "refunded": 0, "paid_out": 0}}
    await book.close()


async def test_the_book_refuses_a_second_effect(tmp_path: Path) -> None:
    """Even wrong code could not move money twice under one number."""
    book = await Book.open(tmp_path / "book.sqlite3", SCHEMA)
    charge = begin(ChargeRequest(number(), 5, "CNY", "AUTOMATIC"), 1)[-1]
    payout = payouts.begin(PayoutRequest(number(), 5, "CNY", "p-1"), 1)[-1]
    await book.run(lambda txn: rows.insert(txn, charge))
    await book.run(lambda txn: rows.insert_effect(txn, charge, charge.number, 5, "CNY"))
    with pytest.raises(sqlite3.IntegrityError):
        await book.run(lambda txn: rows.insert_effect(txn, charge, charge.number, 5, "CNY"))
    assert isinstance(payout, payouts.Payout)
    await book.run(lambda txn: rows.insert(txn, payout))
    await book.run(lambda txn: rows.insert_payout_effect(txn, payout))
    with pytest.raises(sqlite3.IntegrityError):
        await book.run(lambda txn: rows.insert_payout_effect(txn, payout))
    await book.close()


async def test_a_book_from_before_payouts_is_taken_over(tmp_path: Path) -> None:
    """A book of the first version keeps what it has, and learns payouts."""
    older = await Book.open(tmp_path / server.BOOK_FILE, SCHEMA[:1])
    charge = begin(ChargeRequest(number(), 5, "CNY", "AUTOMATIC"), 1)[-1]
    await older.run(lambda txn: rows.insert(txn, charge))
    await older.close()
    for _ in range(2):  # the second start finds the newer version
        async with serving(tmp_path) as sandbox:
            assert (await sandbox.query("charge", charge.number)).body["amount"] == 5
            assert (await sandbox.payout()).body["state"] == "SUCCEEDED"
