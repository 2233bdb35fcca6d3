"""Our own key, out of the file that the channel gives: PKCS#12 under a short password.

A key and its certificate as two PEM files are loaded by `channels.keys.load_merchant_key`. Either
way the serial number comes from the certificate, and several keys may be held while one is renewed.
"""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from gateway.channels.keys import MerchantKey, load_merchant_key


def load_merchant_pfx(data: bytes, password: str) -> MerchantKey:
    """Load our key and its certificate.

    Raises:
        ValueError: the file does not hold both, or the password is not the file's.
    """
    try:
        held = load_pkcs12(data, password.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("The merchant's PFX file or its password is wrong.") from error
    if held.key is None or held.cert is None:
        raise ValueError("The merchant's PFX file must hold a private key and its certificate.")
    private_pem = held.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate_pem = held.cert.certificate.public_bytes(Encoding.PEM)
    return load_merchant_key(private_pem, certificate_pem=certificate_pem)
