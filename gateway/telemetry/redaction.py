"""What is masked and cut before a line is written: numbers of cards and phones, secrets, length.

A number is card-like if it has 13 to 19 digits, alone or in groups between single spaces or
hyphens, and passes the Luhn check. One number in ten does by chance, so nothing that must be read
in a log may be such a number: our own identifiers are not made of digits alone. A UUID is left as
it is, whatever its digits. A phone number is one in E.164: a plus and 7 to 15 digits, of which the
first is not 0. The mask is as long as what it covers, so nothing slides past the cut.

Every value is treated, nested ones too: no field is trusted to be harmless.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any, Final

TEXT_LENGTH_MAX: Final = 4_096
TRACEBACK_LENGTH_MAX: Final = 16_384
ITEMS_MAX: Final = 50
DEPTH_MAX: Final = 4
CARD_DIGITS_MIN: Final = 13
CARD_DIGITS_MAX: Final = 19
SEEN_BEYOND_CUT: Final = 256
"""Characters looked at beyond a cut, so that what begins before it is seen whole."""

INTEGER_LIMIT: Final = 1 << 64
"""Greater integers are written as text, whose length is bounded."""

MASK: Final = "***"
CUT_MARK: Final = "...[cut]"

_SECRET_KEY = re.compile(
    "password|passwd|secret|token|authorization|credential|cookie|private_key|api_key"
    "|sandbox_key|signature|dsn|database_url"
    "|phone_number|openid|auth_code|contract_id|agreement_no|ip_address|client_ip",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@]*:)([^\s/@]+)(?=@)")
_HEX = "[0-9a-fA-F]"
_UUID = rf"(?<![0-9A-Za-z]){_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}(?![0-9A-Za-z])"
_NUMBER = re.compile(rf"(?P<uuid>{_UUID})|\d+(?:[ \-\u00a0\u2010-\u2015]\d+)*")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}(?![0-9])")
_GROUP = re.compile(r"\d+")


def redact(_logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Give the event with every key and value safe to be written; a structlog processor."""
    return dict(_items(event, DEPTH_MAX))


def redact_text(text: str, length_max: int = TEXT_LENGTH_MAX) -> str:
    """Give the text without numbers of cards and phones and URL passwords, cut to a length."""
    masked = _URL_PASSWORD.sub(_without_password, text[: length_max + SEEN_BEYOND_CUT])
    masked = _NUMBER.sub(_without_cards, masked)
    masked = _PHONE.sub(lambda match: "*" * len(match[0]), masked)
    return masked if len(masked) <= length_max else masked[:length_max] + CUT_MARK


def _items(mapping: Mapping[Any, Any], depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in islice(mapping.items(), ITEMS_MAX):
        name = str(key)
        if _SECRET_KEY.search(name) and value is not None:
            yield redact_text(name), MASK
        else:
            length_max = TRACEBACK_LENGTH_MAX if name == "exception" else TEXT_LENGTH_MAX
            yield redact_text(name), _safe(value, depth, length_max)


def _safe(value: Any, depth: int, length_max: int = TEXT_LENGTH_MAX) -> Any:
    """Give a value that JSON knows and that is safe to be written."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and abs(value) < INTEGER_LIMIT:
        return MASK if _is_card(str(abs(value))) else value
    if depth and isinstance(value, Mapping):
        return dict(_items(value, depth - 1))
    if depth and isinstance(value, Sequence | AbstractSet) and not isinstance(value, str | bytes):
        return [_safe(item, depth - 1) for item in islice(value, ITEMS_MAX)]
    return redact_text(_printed(value), length_max)


def _printed(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 a value that cannot be printed must not break its caller
        return f"<{type(value).__name__} that cannot be printed>"


def _without_password(match: re.Match[str]) -> str:
    return match[1] + "*" * len(match[2])


def _without_cards(match: re.Match[str]) -> str:
    """Mask every succession of whole groups that makes a card-like number, longest first."""
    run: str = match[0]
    if match["uuid"]:
        return run
    groups = list(_GROUP.finditer(run))
    first = 0
    while first < len(groups):
        last = _card_end(groups, first)
        if last is not None:
            start, end = groups[first].start(), groups[last].end()
            run = run[:start] + "*" * (end - start) + run[end:]
        first = first + 1 if last is None else last + 1
    return run


def _card_end(groups: Sequence[re.Match[str]], first: int) -> int | None:
    """Find the last group of the longest card-like number that begins with group `first`."""
    digits, found = "", None
    for index in range(first, len(groups)):
        digits += groups[index][0]
        if len(digits) > CARD_DIGITS_MAX:
            break
        if _is_card(digits):
            found = index
    return found


def _is_card(digits: str) -> bool:
    if not CARD_DIGITS_MIN <= len(digits) <= CARD_DIGITS_MAX:
        return False
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + sum(sum(divmod(2 * value, 10)) for value in values[1::2])) % 10 == 0
