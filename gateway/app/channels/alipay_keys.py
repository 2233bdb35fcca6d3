"""Alipay's next certificate, fetched once it signs.

Nothing announces that Alipay signs with another certificate, but each of its answers names the one
that signed it. So it is asked, every few minutes, for a certificate that we have; if the answer
names one that we have not, that one is asked for, and trusted if its chain leads to our roots.
"""

from datetime import datetime, timedelta
from typing import Final

from gateway.app.channels.setup import KeysRefused
from gateway.channels.alipay.certificates import (
    CertificateRefused,
    certificate_request,
    read_certificate,
    read_current,
)
from gateway.channels.alipay.connector import AlipayConnector
from gateway.channels.alipay.keys import Roots
from gateway.channels.client import HttpChannel
from gateway.channels.connector import HttpReply, HttpRequest

KEYS_INTERVAL: Final = timedelta(minutes=10)
"""Longest time for which nothing is believed after Alipay changed its certificate."""


async def refresh_keys(connector: AlipayConnector, roots: Roots, channel: HttpChannel) -> datetime:
    """Trust what Alipay signs with now; give when the newest that is trusted ends.

    Raises KeysRefused, NotSent, Lost.
    """
    known = {key.key_id: key for key in connector.account.settings.alipay_keys}
    try:
        named = read_current((await _asked(connector, channel, next(iter(known))))[0])
        if named not in known:
            reply, moment = await _asked(connector, channel, named)
            known[named] = read_certificate(connector.account, roots, named, reply, moment)
            connector.trust(known[named])
    except CertificateRefused as error:
        raise KeysRefused(str(error)) from error
    return known[named].validity.end


async def _asked(
    connector: AlipayConnector, channel: HttpChannel, sn: str
) -> tuple[HttpReply, datetime]:
    def ask(moment: datetime, _nonce: str) -> HttpRequest:
        return certificate_request(connector.account, sn, moment)

    return await channel.exchange(ask)
