"""Which payments are sent: drawn and encoded before the run, and known again by their number.

Payment number n is card n of a deck that is dealt over and over, under a key of its own. So the
bytes of a payment can be made again at any time, for a replay, for settling an unknown outcome,
or for the oracle, and nothing about it has to be remembered. A card is encoded once; the
key and the order are put behind it, because protobuf messages that are written one after the other
read as one message.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gatewayload.settings import Method, Mix, Part, Settings
from paymentgateway.v1 import payment_pb2, payment_service_pb2
from paymentgateway.v1.money_pb2 import Money

CARDS: Final = 10_000
"""Payments that differ, of each process; the next ones are the same under other keys."""

_NUMBERED: Final = re.compile(r"\.([0-9]{1,6})\.([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class Card:
    """What a payment is about, beside its key."""

    merchant_id: str
    payer_id: str
    minor_units: int
    encoded: bytes


class Deck:
    """The payments of one process."""

    def __init__(self, settings: Settings, part: Part) -> None:
        """Draw and encode the cards."""
        draw = random.Random(f"deck {settings.seed} {part.index}")  # noqa: S311
        self._run_id, self._index = settings.run_id, part.index
        self._prefix = f"{settings.run_id}.{part.index}."
        merchants, payers = merchant_ids(settings), payer_ids(settings)
        self._cards = [_drawn(settings.mix, merchants, payers, draw) for _ in range(CARDS)]

    def card(self, number: int) -> Card:
        """Give what payment `number` is about."""
        return self._cards[number % CARDS]

    def key(self, number: int) -> str:
        """Give the idempotency key of payment `number`, which is its order number too."""
        return f"{self._prefix}{number}"

    def number(self, key: str) -> int | None:
        """Give the number of the payment with this key; None where it is not of this process."""
        parts = key_parts(self._run_id, key)
        return parts[1] if parts is not None and parts[0] == self._index else None

    def refund_key(self, number: int) -> str:
        """Give the idempotency key of refund `number`."""
        return f"{self._prefix}r{number}"

    def request(self, number: int) -> bytes:
        """Give the PayRequest of payment `number`, encoded; always the same bytes."""
        key = self.key(number)
        named = payment_service_pb2.PayRequest(idempotency_key=key, order_id=key)
        return self.card(number).encoded + named.SerializeToString()


def merchant_ids(settings: Settings) -> tuple[str, ...]:
    """Name the merchants of a run; the hot one stands first."""
    if settings.mix.merchant_ids:
        return settings.mix.merchant_ids
    return tuple(f"load_{settings.run_id}_{number}" for number in range(settings.mix.merchants))


def payer_ids(settings: Settings) -> tuple[str, ...]:
    """Name the payers of a run."""
    return tuple(f"load.{settings.run_id}.{number}" for number in range(settings.mix.payers))


def key_parts(run_id: str, key: str) -> tuple[int, int] | None:
    """Read process and number out of a payment's key; None where it is not of this run."""
    if not key.startswith(run_id):
        return None
    match = _NUMBERED.fullmatch(key, len(run_id))
    return (int(match[1]), int(match[2])) if match else None


def sandbox_method(mix: Mix) -> payment_pb2.PaymentMethod:
    """Pay through the sandbox channel, which answers after the delay that was asked for."""
    charge = payment_pb2.SandboxScript(reply_delay_ms=mix.channel_delay_ms)
    return payment_pb2.PaymentMethod(sandbox=payment_pb2.SandboxMethod(charge=charge))


def _drawn(mix: Mix, merchants: Sequence[str], payers: Sequence[str], draw: random.Random) -> Card:
    merchant = merchants[0] if draw.random() < mix.hot else draw.choice(merchants)
    payer = draw.choice(payers)
    minor_units = draw.randint(1, mix.amount_max)
    request = payment_service_pb2.PayRequest(
        merchant_id=merchant,
        amount=Money(currency_code=mix.currency, minor_units=minor_units),
        payment_method=_method(mix),
        capture_mode=payment_pb2.CAPTURE_MODE_AUTOMATIC,
        payer=payment_pb2.Payer(payer_id=payer),
        scene=payment_pb2.SCENE_APP,
    )
    return Card(merchant, payer, minor_units, request.SerializeToString())


def _method(mix: Mix) -> payment_pb2.PaymentMethod:
    if mix.method is Method.SANDBOX:
        return sandbox_method(mix)
    return payment_pb2.PaymentMethod(wallet=payment_pb2.WalletMethod())
