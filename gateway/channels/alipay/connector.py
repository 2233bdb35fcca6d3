"""The connector of Alipay: signs what goes out, believes nothing that is not signed.

Whatever cannot be verified or understood is UNKNOWN, whatever code it carries: refusals of the
gateway itself may come unsigned, and prove nothing about the number.
"""

from collections.abc import Mapping
from datetime import datetime

from gateway.channels.alipay.account import GATEWAY_PATH, Account, AlipaySettings
from gateway.channels.alipay.answers import about, answer_outcome
from gateway.channels.alipay.limits import capabilities
from gateway.channels.alipay.notices import ACCEPTED, REFUSED, read_notice
from gateway.channels.alipay.steps import method_of, request_of
from gateway.channels.connector import Call, HttpReply, HttpRequest
from gateway.channels.fields import Malformed
from gateway.channels.keys import PlatformKey, SignatureRefused
from gateway.channels.outcomes import unknown
from gateway.domain.channel import Acknowledgement, Notice, Outcome


class AlipayConnector:
    """The port `Connector` for Alipay.

    Details name one of precreate, code, agreement and auth_code_freeze, and beside it perhaps
    `instalments` (3, 6 or 12) or `disable_pay_later`.
    """

    health_path = GATEWAY_PATH

    def __init__(self, settings: AlipaySettings) -> None:
        self.account = Account(settings)
        self.capabilities = capabilities(settings)

    def trust(self, *keys: PlatformKey) -> None:
        """Trust these keys of Alipay too: it has begun to sign with a new certificate."""
        self.account = self.account.trusting(*keys)

    def build(self, call: Call) -> HttpRequest:
        """Build and sign the request of a call.

        Raises:
            ValueError: Alipay has no such operation, or something that it needs is missing.
        """
        return request_of(self.account, call)

    def parse(self, call: Call, reply: HttpReply) -> Outcome:
        """Tell what the reply proves of the call's attempt."""
        try:
            node = self.account.open(method_of(call), reply, call.moment)
            return answer_outcome(call, node)
        except (SignatureRefused, Malformed) as error:
            return unknown(f"{about(call)}: reply {reply.status} proves nothing: {error}")

    def read_notification(
        self, path: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Notice:
        """Verify a notification and read what it shows; neither path nor headers are signed.

        Raises:
            NotificationRefused: it is forged, malformed or about nothing of ours.
        """
        del path, headers
        return read_notice(self.account, body, now)

    def acknowledge(self, *, accepted: bool) -> Acknowledgement:
        """Give the very word that Alipay waits for, or another."""
        return ACCEPTED if accepted else REFUSED
