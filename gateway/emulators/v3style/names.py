"""The names table: everything in which one channel of the family differs from another.

WeChat Pay and Douyin Pay speak one protocol with other words. What is the same is code; what is not
stands in a `Names`: headers, labels, paths, the few bodies and replies of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from gateway.emulators.core import beijing
from gateway.emulators.core.clock import Clock
from gateway.emulators.v3style.contracts import Contract
from gateway.emulators.v3style.incoming import Route
from gateway.emulators.v3style.keys import Keys, SigningKey
from gateway.emulators.v3style.orders import Order
from gateway.emulators.v3style.records import View

PREPAY_LIFE_MS: Final = 2 * beijing.HOUR_MS
H5_LIFE_MS: Final = 5 * 60_000

# 15 attempts after the first, 24 h 4 min in all.
RETRY_DELAYS_MS: Final = (
    *(15_000, 15_000, 30_000, 180_000, 600_000, 1_200_000),
    *(1_800_000, 1_800_000, 1_800_000, 3_600_000),
    *(10_800_000, 10_800_000, 10_800_000, 21_600_000, 21_600_000),
)


@dataclass(frozen=True)
class Credential:
    """What a new order is answered with: the member, the form of its value, how long it lives."""

    member: str
    template: str  # of a token of 32 characters
    life_ms: int = PREPAY_LIFE_MS


@dataclass(frozen=True)
class Sealed:
    """What AES-GCM made, as replies and notifications carry it."""

    algorithm: str
    nonce: str
    associated_data: str
    ciphertext: str


@dataclass(frozen=True, kw_only=True)
class Names:
    """One channel of the family."""

    channel: str
    title: str
    scheme: str  # of the Authorization header
    header: str  # how the headers of replies and notifications begin
    sends_signature_type: bool
    probe: str | None  # how the signature of a probe begins; None: it sends none
    aead_label: str
    appid_prefix: str
    has_public_key_mode: bool
    jsapi_sign_type: str
    app_package: str
    certificate_associated_data: str
    bill_url_life_ms: int
    download_path: str
    credentials: Mapping[str, Credential]  # by trade type
    deduct_credential: Credential | None
    routes: Sequence[Route]
    certificates_view: Callable[[Sequence[tuple[SigningKey, Sealed]]], View]
    contract_view: Callable[[Contract], View]
    ended_view: Callable[[Contract], View]
    deducted_view: Callable[[Order], View]
    announced_view: View | None  # None: 204, no body

    @cached_property
    def operations(self) -> frozenset[str]:
        """The names of everything that is served, as rules name them."""
        return frozenset(route.operation for route in self.routes)


@dataclass(frozen=True)
class Channel:
    """A channel of the family at work: what a unit of work needs besides the book."""

    names: Names
    keys: Keys
    clock: Clock
