"""After the run: what became of the calls without an answer, and of what is still open.

An outcome that the generator does not know is settled in the one way that the contract offers: the
same key is sent again until there is an answer. A refusal on the way says nothing about the first
send, so only an answer counts. What was accepted and has no result yet is asked for in the same
way, because a replay is answered with the current state. What is still open when the time is over
stays so, and the oracle says it.
"""

import asyncio
import itertools
import time
from collections.abc import Iterable, Iterator
from typing import Final

import grpc

from gatewayload.connection import LoadChannels
from gatewayload.crowd import each
from gatewayload.deck import Deck
from gatewayload.journal import Journal
from gatewayload.operations import BatchPay, Item, Operation, Pay, Refund, Sending
from gatewayload.settings import Settings

ROUND_S: Final = 0.3
"""Pause between two rounds, in seconds."""


class Settlement:
    """Sends the open keys of one process again."""

    def __init__(
        self, settings: Settings, journal: Journal, deck: Deck, channels: LoadChannels
    ) -> None:
        self._settings, self._journal = settings, journal
        self._deck, self._channels = deck, channels
        self._end = 0.0

    async def run(self) -> None:
        """Go on until nothing is open, or the time is over."""
        self._end = time.monotonic() + self._settings.oracle.settle_s
        left = await self._round()
        while left and time.monotonic() < self._end:
            await asyncio.sleep(ROUND_S)
            left = await self._round()

    async def _round(self) -> bool:
        """Send everything open once, payments before their refunds; say if anything is left."""
        for calls in (self._payments(), self._refunds()):
            await each(calls, self._send, self._settings.oracle.questions_max)
        return self._journal.unsettled() != [] or self._journal.refunds.unsettled() != []

    async def _send(self, call: Operation) -> None:
        if time.monotonic() >= self._end:
            return
        try:
            answer = await self._channels.call(call.method, call.request)
        except grpc.aio.AioRpcError:
            return  # says nothing; the next round tries again
        call.answered(answer)

    def _payments(self) -> Iterator[Operation]:
        items = (Item(number, Sending.AGAIN) for number in self._journal.unsettled())
        if self._settings.mix.batch_size == 1:
            return (Pay(self._journal, self._deck, item) for item in items)
        groups = _groups(items, self._settings.mix.batch_size)
        return (BatchPay(self._journal, self._deck, group) for group in groups)

    def _refunds(self) -> Iterator[Operation]:
        currency = self._settings.mix.currency
        return (
            Refund(self._journal, self._deck, number, currency)
            for number in self._journal.refunds.unsettled()
        )


def _groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    waiting = iter(items)
    while group := list(itertools.islice(waiting, size)):
        yield group
