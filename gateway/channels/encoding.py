"""Base64 as RFC 4648 defines it, and only so: one text for each byte string.

Python's decoder ignores the unused bits of the last character, so that several texts mean the same
signature. Whoever changes a byte of what was signed shall be refused, always: a text that does not
come out again when it is encoded is none.
"""

import base64


def encode_base64(data: bytes) -> str:
    """Encode with padding, on one line."""
    return base64.b64encode(data).decode()


def decode_base64(text: str) -> bytes:
    """Decode the one text that stands for these bytes.

    Raises:
        ValueError: it is not that text; blanks, line breaks and missing padding are refused too.
    """
    data = base64.b64decode(text.encode("ascii"), validate=True)
    if encode_base64(data) != text:
        raise ValueError("not canonical base64")
    return data
