"""The connector of carrier billing: believes the answers to its own requests, and nothing else.

An answer counts if it came to a request of ours, which carried our token over TLS, and echoes that
request's correlator. A 401 or 429 says that this request was not looked at, and of the number
nothing: the same may be sent again. A 401 also says that the token is worth nothing, so the client
fetches another before its next try.
"""

from collections.abc import Mapping
from datetime import datetime

from gateway.channels.carrier import limits
from gateway.channels.carrier.answers import answer_outcome
from gateway.channels.carrier.notices import ACCEPTED, REFUSED, read_notice
from gateway.channels.carrier.outcomes import about, unknown
from gateway.channels.carrier.requests import request_of
from gateway.channels.carrier.settings import NAME, Account, CarrierSettings
from gateway.channels.carrier.tokens import read_token, token_request
from gateway.channels.connector import Call, HttpReply, HttpRequest
from gateway.channels.fields import Malformed
from gateway.domain.channel import Acknowledgement, Capabilities, Notice, Outcome

HTTP_UNAUTHORIZED, HTTP_TOO_MANY_REQUESTS = 401, 429


class CarrierConnector:
    """The ports `Connector`, `NeedsToken` and `MayRepeat`. Details name a phone number."""

    health_path = "/"

    def __init__(self, settings: CarrierSettings) -> None:
        self.account = Account(settings)
        self.capabilities = Capabilities(
            channel=NAME,
            currencies=settings.currencies,
            amount_min=limits.AMOUNT_MIN,
            amount_max=limits.AMOUNT_MAX,
            manual_capture=True,
            send_timeout=settings.send_timeout,
            authorization_lifetime=settings.authorization_lifetime,
            partial_capture=limits.PARTIAL_CAPTURE,
            refund_window=settings.refund_window,
            partial_refunds_max=limits.PARTIAL_REFUNDS_MAX,
            fenceable=limits.FENCEABLE,
            expiry_margin=limits.EXPIRY_MARGIN,
            notes=limits.NOTES,
        )

    def needs_token(self, moment: datetime) -> bool:
        """Tell whether no token is at hand that is still good for a request made now."""
        return self.account.tokens.needs(moment)

    def token_request(self, moment: datetime, nonce: str) -> HttpRequest:
        """Build the request for a fresh token. Raises ValueError where no key of ours is valid."""
        settings = self.account.settings
        return token_request(settings.client, settings.token_path, settings.scopes, moment, nonce)

    def accept_token(self, reply: HttpReply, moment: datetime) -> None:
        """Keep the token of a reply; `moment` is when it was asked for. Raises TokenRefused."""
        self.account.tokens.keep(read_token(reply, moment))

    def build(self, call: Call) -> HttpRequest:
        """Build the request of a call.

        Raises:
            ValueError: the channel has no such operation, or something that it needs is missing.
            TokenRefused: no token was fetched before.
        """
        return request_of(self.account, call)

    def parse(self, call: Call, reply: HttpReply) -> Outcome:
        """Tell what the reply proves of the call's attempt."""
        try:
            return answer_outcome(call, reply)
        except Malformed as error:
            return unknown(f"{about(call)}: reply {reply.status} proves nothing: {error}")

    def may_repeat(self, reply: HttpReply, moment: datetime) -> bool:
        """Tell whether the request was refused unseen; note a token that was not accepted."""
        if reply.status == HTTP_UNAUTHORIZED:
            self.account.tokens.revoked(moment)
        return reply.status in {HTTP_UNAUTHORIZED, HTTP_TOO_MANY_REQUESTS}

    def read_notification(
        self, path: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Notice:
        """Tell which attempt a notification says to ask about; the token speaks for no path.

        Raises:
            NotificationRefused: its token is not ours, or it is no event of the protocol.
        """
        del path
        return read_notice(self.account.settings, headers, body, now)

    def acknowledge(self, *, accepted: bool) -> Acknowledgement:
        """Give the answer that the channel wants for a notification."""
        return ACCEPTED if accepted else REFUSED
