"""All in which WeChat Pay and Douyin Pay differ: names, labels, paths and one padding."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding


@dataclass(frozen=True, slots=True)
class Names:
    """One channel's names for the things of the protocol.

    Attributes:
        channel: our name of it.
        scheme: scheme of `Authorization`, and value of the header `…-Signature-Type`.
        header: what the names of the channel's own headers begin with.
        key_id_prefix: ids that begin so name a bare public key, all others a certificate by its
            serial number; empty where the channel has certificates only.
        seal: label of AES-256-GCM.
        field_padding: how single personal fields are encrypted under RSA.
        front_sign_type: what the front end calls our signature.
        transactions, refunds, certificates: paths.
        bill: path and query that apply for a bill, with places for `mchid` and `day`.
        certificate_list, certificate_id, certificate_text: JSON names in the list of certificates.
    """

    channel: str
    scheme: str
    header: str
    key_id_prefix: str
    seal: str
    field_padding: AsymmetricPadding
    front_sign_type: str
    transactions: str
    refunds: str
    certificates: str
    certificate_list: str
    certificate_id: str
    certificate_text: str
    bill: str
