"""The durable book: grouped commits, each unit alone in its failure, every bound kept."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.emulators.core.book import (
    Book,
    BookBusy,
    BookClosed,
    BookError,
    BookFailed,
    Transaction,
)

SCHEMA = ["create table items (name text primary key, weight integer check (weight > 0));"]


def _add(txn: Transaction, name: str, weight: int = 1) -> str:
    txn.write("insert into items values (:name, :weight)", {"name": name, "weight": weight})
    return name


def _add_once(txn: Transaction, name: str) -> None:
    sql = "insert into items (name, weight) values (:name, 1) on conflict do nothing"
    txn.write(sql, {"name": name})


def _names(txn: Transaction) -> list[str]:
    return [row["name"] for row in txn.all("select name from items order by name", {})]


def _pragma(txn: Transaction, name: str) -> object:
    row = txn.one(f"pragma {name}", {})
    assert row is not None
    return row[0]


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Book]:
    """An empty book."""
    opened = await Book.open(tmp_path / "book.sqlite3", SCHEMA)
    yield opened
    await opened.close()


class Gate:
    """Holds the writer inside a unit, so that others gather behind it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.leave = threading.Event()

    def unit(self, _txn: Transaction) -> None:
        """Wait in the writer's thread."""
        self.entered.set()
        assert self.leave.wait(5)


async def _hold(book: Book) -> tuple[Gate, "asyncio.Task[None]"]:
    gate = Gate()
    holding = asyncio.create_task(book.run(gate.unit))
    await asyncio.to_thread(gate.entered.wait, 5)
    return gate, holding


async def test_commits_are_as_durable_as_sqlite_can(book: Book) -> None:
    """Each commit waits for the disk, and foreign keys hold."""
    assert await book.run(lambda txn: _pragma(txn, "synchronous")) == 2
    assert await book.run(lambda txn: _pragma(txn, "journal_mode")) == "wal"
    assert await book.run(lambda txn: _pragma(txn, "foreign_keys")) == 1


async def test_what_was_answered_is_there_after_reopening(tmp_path: Path) -> None:
    """A result that was heard survives the book."""
    path = tmp_path / "book.sqlite3"
    for name in ("a", "b"):
        book = await Book.open(path, SCHEMA)
        assert await book.run(lambda txn, name=name: _add(txn, name)) == name
        await book.close()
    book = await Book.open(path, SCHEMA)
    assert await book.run(_names) == ["a", "b"]
    await book.close()


async def test_waiting_units_share_one_commit(book: Book) -> None:
    """What gathers while the writer is busy is committed together, in its order."""
    commits: list[str] = []
    book._connection.set_trace_callback(commits.append)
    gate, holding = await _hold(book)
    adding = [
        asyncio.create_task(book.run(lambda txn, n=n: _add(txn, f"{n:02}"))) for n in range(50)
    ]
    await asyncio.sleep(0.01)
    gate.leave.set()
    await asyncio.gather(holding, *adding)
    assert [text.lower() for text in commits].count("commit") == 2
    assert await book.run(_names) == [f"{n:02}" for n in range(50)]


async def test_a_failing_unit_takes_only_itself_back(book: Book) -> None:
    """Neighbours in the same commit keep what they did; the failing one keeps nothing."""

    def add_two(txn: Transaction) -> None:
        _add(txn, "kept-by-nobody")
        _add(txn, "wrong", weight=0)

    gate, holding = await _hold(book)
    tasks = [
        asyncio.create_task(book.run(lambda txn: _add(txn, "before"))),
        asyncio.create_task(book.run(add_two)),
        asyncio.create_task(book.run(lambda txn: _add(txn, "after"))),
    ]
    await asyncio.sleep(0.01)
    gate.leave.set()
    await holding
    before, failed, after = await asyncio.gather(*tasks, return_exceptions=True)
    assert (before, after) == ("before", "after")
    assert isinstance(failed, sqlite3.IntegrityError)
    assert await book.run(_names) == ["after", "before"]


async def test_a_failed_commit_is_told_to_everyone_in_it(book: Book) -> None:
    """When the commit itself fails nobody is told success, and the book goes on."""

    def spoil(txn: Transaction) -> None:
        _add(txn, "lost")
        book._connection.execute("rollback")

    with pytest.raises(BookFailed):
        await book.run(spoil)
    assert await book.run(_names) == []
    assert await book.run(lambda txn: _add(txn, "next")) == "next"


async def test_the_backlog_is_bounded(tmp_path: Path) -> None:
    """A full backlog refuses at once, and what it refused did nothing."""
    book = await Book.open(tmp_path / "book.sqlite3", SCHEMA, backlog_units_max=2)
    gate, holding = await _hold(book)
    waiting = [asyncio.create_task(book.run(lambda txn, n=n: _add(txn, n))) for n in "ab"]
    await asyncio.sleep(0.01)
    with pytest.raises(BookBusy):
        await book.run(lambda txn: _add(txn, "c"))
    gate.leave.set()
    await asyncio.gather(holding, *waiting)
    assert await book.run(_names) == ["a", "b"]
    await book.close()


async def test_a_group_is_bounded(tmp_path: Path) -> None:
    """A commit never grows beyond its bound, and nobody starves behind it."""
    book = await Book.open(tmp_path / "book.sqlite3", SCHEMA, group_units_max=4)
    commits: list[str] = []
    gate, holding = await _hold(book)
    book._connection.set_trace_callback(commits.append)
    waiting = [asyncio.create_task(book.run(lambda txn, n=n: _add(txn, str(n)))) for n in range(10)]
    await asyncio.sleep(0.01)
    gate.leave.set()
    await asyncio.gather(holding, *waiting)
    assert [text.lower() for text in commits].count("commit") == 4
    await book.close()


async def test_the_loop_runs_while_the_disk_is_waited_for(book: Book) -> None:
    """A writer that is busy does not hold up the event loop."""
    gate, holding = await _hold(book)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not holding.done()
    gate.leave.set()
    await holding


async def test_a_cancelled_caller_changes_nothing_for_the_others(book: Book) -> None:
    """Work that was accepted is done even when nobody waits for its answer any more."""
    gate, holding = await _hold(book)
    abandoned = asyncio.create_task(book.run(lambda txn: _add(txn, "abandoned")))
    await asyncio.sleep(0.01)
    abandoned.cancel()
    gate.leave.set()
    await holding
    assert await book.run(_names) == ["abandoned"]


async def test_closing_finishes_what_was_accepted(tmp_path: Path) -> None:
    """Close waits for the backlog and refuses what comes after it."""
    book = await Book.open(tmp_path / "book.sqlite3", SCHEMA)
    gate, holding = await _hold(book)
    adding = asyncio.create_task(book.run(lambda txn: _add(txn, "last")))
    await asyncio.sleep(0.01)
    closing = asyncio.create_task(book.close())
    await asyncio.sleep(0.01)
    gate.leave.set()
    assert await adding == "last"
    await asyncio.gather(holding, closing)
    with pytest.raises(BookClosed):
        await book.run(_names)


async def test_listeners_hear_of_commits_only(book: Book) -> None:
    """A topic rings once its unit is committed, and not when it was taken back."""
    rung: list[str] = []
    book.listen("topic", lambda: rung.append("rung"))

    def touch(txn: Transaction) -> None:
        txn.touch("topic")
        assert rung == []

    def touch_and_fail(txn: Transaction) -> None:
        txn.touch("topic")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await book.run(touch_and_fail)
    assert rung == []
    await book.run(touch)
    assert rung == ["rung"]


async def test_an_older_book_is_brought_up_to_date(tmp_path: Path) -> None:
    """Each script runs once, in its turn, and what the book had stays."""
    path = tmp_path / "book.sqlite3"
    scripts = [*SCHEMA, "alter table items add column color text;", "create table more (a text);"]
    for known in (1, 2, 2, 3):
        book = await Book.open(path, scripts[:known])
        assert await book.run(lambda txn: _pragma(txn, "user_version")) == known
        await book.run(lambda txn, name=f"{known}": _add_once(txn, name))
        await book.close()
    book = await Book.open(path, scripts)
    columns = "select name, color from items order by name"
    found = await book.run(lambda txn: [tuple(row) for row in txn.all(columns, {})])
    assert found == [("1", None), ("2", None), ("3", None)]
    await book.close()


async def test_a_script_that_fails_changes_nothing(tmp_path: Path) -> None:
    """A book that cannot be brought up to date is left as it was, and says so."""
    path = tmp_path / "book.sqlite3"
    await (await Book.open(path, SCHEMA)).close()
    broken = [*SCHEMA, "create table half (a text); create table items (b text);"]
    with pytest.raises(BookError, match="cannot be opened"):
        await Book.open(path, broken)
    book = await Book.open(path, SCHEMA)
    tables = "select name from sqlite_master where name = 'half'"
    assert await book.run(lambda txn: txn.all(tables, {})) == []
    await book.close()


async def test_a_book_of_another_version_is_refused(tmp_path: Path) -> None:
    """A file that a later program wrote is not touched."""
    path = tmp_path / "book.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(BookError, match="schema version 99"):
        await Book.open(path, SCHEMA)


async def test_what_is_no_book_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """A file that is none of ours, and a folder in its place, are named in the error."""
    (tmp_path / "text.sqlite3").write_text("not a database, but long enough to be read as one" * 9)
    (tmp_path / "folder.sqlite3").mkdir()
    for name in ("text", "folder"):
        with pytest.raises(BookError, match=f"{name}.sqlite3 cannot be opened"):
            await Book.open(tmp_path / f"{name}.sqlite3", SCHEMA)
