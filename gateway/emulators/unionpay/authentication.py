"""Who signed a request: the signature against the fields as they came over the wire.

What is signed is rebuilt from the raw form, never from anything read further. The certId must be a
certificate of the very merchant that is named. Nothing says that a message is fresh: a repeated one
is caught by its orderId and txnTime.
"""

from typing import Final

from gateway.emulators.unionpay.codes import Unauthenticated
from gateway.emulators.unionpay.form import SIGNATURE, Fields
from gateway.emulators.unionpay.keys import Keys, Merchant
from gateway.emulators.unionpay.signing import VERSION, verify

_FIXED: Final = {"version": (VERSION,), "signMethod": ("01",), "encoding": ("UTF-8", "utf-8")}


def authenticate(keys: Keys, fields: Fields) -> Merchant:
    """The merchant that is proven to have asked. Raises Unauthenticated."""
    for name in (*_FIXED, "merId", "certId", SIGNATURE):
        if name not in fields:
            raise Unauthenticated("13", f"{name} is required")
    for name, allowed in _FIXED.items():
        if fields[name] not in allowed:
            raise Unauthenticated("10", f"{name} must be {allowed[0]}")
    merchant = keys.merchants.get(fields["merId"])
    if merchant is None:
        raise Unauthenticated("31", "the merchant is not known")
    certificate = merchant.certificates.get(fields["certId"])
    if certificate is None:
        raise Unauthenticated("11", "certId is not that of a certificate of this merchant")
    if not verify(certificate, fields):
        raise Unauthenticated("11", "the signature does not match")
    return merchant
