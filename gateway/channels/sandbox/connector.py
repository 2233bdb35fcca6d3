"""The sandbox connector: signs what goes out, believes nothing that is not signed.

Whatever cannot be verified or understood is UNKNOWN, whatever status it carries: an unsigned 401,
429 or 500 proves nothing about the number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.channels.connector import Call, HttpReply, HttpRequest
from gateway.channels.fields import Malformed
from gateway.channels.sandbox.outcomes import (
    error_outcome,
    reply_outcome,
    resource_outcome,
    unknown,
)
from gateway.channels.sandbox.requests import JSON, request_of
from gateway.channels.sandbox.resources import AMOUNT_MAX, read_notified
from gateway.channels.sandbox.signing import (
    SecretKey,
    SignatureRefused,
    sign_request,
    verify_notification,
    verify_reply,
)
from gateway.domain.channel import (
    Acknowledgement,
    AttemptKind,
    Capabilities,
    Notice,
    NotificationRefused,
    Outcome,
)
from gateway.domain.money import CURRENCY_EXPONENTS

NAME = "sandbox"
HTTP_OK = 200


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """What the connector must be told. `notify_base_url` is where channels reach us."""

    key: SecretKey
    notify_base_url: str
    account: str = "gateway"
    send_timeout: timedelta = timedelta(seconds=10)
    authorization_lifetime: timedelta = timedelta(days=7)


class SandboxConnector:
    """The port `Connector` for the sandbox."""

    health_path = "/healthz"

    def __init__(self, settings: SandboxSettings) -> None:
        self._key = settings.key
        self._account = settings.account
        self._notify_url = f"{settings.notify_base_url.rstrip('/')}/notify/{NAME}"
        self.capabilities = Capabilities(
            channel=NAME,
            currencies=frozenset(CURRENCY_EXPONENTS),
            amount_max=AMOUNT_MAX,
            manual_capture=True,
            send_timeout=settings.send_timeout,
            authorization_lifetime=settings.authorization_lifetime,
            fenceable=frozenset({AttemptKind.CHARGE, AttemptKind.PAYOUT}),
            payouts=True,
        )

    def build(self, call: Call) -> HttpRequest:
        """Build and sign the request of a call.

        Raises:
            ValueError: a fence was asked for a capture or a refund.
        """
        request = request_of(call, self._notify_url)
        return sign_request(self._key, self._account, call, request)

    def parse(self, call: Call, reply: HttpReply) -> Outcome:
        """Tell what the reply proves of the call's attempt."""
        about = f"sandbox {call.request.kind} {call.request.number}: reply {reply.status}"
        try:
            verify_reply(self._key, call.nonce, reply)
            if reply.status == HTTP_OK:
                return reply_outcome(call, reply.body)
            return error_outcome(call, reply.status, reply.body)
        except (SignatureRefused, Malformed) as error:
            return unknown(f"{about} proves nothing: {error}")

    def read_notification(
        self, path: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Notice:
        """Verify a notification and read what it shows.

        Raises:
            NotificationRefused: it is forged, stale or malformed.
        """
        try:
            verify_notification(self._key, path, headers, body, now)
            resource = read_notified(body)
        except (SignatureRefused, Malformed) as error:
            raise NotificationRefused(str(error)) from error
        return Notice(resource.kind, resource.number, resource_outcome(resource))

    def acknowledge(self, *, accepted: bool) -> Acknowledgement:
        """Give the exact bytes that the sandbox waits for, or their refusal."""
        if accepted:
            return Acknowledgement(HTTP_OK, JSON, b'{"acknowledged":true}')
        return Acknowledgement(401, JSON, b'{"acknowledged":false}')
