"""Who we are at UnionPay: one merchant's number, keys and trust, and what is done with them.

The connector and everything beside it sign and verify through here, so there is one place in which
a key is chosen and one in which a message is believed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from gateway.channels.connector import HttpReply, HttpRequest
from gateway.channels.fields import Fields, Malformed
from gateway.channels.keys import MerchantKey, current
from gateway.channels.unionpay.certificates import Trust
from gateway.channels.unionpay.messages import Message, read_answer, write_form
from gateway.channels.unionpay.signing import sign, verify
from gateway.channels.unionpay.transactions import Transaction

NAME = "unionpay"
FORM = "application/x-www-form-urlencoded;charset=UTF-8"
HTTP_OK = 200

_MERCHANT = re.compile(r"[0-9A-Za-z]{15}")
_REQUESTER = re.compile(r"[0-9]{11}")
DAY_END = time(23)
"""The channel's day ends so, in Beijing: what comes later is of the next."""

_URL = re.compile(r"https?://[^?#\s]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionPaySettings:
    """What the connector must be told. Keys are loaded once, by whoever makes this.

    Attributes:
        merchant_id: our number at the channel.
        merchant_keys: our own keys; the newest that is valid signs.
        trust: whose certificates are believed.
        notify_base_url: where the channel reaches us; no query.
        token_requester_id: who asked for the account tokens; without it no payment by token.
        void_until: time of Beijing until which a whole charge of the same day is given back by a
            void, which arrives sooner and costs no fee, but which a few banks refuse. None: always
            by a refund, which every bank takes. Not after 23:00, when the channel's day ends.
        send_timeout: how long one exchange may take.

    Raises:
        ValueError: one of them cannot be right; the sentence says which.
    """

    merchant_id: str
    merchant_keys: tuple[MerchantKey, ...] = field(repr=False)
    trust: Trust = field(repr=False)
    notify_base_url: str
    token_requester_id: str = ""
    void_until: time | None = None
    send_timeout: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        """Refuse what the channel would refuse with every single call."""
        if not _MERCHANT.fullmatch(self.merchant_id):
            raise ValueError("The merchant number at UnionPay has 15 digits or letters.")
        if self.token_requester_id and not _REQUESTER.fullmatch(self.token_requester_id):
            raise ValueError("The token requester's number at UnionPay has 11 digits.")
        if not self.merchant_keys:
            raise ValueError("A merchant key is needed to sign requests.")
        if self.void_until is not None and self.void_until > DAY_END:
            raise ValueError("UnionPay's day ends at 23:00: voids must end by then.")
        if not _URL.fullmatch(self.notify_base_url):
            raise ValueError("The URL for notifications must be http(s) and have no query.")


@dataclass(frozen=True, slots=True)
class Account:
    """One merchant at the channel."""

    settings: UnionPaySettings

    @property
    def notify_url(self) -> str:
        """Where the channel notifies us."""
        return f"{self.settings.notify_base_url.rstrip('/')}/notify/{NAME}"

    def post(
        self, path: str, transaction: Transaction, message: Message, moment: datetime
    ) -> HttpRequest:
        """Say who we are, sign, and write it as a form."""
        whole = {
            "encoding": "utf-8",
            "accessType": "0",
            "merId": self.settings.merchant_id,
            "txnType": transaction.kind,
            "txnSubType": transaction.variety,
            **message,
        }
        signed = sign(whole, current(self.settings.merchant_keys, moment))
        return HttpRequest("POST", path, {"Content-Type": FORM}, write_form(signed))

    def answer(self, reply: HttpReply, moment: datetime) -> Fields:
        """Believe and read an answer.

        Raises:
            Malformed: it is none, or another merchant's.
            SignatureRefused: the channel did not sign it.
        """
        if reply.status != HTTP_OK:
            raise Malformed("not an answer of the protocol")
        return self.believed(read_answer, reply.body, moment)

    def believed(self, read: Callable[[bytes], Message], body: bytes, moment: datetime) -> Fields:
        """Read a message, believe it, and find it to be this merchant's.

        Raises:
            Malformed: it is none, or another merchant's.
            SignatureRefused: the channel did not sign it.
        """
        message = read(body)
        verify(message, self.settings.trust, moment)
        fields = Fields(dict(message))
        if fields.text("merId") != self.settings.merchant_id:
            raise Malformed("merId is not ours")
        return fields
