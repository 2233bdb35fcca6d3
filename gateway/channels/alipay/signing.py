"""RSA2: SHA256withRSA over `name=value` of every parameter that says something, sorted and joined.

The values are those before any encoding for the wire. Our requests sign all parameters but `sign`,
so the kind of signature is signed too; Alipay's notifications leave that out as well.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from gateway.channels.keys import PlatformKey, SignatureRefused

SIGN_TYPE = "RSA2"

OF_REQUEST = frozenset({"sign"})
"""What is not signed of a request."""

OF_NOTIFICATION = frozenset({"sign", "sign_type"})
"""What is not signed of a notification."""


def parameters_text(parameters: Mapping[str, str], without: frozenset[str]) -> bytes:
    """Put together what is signed of a set of parameters."""
    said = sorted((name, value) for name, value in parameters.items() if value)
    return "&".join(f"{name}={value}" for name, value in said if name not in without).encode()


def verify_text(
    keys: Iterable[PlatformKey], text: bytes, signature: str, named: str, now: datetime
) -> None:
    """Check that Alipay signed a text, with the key that the message names or, if none, with any.

    Raises:
        SignatureRefused: no key that is trusted and good now did.
    """
    if not signature:
        raise SignatureRefused("not signed")
    trusted = [key for key in keys if named in ("", key.key_id) and key.validity.covers(now)]
    if not trusted:
        raise SignatureRefused(f"signed with a key that is not trusted, or not now: {named!r}")
    if not any(key.signed(text, signature) for key in trusted):
        raise SignatureRefused("wrong signature")
