"""Who we are at the channel: one merchant's numbers and keys, and what is done with them.

Both connectors and everything beside the port sign, verify and open through here, so there is one
place in which a key is chosen and one in which a message is believed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.channels.connector import HttpReply, HttpRequest, evidence
from gateway.channels.fields import Fields, Malformed
from gateway.channels.keys import MerchantKey, PlatformKey, PlatformKeys, current
from gateway.channels.v3style.names import Names
from gateway.channels.v3style.sealing import SealKey, open_with_any
from gateway.channels.v3style.signing import sign_request, verify_message

JSON = "application/json"
SEALED_LENGTH_MAX = 256 * 1_024
"""Characters of one ciphertext: a whole transaction with its promotions, or a certificate."""

_MERCHANT = re.compile(r"[0-9A-Za-z_-]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a connector must be told. Keys are loaded once, by whoever makes this.

    Attributes:
        mchid: our merchant number at the channel.
        appid: the app, mini program or account under which payers know the merchant.
        merchant_keys: our own keys; the newest that is valid signs.
        platform_keys: the channel's keys that are trusted from the start.
        seal_keys: the merchant's API keys; more than one while they are changed.
        notify_base_url: where the channel reaches us; no query.
        send_timeout: how long one exchange may take.

    Raises:
        ValueError: one of them cannot be right; the sentence says which.
    """

    mchid: str
    appid: str
    merchant_keys: tuple[MerchantKey, ...] = field(repr=False)
    platform_keys: PlatformKeys = field(repr=False)
    seal_keys: tuple[SealKey, ...] = field(repr=False)
    notify_base_url: str
    send_timeout: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        """Refuse what the channel would refuse with every single call."""
        if not _MERCHANT.fullmatch(self.mchid) or not _MERCHANT.fullmatch(self.appid):
            raise ValueError("The merchant number and the app id are letters, digits, - and _.")
        if not self.merchant_keys:
            raise ValueError("A merchant key is needed to sign requests.")
        if not self.seal_keys:
            raise ValueError("The merchant's API key is needed to open notifications.")
        if not re.fullmatch(r"https?://[^?#\s]+", self.notify_base_url):
            raise ValueError("The URL for notifications must be http(s) and have no query.")


@dataclass(frozen=True, slots=True)
class Account:
    """One merchant at one channel."""

    names: Names
    settings: Settings

    @property
    def notify_url(self) -> str:
        """Where the channel notifies us."""
        return f"{self.settings.notify_base_url.rstrip('/')}/notify/{self.names.channel}"

    def trusting(self, keys: PlatformKeys) -> "Account":
        """Give the same account, which trusts these keys."""
        return replace(self, settings=replace(self.settings, platform_keys=keys))

    def get(self, path: str, moment: datetime, nonce: str) -> HttpRequest:
        """Build and sign a GET of a raw path with its query."""
        return self._signed(HttpRequest("GET", path, self._headers(moment), b""), moment, nonce)

    def post(
        self, path: str, fields: Mapping[str, Any], moment: datetime, nonce: str
    ) -> HttpRequest:
        """Build and sign a POST: the JSON is made once, and the same bytes are signed and sent."""
        body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        return self._signed(HttpRequest("POST", path, self._headers(moment), body), moment, nonce)

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Believe a message, or raise SignatureRefused."""
        verify_message(self.names, self.settings.platform_keys, headers, body, now)

    def open(self, resource: Fields, text_name: str = "ciphertext") -> bytes:
        """Open a sealed resource.

        Raises:
            Malformed: it is not of the protocol.
            SealBroken: it was not sealed for this merchant.
        """
        resource.one_of("algorithm", (self.names.seal,))
        nonce = resource.text("nonce")
        associated_data = resource.optional("associated_data")
        sealed = resource.text(text_name, most=SEALED_LENGTH_MAX)
        return open_with_any(self.settings.seal_keys, nonce, associated_data, sealed)

    def ours(self, fields: Fields, *named: str) -> None:
        """Check that a message is about this merchant, in the fields named (mchid, appid).

        Raises:
            Malformed: it is about another, or does not say.
        """
        for name in named:
            if fields.text(name) != getattr(self.settings, name):
                raise Malformed(f"{name} is not ours")

    def _signed(self, request: HttpRequest, moment: datetime, nonce: str) -> HttpRequest:
        return sign_request(
            request,
            names=self.names,
            mchid=self.settings.mchid,
            key=current(self.settings.merchant_keys, moment),
            moment=moment,
            nonce=nonce,
        )

    def _headers(self, moment: datetime) -> dict[str, str]:
        headers = {"Accept": JSON, "Content-Type": JSON}
        if key := self._wanted(moment):
            headers[f"{self.names.header}-Serial"] = key.key_id
        return headers

    def _wanted(self, moment: datetime) -> PlatformKey | None:
        """Choose the bare public key that the channel shall answer with, where it has such."""
        prefix = self.names.key_id_prefix
        return self.settings.platform_keys.newest(prefix, moment) if prefix else None


def request_id(reply: HttpReply) -> str:
    """Give the number under which the channel's support finds the exchange; fit to be shown."""
    return evidence(reply.headers.get("request-id", ""))[:128]
