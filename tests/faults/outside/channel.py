"""What a campaign must know of a channel, as data.

A way to pay is given a serial number, so that what names a payer at the channel is the same however
often the payment is sent. Faults and plays are the stand-in's own words; a campaign lets one wait
for the next request of an operation, now here, now there. A book is read into the records that the
invariants know, whatever the channel calls them.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from paymentgateway.v1.payment_pb2 import PaymentMethod
from tests.invariants.world import Row

Terms = Mapping[str, str]
"""What was agreed with the channel before the first payment, such as a contract's number."""

Method = Callable[[Terms, int], PaymentMethod]
Records = Mapping[str, list[Row]]
Book = dict[str, list[Row]]
Rule = dict[str, Any]

LATE: tuple[Rule, ...] = (
    {"late": "SUCCESS", "settle_delay_ms": 200},
    {"late": "REFUNDED", "settle_delay_ms": 200},
)
"""What becomes of money that comes for an order that is closed: it stays, or is given back."""

SLOW_MS = (100, 600, 2_300)
"""How late a reply comes; the last is later than anybody waits."""

COUNTS = (1, 1, 2)


@dataclass(frozen=True)
class Way:
    """One way to pay. `modes`: whether it may hold the amount, for each mode that it has."""

    name: str
    method: Method
    modes: tuple[bool, ...] = (False,)


@dataclass(frozen=True)
class Outside:
    """One channel.

    Attributes:
        pages: lists of its book that are read.
        read: gives what they say as charges, captures and refunds.
        moved: gives what moved in all, of the `moved` of its summary, in minor units.
        acts: what a buyer does there, by its name: a path with the number, and what is asked.
        tells: path by which it tells once more about a charge, and in which modes it can.
        faults: what may go wrong with requests, by operation.
        plays: how the others may act, by operation.
        chosen: variables of the gateway that a merchant decides.
        agree: agrees on the terms, once it runs; is given the gateway's variables.
        forged: modes in which it tells what nobody may acknowledge, because nothing proves it.
        leaps: whether its time may run ahead; not where it is asked about spans of ours.
        secrets: words that must never be in a log.
    """

    name: str
    ways: tuple[Way, ...]
    pages: tuple[str, ...]
    read: Callable[[Records], Book]
    moved: Callable[[Mapping[str, Any]], int]
    acts: Mapping[str, tuple[str, Rule]]
    tells: tuple[str, tuple[str, ...]]
    faults: Mapping[str, tuple[str, ...]]
    plays: Mapping[str, tuple[Rule, ...]]
    forged: Collection[str]
    chosen: Mapping[str, str] = field(default_factory=dict)
    agree: Callable[[Any, Mapping[str, str]], Awaitable[Terms]] | None = None
    leaps: bool = True
    secrets: tuple[str, ...] = ()

    def deck(self) -> Iterator[Rule]:
        """Give every rule that may be laid, once."""
        for operation, names in self.faults.items():
            for place, name in enumerate(names):
                count = COUNTS[place % len(COUNTS)]
                yield {"operation": operation, "count": count, "fault": {"name": name}}
            for delay_ms in SLOW_MS:
                yield {"operation": operation, "fault": {"name": "NONE", "delay_ms": delay_ms}}
        for operation, plays in self.plays.items():
            yield from ({"operation": operation, "play": play} for play in plays)


def telling(modes: tuple[str, ...], *, storm: int = 20) -> tuple[Rule, ...]:
    """Give plays that tell in each mode, and some that tell late, so that others overtake it."""
    plays: list[Rule] = [
        {"notify": mode, "notify_count": storm} if mode == "STORM" else {"notify": mode}
        for mode in modes
    ]
    return (*plays, *({"notify": "TWICE", "notify_delay_ms": late} for late in (400, 1_500)))


def booked(
    number: str,
    state: str,
    amount: int,
    *,
    charged: int = 0,
    refunded: int = 0,
    coming: bool = False,
) -> Row:
    """Make a record as the invariants know it; `coming`: its money comes yet, by itself."""
    effects = {"charged": charged, "refunded": refunded}
    return {
        "number": number,
        "state": state,
        "amount": amount,
        "effects": effects,
        "coming": coming,
    }
