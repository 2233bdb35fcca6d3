"""Movements: money that a channel moved, by the numbers under which the channel knows it.

What a bill lists is looked up by its numbers, which carry the owner and the attempt, so those
lookups read few rows. What a day of ours holds is found by reading whole tables, for people and
for jobs of the night. Some channels give a capture no number of its own: there it is looked up, and
told, `under_charge`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.ids import parse_channel_number
from gateway.domain.money import Money
from gateway.store.audit import ALLOW_LONG_STATEMENTS, TIMEOUT_S
from gateway.store.pool import Connection, Pool
from gateway.store.queries import sql

MOVEMENTS_OF_NUMBERS = sql("movements_of_numbers")
CAPTURES_OF_NUMBERS = sql("captures_of_numbers")
MOVEMENTS_OF_SPAN = sql("movements_of_span")

NUMBERS_MAX = 2_000
"""Numbers looked up in one statement."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moved: `kind` is CHARGE or REFUND, `move_time` when we learned of it."""

    kind: str
    number: str
    money: Money
    move_time: datetime


class Movements:
    """Reads them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_numbers(
        self, channel: str, numbers: Iterable[str], *, under_charge: bool = False
    ) -> Sequence[Movement]:
        """Read what moved under these numbers; those that are not ours are passed over."""
        found: list[Movement] = []
        parsed = [key for number in numbers if (key := parse_channel_number(number))]
        for start in range(0, len(parsed), NUMBERS_MAX):
            page = parsed[start : start + NUMBERS_MAX]
            keys = [serial for serial, _ in page], [attempt for _, attempt in page]
            found += await self._read(MOVEMENTS_OF_NUMBERS, channel, *keys)
            if under_charge:
                found += await self._read(CAPTURES_OF_NUMBERS, channel, *keys)
        return found

    async def of_span(
        self, channel: str, start: datetime, end: datetime, *, under_charge: bool = False
    ) -> Sequence[Movement]:
        """Read what moved from `start`, inclusive, to `end`, exclusive."""
        return await self._read(MOVEMENTS_OF_SPAN, channel, start, end, under_charge)

    async def _read(self, statement: str, *arguments: object) -> Sequence[Movement]:
        async def work(connection: Connection) -> Sequence[Movement]:
            await connection.fetchval(ALLOW_LONG_STATEMENTS, f"{TIMEOUT_S}s")
            records = await connection.fetch(statement, *arguments, timeout=TIMEOUT_S)
            return [
                Movement(
                    row["kind"],
                    row["number"],
                    Money(row["currency"], row["amount"]),
                    row["move_time"],
                )
                for row in records
            ]

        return await self._pool.snapshot(work)
