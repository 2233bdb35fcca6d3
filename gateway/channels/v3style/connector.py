"""The connector of the v3 style: signs what goes out, believes nothing that is not signed.

Whatever cannot be verified or understood is UNKNOWN, whatever status it carries: an unsigned 401,
429 or 500 proves nothing about the number. WeChat Pay and Douyin Pay are this class with their
names and ways of paying.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from gateway.channels.connector import Call, HttpReply, HttpRequest
from gateway.channels.fields import Malformed
from gateway.channels.keys import PlatformKeys, SignatureRefused
from gateway.channels.outcomes import unknown
from gateway.channels.v3style.account import Account, Settings, request_id
from gateway.channels.v3style.answers import answer_outcome
from gateway.channels.v3style.limits import Limits
from gateway.channels.v3style.methods import Method
from gateway.channels.v3style.names import Names
from gateway.channels.v3style.notices import ACCEPTED, REFUSED, open_notification, read_notice
from gateway.channels.v3style.outcomes import about
from gateway.channels.v3style.requests import method_of, request_of
from gateway.domain.channel import Acknowledgement, Capabilities, Notice, Outcome


class V3Connector:
    """The port `Connector` for a channel of the v3 style."""

    health_path = "/"

    def __init__(
        self, names: Names, limits: Limits, methods: Mapping[str, Method], settings: Settings
    ) -> None:
        self.account = Account(names, settings)
        self.limits = limits
        self._methods = methods
        self.capabilities = Capabilities(
            channel=names.channel,
            currencies=limits.currencies,
            amount_min=limits.amount_min,
            amount_max=limits.amount_max,
            manual_capture=False,
            send_timeout=settings.send_timeout,
            authorization_lifetime=timedelta(0),
            expiry_max=limits.expiry_max,
            refund_window=limits.refund_window,
            partial_refunds_max=limits.partial_refunds_max,
            partial_refund_spacing=limits.partial_refund_spacing,
            fenceable=limits.fenceable,
            methods=tuple(methods),
        )

    def trust(self, keys: PlatformKeys) -> None:
        """Trust these keys of the channel from now on: its certificates were fetched anew."""
        self.account = self.account.trusting(keys)

    def build(self, call: Call) -> HttpRequest:
        """Build and sign the request of a call.

        Raises:
            ValueError: the channel has no such operation, or something that it needs is missing.
        """
        return request_of(self.account, method_of(self._methods, call.request), call)

    def parse(self, call: Call, reply: HttpReply) -> Outcome:
        """Tell what the reply proves of the call's attempt."""
        method = method_of(self._methods, call.request)
        try:
            self.account.verify(reply.headers, reply.body, call.moment)
            return answer_outcome(self.account, method, call, reply)
        except (SignatureRefused, Malformed) as error:
            text = f"reply {reply.status} proves nothing: {error} {request_id(reply)}"
            return unknown(f"{about(self.account, call)}: {text}")

    def read_notification(
        self, path: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Notice:
        """Verify a notification and read what it shows; the channel does not sign the path.

        Raises:
            NotificationRefused: it is forged, stale, malformed or about nothing of ours.
        """
        del path
        return read_notice(self.account, open_notification(self.account, headers, body, now))

    def acknowledge(self, *, accepted: bool) -> Acknowledgement:
        """Give the answer that the channel wants for a notification."""
        return ACCEPTED if accepted else REFUSED
