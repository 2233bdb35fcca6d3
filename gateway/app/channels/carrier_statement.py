"""The statement of a day of carrier billing, put together from the operator's lists.

There is no bill: payments are listed by their creation, refunds below their payment only. So what
moved on a day is looked for among all payments that could have moved then: those created as long
before its end as a reservation lives and a refund may come. They are listed day by day, since an
operator lists only so many at once, and each is asked for its refunds. That makes as many requests
as there were payments in that time, which is bounded, and so are the requests at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from gateway.app.bill_compare import Span, span_of
from gateway.channels.bill import Bill, BillLine, BillRefused
from gateway.channels.carrier import bill
from gateway.channels.carrier.bill import Piece
from gateway.channels.carrier.connector import CarrierConnector
from gateway.channels.client import HttpChannel
from gateway.channels.connector import HttpReply, HttpRequest

REQUESTS_MAX: Final = 200_000
"""Requests for one statement; a longer one is refused."""

REQUESTS_AT_ONCE_MAX: Final = 8
"""Requests under way at the same time."""

DAY: Final = timedelta(days=1)

Ask = Callable[[datetime, datetime, str], HttpRequest]
"""Builds the request for a list from its start on, made at a moment, with a nonce."""

Read = Callable[[HttpReply, str, datetime], Piece]
"""Reads the answer to the request with this nonce, for a list from its start on."""

Look = Callable[[], Awaitable[list[BillLine]]]


async def fetch_statement(connector: CarrierConnector, channel: HttpChannel, day: date) -> Bill:
    """Ask for all that moved on a day of Beijing. Raises BillRefused, NotSent, Lost."""
    start, end = span_of(day)
    lists, told = _Lists(connector, channel), connector.account.settings
    first = start - told.authorization_lifetime - (told.refund_window or timedelta(0))
    charges = await lists.all(partial(lists.payments, span) for span in _days(first, end))
    paid = {line.channel_number: line for line in charges}.values()
    refunds = await lists.all(partial(lists.refunds, line, first) for line in paid)
    return bill.make_bill(line for line in (*charges, *refunds) if start <= line.time < end)


class _Lists:
    """The operator's lists, each read on until it is whole."""

    def __init__(self, connector: CarrierConnector, channel: HttpChannel) -> None:
        self._account = connector.account
        self._channel = channel
        self._places = asyncio.Semaphore(REQUESTS_AT_ONCE_MAX)
        self._requests = 0

    async def all(self, looks: Iterable[Look]) -> list[BillLine]:
        """Give the lines of many lists; the first that cannot be had ends all."""

        async def placed(look: Look) -> list[BillLine]:
            async with self._places:
                return await look()

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(placed(look)) for look in looks]
        except ExceptionGroup as several:
            raise several.exceptions[0] from several
        return [line for task in tasks for line in task.result()]

    async def payments(self, span: Span) -> list[BillLine]:
        """Give the payments that were created in a span and succeeded."""
        start, end = span

        def ask(begin: datetime, moment: datetime, nonce: str) -> HttpRequest:
            return bill.payments_request(self._account, begin, end, moment, nonce)

        return await self._whole(start, ask, bill.read_payments)

    async def refunds(self, charge: BillLine, start: datetime) -> list[BillLine]:
        """Give the refunds of a payment that succeeded."""
        ask = partial(bill.refunds_request, self._account, charge)
        return await self._whole(start, ask, partial(bill.read_refunds, charge))

    async def _whole(self, start: datetime, ask: Ask, read: Read) -> list[BillLine]:
        lines: list[BillLine] = []
        resume_time: datetime | None = start
        while resume_time is not None:
            piece = await self._piece(resume_time, ask, read)
            lines += piece.lines
            resume_time = piece.resume_time
        return lines

    async def _piece(self, start: datetime, ask: Ask, read: Read) -> Piece:
        self._requests += 1
        if self._requests > REQUESTS_MAX:
            raise BillRefused(f"The statement takes more than {REQUESTS_MAX} requests.")
        nonces: list[str] = []

        def build(moment: datetime, nonce: str) -> HttpRequest:
            nonces.append(nonce)
            return ask(start, moment, nonce)

        reply, _ = await self._channel.exchange(build)
        return read(reply, nonces[-1], start)


def _days(start: datetime, end: datetime) -> Iterator[Span]:
    """Cut a span into days, the last of them whatever is left."""
    while start < end:
        yield start, min(start + DAY, end)
        start += DAY
