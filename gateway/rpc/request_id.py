"""What a request is called in the log: as its caller calls it, if that may stand there.

The caller's own id is taken only if it has the form of an identifier and cannot be a card number;
so lines of several services can be found together, and nothing else gets into them this way.
"""

import re
import secrets
from collections.abc import Iterable
from typing import Final

from gateway.telemetry.redaction import redact_text

REQUEST_ID_HEADER: Final = "x-request-id"

_REQUEST_ID: Final = re.compile(r"[0-9A-Za-z._:-]{1,64}")
_HYPHENS: Final = str.maketrans("._:", "---")


def request_id(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """Give the caller's request id if it may stand in a log; else make one."""
    for name, value in metadata:
        if name == REQUEST_ID_HEADER:
            return value if isinstance(value, str) and _may_be_logged(value) else _new_id()
    return _new_id()


def _new_id() -> str:
    return secrets.token_hex(8)


def _may_be_logged(text: str) -> bool:
    """Tell whether a text has the form of an identifier, and no card number in any grouping."""
    return bool(_REQUEST_ID.fullmatch(text)) and "*" not in redact_text(text.translate(_HYPHENS))
