"""Which call comes next: kinds in the shares that were asked for, each made from the journal.

The kinds are laid out in a cycle with exact shares, shuffled once, so that two runs of one seed
send the same and a short run has the shares too. A replay, a read or a refund needs a payment that
was answered before; while there is none, a new payment takes its place and is counted as one.
"""

import random
from typing import Final

from gatewayload.deck import Deck
from gatewayload.journal import Journal
from gatewayload.operations import BatchPay, Item, Operation, Pay, Read, Refund, Sending
from gatewayload.settings import Part, Settings

CYCLE: Final = 1_000
"""Calls after which the order of kinds begins again; shares are exact to a thousandth."""


class Mixer:
    """Makes the calls of one process, one after the other."""

    def __init__(self, settings: Settings, part: Part, journal: Journal, deck: Deck) -> None:
        self._mix, self._journal, self._deck = settings.mix, journal, deck
        self._draw = random.Random(f"mixer {settings.seed} {part.index}")  # noqa: S311
        self._payments_max = part.of(settings.load.payments_max)
        self._kinds = self._shuffled(refund=self._mix.refunds, read=self._mix.reads)
        self._items = self._shuffled(replay=self._mix.replays)
        self._calls = self._payments = 0

    def next(self) -> Operation | None:
        """Make the next call; None once enough payments were sent."""
        if len(self._journal) >= self._payments_max:
            return None
        kind = self._kinds[self._calls % CYCLE]
        self._calls += 1
        made: Operation | None = None
        if kind == "refund":
            made = self._refund()
        elif kind == "read":
            made = self._read()
        return made or self._pay()

    def _pay(self) -> Operation:
        items: list[Item] = []
        while len(items) < self._mix.batch_size and len(self._journal) < self._payments_max:
            replayed = self._replayed()
            if replayed is None:
                items.append(Item(self._journal.open(), Sending.NEW))
            else:
                items.append(Item(replayed, Sending.REPLAY))
        if self._mix.batch_size == 1:
            return Pay(self._journal, self._deck, items[0])
        return BatchPay(self._journal, self._deck, items)

    def _replayed(self) -> int | None:
        kind = self._items[self._payments % CYCLE]
        self._payments += 1
        return self._journal.any_answered(self._draw) if kind == "replay" else None

    def _read(self) -> Operation | None:
        number = self._journal.any_answered(self._draw)
        if number is None:
            return None
        by_key = self._draw.random() < 0.5  # noqa: PLR2004 - either way as often
        return Read(self._journal, self._deck, number, by_key=by_key)

    def _refund(self) -> Operation | None:
        payment = self._journal.any_refundable(self._draw)
        if payment is None:
            return None
        number = self._journal.refunds.open(payment)
        return Refund(self._journal, self._deck, number, self._mix.currency)

    def _shuffled(self, **shares: float) -> list[str]:
        """Lay out a cycle: each kind by its share, new payments as the rest."""
        kinds = [kind for kind, share in shares.items() for _ in range(round(share * CYCLE))]
        kinds = [*kinds, *["pay"] * (CYCLE - len(kinds))]
        self._draw.shuffle(kinds)
        return kinds
