"""The connector of UnionPay: signs what goes out, believes nothing that is not signed.

Whatever cannot be verified or understood is UNKNOWN, whatever status it carries.
"""

from collections.abc import Mapping
from datetime import datetime

from gateway.channels.connector import Call, HttpReply, HttpRequest
from gateway.channels.fields import Malformed
from gateway.channels.keys import SignatureRefused
from gateway.channels.unionpay import limits
from gateway.channels.unionpay.account import NAME, Account, UnionPaySettings
from gateway.channels.unionpay.notices import ACCEPTED, REFUSED, read_notice
from gateway.channels.unionpay.outcomes import about, answer_outcome, unknown
from gateway.channels.unionpay.requests import request_of
from gateway.channels.unionpay.transactions import METHODS
from gateway.domain.channel import Acknowledgement, Capabilities, Notice, Outcome


class UnionPayConnector:
    """The port `Connector` for UnionPay. Details name one of app and back."""

    health_path = "/"

    def __init__(self, settings: UnionPaySettings) -> None:
        self.account = Account(settings)
        self.capabilities = Capabilities(
            channel=NAME,
            currencies=frozenset({limits.CURRENCY}),
            amount_max=limits.AMOUNT_MAX,
            manual_capture=True,
            send_timeout=settings.send_timeout,
            authorization_lifetime=limits.AUTHORIZATION_LIFETIME,
            captures_max=limits.CAPTURES_MAX,
            refund_window=limits.REFUND_WINDOW,
            expiry_margin=limits.EXPIRY_MARGIN,
            methods=tuple(METHODS),
            notes=limits.NOTES,
        )

    def build(self, call: Call) -> HttpRequest:
        """Build and sign the request of a call.

        Raises:
            ValueError: the channel has no such operation, or something that it needs is missing.
        """
        return request_of(self.account, call)

    def parse(self, call: Call, reply: HttpReply) -> Outcome:
        """Tell what the reply proves of the call's attempt."""
        try:
            fields = self.account.answer(reply, call.moment)
            return answer_outcome(self.account, call, fields)
        except (SignatureRefused, Malformed) as error:
            return unknown(f"{about(call)}: reply {reply.status} proves nothing: {error}")

    def read_notification(
        self, path: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Notice:
        """Verify a notification and read what it shows; path and headers are not signed.

        Raises:
            NotificationRefused: it is forged, malformed or about nothing of ours.
        """
        del path, headers
        return read_notice(self.account, body, now)

    def acknowledge(self, *, accepted: bool) -> Acknowledgement:
        """Give the answer that the channel wants for a notification."""
        return ACCEPTED if accepted else REFUSED
