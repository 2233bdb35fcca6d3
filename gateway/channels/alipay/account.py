"""Who we are at Alipay: one app of one seller, its keys, and what is done with them.

The connector and everything beside the port ask and believe through here, so there is one place in
which a key is chosen and one in which an answer is believed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from gateway.channels.alipay.envelope import Envelope, read_envelope
from gateway.channels.alipay.keys import AppKey, current_key
from gateway.channels.alipay.signing import (
    OF_NOTIFICATION,
    OF_REQUEST,
    SIGN_TYPE,
    parameters_text,
    verify_text,
)
from gateway.channels.alipay.texts import china_time
from gateway.channels.connector import HttpReply, HttpRequest
from gateway.channels.fields import Fields, Malformed
from gateway.channels.keys import PlatformKey, SignatureRefused

NAME = "alipay"
GATEWAY_PATH = "/gateway.do"
CHARSET = "utf-8"
FORM = f"application/x-www-form-urlencoded;charset={CHARSET}"
HTTP_OK = 200

AgreementProduct = Literal["GENERAL_WITHHOLDING", "CYCLE_PAY_AUTH"]

_APP_ID = re.compile(r"[0-9]{8,32}")
_SELLER_ID = re.compile(r"2088[0-9]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlipaySettings:
    """What the connector must be told. Keys are loaded once, by whoever makes this.

    Attributes:
        app_id: our app.
        seller_id: the account that is paid, 16 digits that begin with 2088.
        app_keys: our own keys; the newest that is valid signs.
        alipay_keys: Alipay's keys that are trusted from the start.
        root_sn: name of the file of roots that we trust, in certificate mode; else empty.
        notify_base_url: where Alipay reaches us; no query.
        agreement_product: what the seller has signed up for to deduct under agreements.
        seller_bears_instalments: whether the seller pays for instalments, or the payer.
        refund_window: how long after the payment it refunds, by contract.
        authorization_lifetime: how long an amount is held, by contract.
        send_timeout: how long one exchange may take.

    Raises:
        ValueError: one of them cannot be right; the sentence says which.
    """

    app_id: str
    seller_id: str
    app_keys: tuple[AppKey, ...] = field(repr=False)
    alipay_keys: tuple[PlatformKey, ...] = field(repr=False)
    root_sn: str = ""
    notify_base_url: str
    agreement_product: AgreementProduct = "GENERAL_WITHHOLDING"
    seller_bears_instalments: bool = False
    refund_window: timedelta = timedelta(days=365)
    authorization_lifetime: timedelta = timedelta(days=30)
    send_timeout: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        """Refuse what Alipay would refuse with every single call."""
        if not _APP_ID.fullmatch(self.app_id):
            raise ValueError("Alipay's app id is 8 to 32 digits.")
        if not _SELLER_ID.fullmatch(self.seller_id):
            raise ValueError("Alipay's seller id is 16 digits that begin with 2088.")
        if not self.app_keys or not self.alipay_keys:
            raise ValueError("A key of our own and one of Alipay's are needed.")
        if any(bool(key.certificate_sn) != bool(self.root_sn) for key in self.app_keys):
            raise ValueError(
                "In certificate mode each of our keys needs its certificate, and Alipay's root "
                "certificates are needed; in key mode there are neither."
            )
        if not re.fullmatch(r"https?://[^?#\s]+", self.notify_base_url):
            raise ValueError("The URL for notifications must be http(s) and have no query.")


@dataclass(frozen=True, slots=True)
class Account:
    """One app at Alipay."""

    settings: AlipaySettings

    @property
    def notify_url(self) -> str:
        """Where Alipay notifies us."""
        return f"{self.settings.notify_base_url.rstrip('/')}/notify/{NAME}"

    def trusting(self, *keys: PlatformKey) -> "Account":
        """Give the same account, which trusts these keys besides."""
        both = (*self.settings.alipay_keys, *keys)
        return replace(self, settings=replace(self.settings, alipay_keys=both))

    def request(
        self, method: str, content: Mapping[str, Any], moment: datetime, *, notify: bool = False
    ) -> HttpRequest:
        """Build and sign the request of a method; `notify` asks to be told of what follows.

        Raises:
            ValueError: no key of ours is valid now.
        """
        key = current_key(self.settings.app_keys, moment)
        parameters = {
            "app_id": self.settings.app_id,
            "method": method,
            "format": "JSON",
            "charset": CHARSET,
            "sign_type": SIGN_TYPE,
            "timestamp": china_time(moment),
            "version": "1.0",
            "notify_url": self.notify_url if notify else "",
            "app_cert_sn": key.certificate_sn,
            "alipay_root_cert_sn": self.settings.root_sn,
            "biz_content": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        }
        signature = key.key.sign(parameters_text(parameters, OF_REQUEST))
        said = {name: value for name, value in parameters.items() if value} | {"sign": signature}
        return HttpRequest(
            "POST", GATEWAY_PATH, {"Content-Type": FORM}, urlencode(said).encode("ascii")
        )

    def open(self, method: str, reply: HttpReply, now: datetime) -> Fields:
        """Believe an answer to a method, and give what it says.

        Raises:
            SignatureRefused: Alipay did not sign it.
            Malformed: it is no answer to this method.
        """
        if reply.status != HTTP_OK:
            raise Malformed("not the status that every answer has")
        envelope = read_envelope(reply.body, method)
        self.verify(envelope, now)
        return envelope.node

    def verify(self, envelope: Envelope, now: datetime) -> None:
        """Believe an answer that was taken apart. Raises SignatureRefused."""
        keys, named = self.settings.alipay_keys, envelope.certificate_sn
        verify_text(keys, envelope.text, envelope.signature, named, now)

    def verify_form(self, parameters: Mapping[str, str], now: datetime) -> None:
        """Believe a notification.

        Raises:
            SignatureRefused: Alipay did not sign it, or not in our way.
        """
        if parameters.get("sign_type") != SIGN_TYPE:
            raise SignatureRefused("signed in a way that is not ours")
        text = parameters_text(parameters, OF_NOTIFICATION)
        named = parameters.get("alipay_cert_sn", "")
        verify_text(self.settings.alipay_keys, text, parameters.get("sign", ""), named, now)
