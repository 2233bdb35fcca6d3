"""A notification taken apart: a form, read so that no byte of it can be changed unnoticed.

What is signed are the values after decoding, so a byte that could be changed without changing what
it decodes to must be refused here: blanks that are not written `+`, and hexadecimal digits in lower
case. Java, which Alipay is written in, never writes either.
"""

import re
from urllib.parse import parse_qsl

from gateway.channels.fields import Malformed

PARAMETERS_MAX = 100
"""Parameters of one notification; the longest that is documented has half as many."""

_FORM = re.compile(rb"(?:[!-$&-~]|%[0-9A-F]{2})+")


def read_form(body: bytes) -> dict[str, str]:
    """Read the parameters of a form.

    Raises:
        Malformed: it is none, is not UTF-8, or a name stands twice.
    """
    if not _FORM.fullmatch(body):
        raise Malformed("not a form")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=PARAMETERS_MAX,
        )
    except ValueError as error:
        raise Malformed("not a form of the protocol") from error
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise Malformed("a name stands twice")
    return parameters
