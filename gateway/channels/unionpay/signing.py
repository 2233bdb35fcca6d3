"""Signatures of ACP 5.1.0: hash the sorted fields, write the hash as text, and sign that text.

So the hash is taken twice: RSA with SHA-256 signs the 64 small hexadecimal digits of a SHA-256. The
older way over SHA-1, and those with a shared key, are neither sent nor believed. A message carries
no time of its own and answers to no request: whoever reads it must find his own numbers in it.
"""

import hashlib
from datetime import datetime

from gateway.channels.keys import MerchantKey, SignatureRefused
from gateway.channels.unionpay.certificates import Trust
from gateway.channels.unionpay.messages import SIGNATURE, Message, signed_text

VERSION = "5.1.0"
RSA = "01"
CERTIFICATE = "signPubKeyCert"


def digest_of(message: Message) -> bytes:
    """Give what RSA signs: the hash of the fields, as text."""
    return hashlib.sha256(signed_text(message).encode()).hexdigest().encode()


def cert_id(key: MerchantKey) -> str:
    """Name our certificate as the channel does: its serial number in decimal."""
    return str(int(key.serial, 16))


def sign(message: Message, key: MerchantKey) -> Message:
    """Add version, our certificate and the signature."""
    whole = {**message, "version": VERSION, "signMethod": RSA, "certId": cert_id(key)}
    return {**whole, SIGNATURE: key.sign(digest_of(whole))}


def verify(message: Message, trust: Trust, moment: datetime) -> None:
    """Check that the channel signed this message, with a certificate that is good at this moment.

    Raises:
        SignatureRefused: it did not, or that cannot be shown.
    """
    if (message.get("version"), message.get("signMethod")) != (VERSION, RSA):
        raise SignatureRefused("not signed in the way of this protocol")
    key = trust.key_of(message.get(CERTIFICATE, ""), moment)
    if not key.signed(digest_of(message), message.get(SIGNATURE, "")):
        raise SignatureRefused("wrong signature")
