"""The certificates of a stand-in, shaped like the real ones.

A root signs an intermediate, the intermediate signs what UnionPay and the merchants sign with. A
message carries only the last of the three, so whoever receives it must know the other two. That the
intermediate signed it proves little: it signs for anybody. The name in it must be UnionPay's.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SIGNER_NAME: Final = "中国银联股份有限公司"
SIGNER_COMMON_NAME: Final = f"041@8310000000083040@{SIGNER_NAME}@00016495"
OTHER_COMMON_NAME: Final = "041@8440300000012345@商户有限公司@00000001"
ROOT_COMMON_NAME: Final = "Stand-in Root CA"
MIDDLE_COMMON_NAME: Final = "Stand-in OCA1"

CA_LIFE: Final = timedelta(days=20 * 365)
LIFE: Final = timedelta(days=5 * 365)
BACKDATED_BY: Final = timedelta(days=1)
SERIAL_BITS: Final = 39


@dataclass(frozen=True)
class Authority:
    """Who certifies: a name and the key behind it."""

    name: x509.Name
    private: RSAPrivateKey


def authority(common_name: str, private: RSAPrivateKey) -> Authority:
    """An authority of a name."""
    return Authority(_name(common_name), private)


def certify_authority(issuer: Authority, subject: Authority, path_length: int) -> bytes:
    """The certificate of an authority, PEM."""
    builder = _builder(issuer, subject.name, subject.private.public_key(), CA_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), True)  # noqa: FBT003
    return _sign(_with_usage(builder, certifies=True), issuer)


def certify(issuer: Authority, common_name: str, key: RSAPublicKey) -> bytes:
    """The certificate of somebody who signs messages, PEM."""
    return _sign_leaf(_builder(issuer, _name(common_name), key, LIFE), issuer)


def certify_long_ago(issuer: Authority, common_name: str, key: RSAPublicKey) -> bytes:
    """A certificate that has run out, PEM."""
    ended = datetime.now(UTC) - BACKDATED_BY
    builder = _builder(issuer, _name(common_name), key, LIFE, begin=ended - LIFE)
    return _sign_leaf(builder, issuer)


def _sign_leaf(builder: x509.CertificateBuilder, issuer: Authority) -> bytes:
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION]
    builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return _sign(_with_usage(builder, certifies=False), issuer)


def _builder(
    issuer: Authority,
    subject: x509.Name,
    key: RSAPublicKey,
    life: timedelta,
    begin: datetime | None = None,
) -> x509.CertificateBuilder:
    start = begin or datetime.now(UTC) - BACKDATED_BY
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.private.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(key)
        .serial_number(secrets.randbits(SERIAL_BITS) | 1 << SERIAL_BITS)
        .not_valid_before(start)
        .not_valid_after(start + life)
        .add_extension(issuer_key, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _with_usage(builder: x509.CertificateBuilder, *, certifies: bool) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(
        digital_signature=not certifies,
        content_commitment=not certifies,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=certifies,
        encipher_only=False,
        decipher_only=False,
    )
    return builder.add_extension(usage, critical=True)


def _sign(builder: x509.CertificateBuilder, issuer: Authority) -> bytes:
    signed = builder.sign(issuer.private, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, MIDDLE_COMMON_NAME),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
