"""What a campaign does, decided by its seed alone.

Journey number n of a seed is always the same, whatever the machine's speed, and so is strike number
n. When they meet is up to the machine: a campaign is repeated by its seed, not replayed bit by bit.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.faults.outing import Outing, outing
from tests.faults.outside import SANDBOX

Script = Mapping[str, Any]

NO_SCRIPT_SHARE = 0.35
ANSWER_SHARE = 0.3
ACTION_SHARE = 0.25
BEYOND_TIMEOUT_MS = 2_200
STORM = 30
PAYERS = 6
"""Few, so that many are after the same wallet."""

WALLET_SHARE = 0.6
ERRANDS = {"none": 50, "top up": 15, "withdraw": 15, "batch": 20}
DEADLINES_MS = (None, None, None, None, 5, 20, 60, 250)

SPOILED = (
    "DROP_REPLY",
    "REFUSE",
    "ERROR_BEFORE_EFFECT",
    "ERROR_AFTER_EFFECT",
    "MALFORMED_REPLY",
    "UNSIGNED_REPLY",
    "FORGED_REPLY",
    "WRONG_AMOUNT",
    "BUSY",
)
NOTIFIED = (
    "TWICE",
    "OUT_OF_ORDER",
    "BEFORE_REPLY",
    "STORM",
    "FORGED",
    "STALE",
    "WRONG_AMOUNT",
    "WRONG_NUMBER",
)
SCRIPTED = (*SPOILED, "REPLY_DELAY", "FORGET", *(f"NOTIFY_{name}" for name in NOTIFIED))
"""Faults that the sandbox commits on request, as its proofs name them."""

STRIKES = {
    "kill a gateway": 5,
    "kill all gateways": 1,
    "stop a gateway": 4,
    "kill the sandbox": 2,
    "stop the sandbox": 2,
    "kill Postgres": 1,
    "stop Postgres": 1,
    "end a connection": 5,
}
"""What the monkey does, and how often in proportion."""

OUTSIDE_STRIKES = {"kill a channel": 4, "stop a channel": 3}
"""What it does besides where there are real channels."""


@dataclass(frozen=True)
class Wish:
    """One capture, cancel or refund, sent in so many copies at once."""

    kind: str
    minor_units: int = 0
    final: bool = False
    copies: int = 1
    deadline_ms: int | None = None


@dataclass(frozen=True)
class Item:
    """One payment of a batch, from a payer's wallet. `number` names its key within the batch."""

    number: int
    payer: int
    minor_units: int


@dataclass(frozen=True)
class Errand:
    """What a payer does beside: bring money into a wallet or out of it, or pay many at once."""

    kind: str
    payer: int
    minor_units: int = 0
    charge: Script = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    copies: int = 1
    deadline_ms: int | None = None


@dataclass(frozen=True)
class Journey:
    """One payment and all that is wanted of it; wishes of one round are sent at once.

    It is paid through a real channel where an outing is planned, from a payer's wallet where a
    payer is named, else through the sandbox.
    """

    index: int
    merchant: int
    minor_units: int
    manual: bool
    charge: Script = field(default_factory=dict)
    capture: Script = field(default_factory=dict)
    refund: Script = field(default_factory=dict)
    copies: int = 1
    twin: bool = False
    gives_up: bool = False
    expires_in_s: int = 0
    deadline_ms: int | None = None
    rounds: tuple[tuple[Wish, ...], ...] = ()
    reads: bool = False
    payer: int | None = None
    errand: Errand | None = None
    outing: Outing | None = None


@dataclass(frozen=True)
class Strike:
    """One thing that the monkey does, after a pause."""

    pause_s: float
    kind: str
    target: int
    length_s: float


def journey(seed: int, index: int, merchants: int, channels: Sequence[str] = (SANDBOX,)) -> Journey:
    """Give journey number `index` of a seed, through these channels."""
    chance = random.Random(f"journey {seed} {index}")
    amount, manual = chance.randint(100, 100_000), chance.random() < 0.35
    out = outing(seed, index, channels, manual=manual)
    manual = out.holds if out else manual
    return Journey(
        index=index,
        merchant=chance.randrange(merchants),
        minor_units=amount,
        manual=manual,
        charge=_charge_script(chance, index, manual=manual),
        capture=_script(chance) if manual else {},
        refund=_refund_script(chance),
        copies=chance.choice((1, 1, 1, 2, 3)),
        twin=chance.random() < 0.1,
        gives_up=chance.random() < 0.1,
        expires_in_s=chance.choice((0, 0, 0, 3)),
        deadline_ms=chance.choice(DEADLINES_MS),
        rounds=tuple(_rounds(chance, amount, manual=manual)),
        reads=chance.random() < 0.3,
        payer=_payer(chance, index),
        errand=_errand(chance),
        outing=out,
    )


def strikes(seed: int, channels: Sequence[str] = (SANDBOX,)) -> Iterator[Strike]:
    """Give the strikes of a seed, without end."""
    chance = random.Random(f"strikes {seed}")
    shares = STRIKES if set(channels) <= {SANDBOX} else STRIKES | OUTSIDE_STRIKES
    kinds, weights = list(shares), list(shares.values())
    while True:
        kind = chance.choices(kinds, weights)[0]
        yield Strike(chance.uniform(0.2, 1.2), kind, chance.randrange(64), chance.uniform(0.2, 2.5))


def _payer(chance: random.Random, index: int) -> int | None:
    """Pay from a wallet, where it is not the turn of a fault of the channel's."""
    if _in_turn(index) or chance.random() > WALLET_SHARE:
        return None
    return chance.randrange(PAYERS)


def _in_turn(index: int) -> bool:
    return index % 2 == 1


def _errand(chance: random.Random) -> Errand | None:
    """Top-ups bring about as much as withdrawals take; what runs out makes refusals."""
    kind = chance.choices(list(ERRANDS), list(ERRANDS.values()))[0]
    if kind == "none":
        return None
    copies, deadline_ms = chance.choice((1, 1, 2)), chance.choice(DEADLINES_MS)
    if kind == "batch":
        items = tuple(_items(chance))
        return Errand(kind, 0, items=items, copies=copies, deadline_ms=deadline_ms)
    amount, payer = chance.randint(100, 100_000), chance.randrange(PAYERS)
    script = _script(chance)
    return Errand(kind, payer, amount, script, copies=copies, deadline_ms=deadline_ms)


def _items(chance: random.Random) -> Iterator[Item]:
    """Some items stand twice, and of some of those the second is not the same."""
    for number in range(chance.choice((3, 20, 60))):
        item = Item(number, chance.randrange(PAYERS), chance.randint(1, 2_000))
        yield item
        if chance.random() < 0.1:
            yield replace(item, minor_units=item.minor_units + chance.choice((0, 1)))


def _rounds(chance: random.Random, amount: int, *, manual: bool) -> Iterator[tuple[Wish, ...]]:
    """Captures and cancels against each other, then refunds that together are too many."""
    if manual or chance.random() < 0.1:
        yield tuple(_taking(chance, amount) for _ in range(chance.choice((1, 1, 2, 3))))
    if manual and chance.random() < 0.5:
        yield (_wish(chance, "capture", amount // 3, final=True),)
    if chance.random() < 0.6:
        share = chance.choice((1, 2, 2, 3))
        count = chance.choice((1, share, share + 1, share + 2))
        yield tuple(_wish(chance, "refund", max(1, amount // share)) for _ in range(count))


def _taking(chance: random.Random, amount: int) -> Wish:
    if chance.random() < 0.3:
        return _wish(chance, "cancel")
    part = chance.choice((amount, amount // 2, amount // 3, amount + 1))
    return _wish(chance, "capture", part, final=chance.random() < 0.3)


def _wish(chance: random.Random, kind: str, minor_units: int = 0, *, final: bool = False) -> Wish:
    copies = chance.choice((1, 1, 1, 2))
    return Wish(kind, minor_units, final, copies, chance.choice(DEADLINES_MS))


def _script(chance: random.Random) -> Script:
    """How the channel behaves: well, or badly in one of all its ways."""
    if chance.random() < NO_SCRIPT_SHARE:
        return {}
    if chance.random() < ANSWER_SHARE:
        return _other_answer(chance)
    return _fault(chance, chance.choice(SCRIPTED))


def _fault(chance: random.Random, name: str) -> Script:
    """Make a script that commits a fault, named as the sandbox's proof names it."""
    if name == "REPLY_DELAY":
        return {"reply_delay_ms": chance.choice((50, 200, 500, BEYOND_TIMEOUT_MS))}
    if name == "FORGET":
        return {"fault": "DROP_REPLY", "forget_count": chance.randint(1, 4)}
    if name.startswith("NOTIFY_"):
        notify = {"notify": name.removeprefix("NOTIFY_"), "notify_count": STORM}
        return notify | (_later(chance) if chance.random() < 0.5 else {})
    always = chance.random() < 0.03
    return {"fault": name, "fault_count": chance.randint(1, 3), "fault_always": always}


def _other_answer(chance: random.Random) -> Script:
    if chance.random() < 0.4:
        return {"outcome": "DECLINE"}
    return _later(chance) | {"settle_declined": chance.random() < 0.3}


def _later(chance: random.Random) -> Script:
    return {"outcome": "ANSWER_LATER", "settle_delay_ms": chance.randint(50, 1_000)}


def _charge_script(chance: random.Random, index: int, *, manual: bool) -> Script:
    """Give every second charge the next fault in turn, so that none is left out by chance."""
    if _in_turn(index):
        return _fault(chance, SCRIPTED[index // 2 % len(SCRIPTED)])
    if chance.random() > ACTION_SHARE:
        return _script(chance)
    acts_ms = chance.choice((0, 200, 1_000))
    action: dict[str, Any] = {"outcome": "REQUIRE_ACTION", "settle_delay_ms": acts_ms}
    if chance.random() < 0.4 and not manual:
        action |= {"pay_after_close": True, "settle_delay_ms": 300}
    return action


def _refund_script(chance: random.Random) -> Script:
    return {"outcome": "ABNORMAL"} if chance.random() < 0.02 else _script(chance)
