"""ACP's messages as bytes: what arrives as a form, what is signed, what is answered.

A request is a form and is read strictly from its raw bytes: a field twice, a stray byte, a broken
escape are refused, so nothing reaches the signature that a forgiving parser has straightened out.
What is signed is the text of all fields that are not empty, sorted by name, unencoded, without the
signature. An answer is that same kind of text, unencoded, so its values may hold `=`, `+` and the
line ends of a certificate; a notification is a form again.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote_plus

FIELDS_MAX: Final = 64
SIGNATURE: Final = "signature"
CERTIFICATE: Final = "signPubKeyCert"
ENCODING: Final = "UTF-8"
FORM_TYPE: Final = "application/x-www-form-urlencoded;charset=utf-8"

Fields = dict[str, str]

_NAME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9]{0,31}")
_VALUE: Final = re.compile(rb"(?:[!-$'-~]|%[0-9A-Fa-f]{2})*")  # printable, without % and &
_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")


class FormError(Exception):
    """The bytes are no form; the message says why."""


def read_form(raw: bytes) -> Fields:
    """The fields that are not empty. Raises FormError."""
    pieces = raw.split(b"&")
    if len(pieces) > FIELDS_MAX:
        raise FormError(f"The form has more than {FIELDS_MAX} fields.")
    fields: Fields = {}
    for piece in pieces:
        name, separator, value = piece.partition(b"=")
        if not separator or not _NAME.fullmatch(name):
            raise FormError("The form has a field without a name.")
        if name.decode() in fields:
            raise FormError(f"The form has {name.decode()} twice.")
        fields[name.decode()] = _read_value(name.decode(), value)
    return {name: text for name, text in fields.items() if text}


def signed_text(fields: Mapping[str, str]) -> str:
    """What a signature is about."""
    names = sorted(name for name, text in fields.items() if text and name != SIGNATURE)
    return "&".join(f"{name}={fields[name]}" for name in names)


def write_text(fields: Mapping[str, str]) -> bytes:
    """An answer: unencoded, the certificate and the signature last."""
    last = (CERTIFICATE, SIGNATURE)
    names = [name for name in sorted(fields) if name not in last]
    names += [name for name in last if name in fields]
    return "&".join(f"{name}={fields[name]}" for name in names).encode()


def write_form(fields: Mapping[str, str]) -> bytes:
    """A notification."""
    return "&".join(f"{name}={quote_plus(fields[name])}" for name in sorted(fields)).encode()


def _read_value(name: str, value: bytes) -> str:
    if not _VALUE.fullmatch(value):
        raise FormError(f"The form has a stray byte in {name}.")
    plain = value.replace(b"+", b" ")
    try:
        return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), plain).decode("utf-8")
    except UnicodeDecodeError:
        raise FormError(f"The form's {name} is not UTF-8.") from None
