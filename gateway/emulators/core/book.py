"""The durable book: one sqlite3 file, one writer thread, many callers' work in one commit.

The rule it keeps: a caller hears a result only after the commit that carries it has reached the
disk (synchronous=FULL), and a result it heard is never lost. Callers hand over a *unit*, a plain
function over a transaction. The writer takes every unit that waits, runs each in a savepoint of its
own (one that raises takes only itself back), commits once, and then answers all of them. So fsync
is paid per group and never on the event loop, and units see one another in one order: there is
nothing to lock and nothing to race.

Reads are units too. They are answered after the commit of their group, so nobody ever reads what
may yet vanish.
"""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

BACKLOG_UNITS_MAX = 8_192
GROUP_UNITS_MAX = 256
LOCK_WAIT_MS = 3_000  # a killed predecessor may still be leaving

T = TypeVar("T")
Value = str | int | None
Row = sqlite3.Row


class BookError(Exception):
    """The root of what the book itself can refuse or fail."""


class BookLocked(BookError):
    """Another process has this book open."""


class BookBusy(BookError):
    """Too many units wait; this one was not accepted and did nothing."""


class BookClosed(BookError):
    """The book is closed; this unit was not accepted and did nothing."""


class BookFailed(BookError):
    """The commit failed; nothing is known to be kept of this unit."""


class Transaction:
    """What one unit may do: read, write, and say which topics it touched."""

    __slots__ = ("_connection", "topics")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.topics: set[str] = set()

    def one(self, sql: str, values: Mapping[str, Value]) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, values: Mapping[str, Value]) -> list[Row]:
        """Every row; the statement itself bounds how many."""
        return self._connection.execute(sql, values).fetchall()

    def write(self, sql: str, values: Mapping[str, Value]) -> int:
        """Run a change and say how many rows it met."""
        return self._connection.execute(sql, values).rowcount

    def touch(self, topic: str) -> None:
        """Ring the listeners of `topic` once this unit is committed."""
        self.topics.add(topic)


class _Unit:
    __slots__ = ("error", "future", "result", "run", "transaction")

    def __init__(
        self,
        run: Callable[[Transaction], Any],
        future: asyncio.Future[Any],
        connection: sqlite3.Connection,
    ) -> None:
        self.run = run
        self.future = future
        self.transaction = Transaction(connection)
        self.result: Any = None
        self.error: Exception | None = None


class Book:
    """A durable book. Open it with `Book.open`, close it with `close`; `run` is all between."""

    def __init__(
        self, connection: sqlite3.Connection, *, backlog_units_max: int, group_units_max: int
    ) -> None:
        self._connection = connection
        self._backlog_units_max = backlog_units_max
        self._group_units_max = group_units_max
        self._loop = asyncio.get_running_loop()
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._units: deque[_Unit] = deque()
        self._waiting = threading.Condition()
        self._closing = False
        self._writer = threading.Thread(target=self._work, name="book-writer", daemon=True)

    @classmethod
    async def open(
        cls,
        path: Path,
        schema: Sequence[str],
        *,
        backlog_units_max: int = BACKLOG_UNITS_MAX,
        group_units_max: int = GROUP_UNITS_MAX,
    ) -> "Book":
        """Open the file, and bring it to the newest version of its schema.

        Each script of `schema` makes the next version out of the one before, the first out of
        nothing; a script that was ever in use is never changed.

        Raises BookLocked when it is in use, BookError when it is no book of this program.
        """
        connection = await asyncio.to_thread(_connect, path, schema)
        book = cls(connection, backlog_units_max=backlog_units_max, group_units_max=group_units_max)
        book._writer.start()
        return book

    def listen(self, topic: str, ring: Callable[[], None]) -> None:
        """Call `ring` on the event loop after each commit that touched `topic`."""
        self._listeners.setdefault(topic, []).append(ring)

    async def run(self, unit: Callable[[Transaction], T]) -> T:
        """Run a unit and return its result once it is durable.

        Raises what the unit raised (then nothing of it is kept), BookBusy or BookClosed (then it
        never ran), or BookFailed.
        """
        if self._closing:
            raise BookClosed("The book is closed.")
        if len(self._units) >= self._backlog_units_max:
            raise BookBusy("The book has too much waiting; try again in a moment.")
        future: asyncio.Future[T] = self._loop.create_future()
        with self._waiting:
            self._units.append(_Unit(unit, future, self._connection))
            self._waiting.notify()
        return await future

    async def close(self) -> None:
        """Finish every accepted unit, then close the file."""
        with self._waiting:
            self._closing = True
            self._waiting.notify()
        await asyncio.to_thread(self._writer.join)
        self._connection.close()

    def _work(self) -> None:
        while units := self._gather():
            self._commit(units)
            self._loop.call_soon_threadsafe(self._answer, units)

    def _gather(self) -> list[_Unit]:
        with self._waiting:
            self._waiting.wait_for(lambda: self._units or self._closing)
            count = min(len(self._units), self._group_units_max)
            return [self._units.popleft() for _ in range(count)]

    def _commit(self, units: list[_Unit]) -> None:
        try:
            self._connection.execute("begin immediate")
            for unit in units:
                self._attempt(unit)
            self._connection.execute("commit")
        except Exception as error:  # noqa: BLE001 the group is lost: each member must hear it
            self._fail(units, error)

    def _fail(self, units: list[_Unit], error: Exception) -> None:
        failure = BookFailed(f"The book could not commit: {error}")
        failure.__cause__ = error
        for unit in units:
            unit.error = failure
        with suppress(sqlite3.Error):  # if even this fails, so will the next group, and say so
            if self._connection.in_transaction:
                self._connection.execute("rollback")

    def _attempt(self, unit: _Unit) -> None:
        self._connection.execute("savepoint unit")
        try:
            unit.result = unit.run(unit.transaction)
        except Exception as error:  # noqa: BLE001 whatever it is, its caller shall have it
            unit.error = error
            self._connection.execute("rollback to unit")
        self._connection.execute("release unit")

    def _answer(self, units: list[_Unit]) -> None:
        for unit in units:
            if unit.error is None:
                self._ring(unit.transaction.topics)
            if unit.future.done():  # its caller was cancelled; the work stands all the same
                continue
            if unit.error is None:
                unit.future.set_result(unit.result)
            else:
                unit.future.set_exception(unit.error)

    def _ring(self, topics: set[str]) -> None:
        for topic in topics:
            for ring in self._listeners.get(topic, ()):
                ring()


def _connect(path: Path, schema: Sequence[str]) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(
            path, timeout=LOCK_WAIT_MS / 1000, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise BookError(f"The book {path.name} cannot be opened: {error}") from error
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("pragma locking_mode = exclusive")  # two servers on one book: refused
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
        _prepare(connection, path, schema)
    except sqlite3.Error as error:
        connection.close()
        if "locked" not in str(error):
            raise BookError(f"The book {path.name} cannot be opened: {error}") from error
        raise BookLocked(
            f"The book {path.name} is open in another process: stop that one, or use another "
            "data folder."
        ) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, schema: Sequence[str]) -> None:
    connection.execute("begin immediate")  # takes the lock now, not at the first request
    found = connection.execute("pragma user_version").fetchone()[0]
    connection.execute("commit")
    if found > len(schema):
        raise BookError(
            f"The book {path.name} has schema version {found}, this program knows "
            f"{len(schema)}: use the program that wrote it, or a new data folder."
        )
    for version, script in enumerate(schema[found:], start=found + 1):
        connection.executescript(f"begin;\n{script}\npragma user_version = {version};\ncommit;")
