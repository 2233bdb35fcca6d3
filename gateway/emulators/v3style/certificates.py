"""The platform's certificates, sealed with the merchant's APIv3 key.

Whoever asks for the first time has no certificate to verify the answer with: it comes unsigned, and
being sealed is its only proof. Every later answer is signed.
"""

from gateway.emulators.core import visits
from gateway.emulators.core.book import Transaction
from gateway.emulators.v3style.answers import Answer
from gateway.emulators.v3style.commands import ListCertificates
from gateway.emulators.v3style.names import Channel
from gateway.emulators.v3style.sealing import seal_resource

_DOWNLOADS = "certificate downloads"


def show(txn: Transaction, channel: Channel, asked: ListCertificates) -> Answer:
    """Every certificate that is in force."""
    earlier = visits.read_counters(txn, _DOWNLOADS).get(asked.mchid, 0)
    visits.count(txn, _DOWNLOADS, asked.mchid)
    secret = channel.keys.merchants[asked.mchid].api_v3_key
    label = channel.names.certificate_associated_data
    sealed = [
        (key, seal_resource(channel, secret, key.pem.encode(), label))
        for key in channel.keys.certificates
    ]
    return Answer(view=channel.names.certificates_view(sealed), signed=earlier > 0)
