"""What is planned at real channels, decided by the seed alone: who pays how, and what goes wrong.

An outing is a journey's own part there: its way to pay, what the buyer does, and in which manner
the channel tells of it once more when it is over. Pranks are laid beside the journeys, as strikes
are: a rule for the next request of an operation, whoever's that is. Each channel's deck is gone
through in an order of the seed's, so that in a long run nothing is left out.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.faults.outside import OUTSIDE
from tests.faults.outside.channel import Rule

OUTING_SHARE = 0.7
"""Of the journeys, where there are real channels."""

BUYERS = {"pays": 10, "refuses": 1, "pays late": 1, "leaves": 1}
RETOLD_SHARE = 0.3
ACTS_AFTER_MS = (0, 50, 300)
PRANK_PAUSES_S = (0.03, 0.12)
ABNORMAL_SHARE = 0.15
"""Of the refunds that a deck lets become abnormal, which a person has to see to."""


@dataclass(frozen=True)
class Outing:
    """How a journey is paid through a real channel."""

    channel: str
    way: int
    holds: bool
    buyer: str
    acts_after_ms: int
    retold: str


@dataclass(frozen=True)
class Prank:
    """A rule that is laid at a channel, after a pause."""

    pause_s: float
    channel: str
    rule: Rule


def outing(seed: int, index: int, channels: Sequence[str], *, manual: bool) -> Outing | None:
    """Give what journey number `index` of a seed does at one of these channels, if anything."""
    chance = random.Random(f"outing {seed} {index}")
    names = [name for name in channels if name in OUTSIDE]
    if not names or chance.random() > OUTING_SHARE:
        return None
    channel = OUTSIDE[chance.choice(names)]
    way = chance.randrange(len(channel.ways))
    modes = channel.ways[way].modes
    retold = chance.choice(channel.tells[1]) if chance.random() < RETOLD_SHARE else ""
    return Outing(
        channel=channel.name,
        way=way,
        holds=manual if manual in modes else modes[0],
        buyer=chance.choices(list(BUYERS), list(BUYERS.values()))[0],
        acts_after_ms=chance.choice(ACTS_AFTER_MS),
        retold=retold,
    )


def pranks(seed: int, channels: Sequence[str]) -> Iterator[Prank]:
    """Give the pranks of a seed, without end, at these channels in turn."""
    chance = random.Random(f"pranks {seed}")
    decks = {name: _dealt(chance, name) for name in channels if name in OUTSIDE}
    for name in itertools.cycle(decks):
        yield Prank(chance.uniform(*PRANK_PAUSES_S), name, next(decks[name]))


def _dealt(chance: random.Random, name: str) -> Iterator[Rule]:
    """Deal a channel's deck again and again, each time in another order."""
    while True:
        deck = list(OUTSIDE[name].deck())
        chance.shuffle(deck)
        for rule in deck:
            abnormal = rule.get("play", {}).get("settle") == "ABNORMAL"
            if not abnormal or chance.random() < ABNORMAL_SHARE:
                yield rule
