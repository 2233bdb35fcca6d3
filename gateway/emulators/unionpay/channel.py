"""UnionPay at work: what a unit of work needs besides the book."""

from dataclasses import dataclass

from gateway.emulators.core.clock import Clock
from gateway.emulators.unionpay.keys import Keys


@dataclass(frozen=True)
class Channel:
    """Keys and clock."""

    keys: Keys
    clock: Clock
