"""How this family refuses: an HTTP status, a code, a sentence, and a number in `Request-Id`.

Refusal             answered signed, once it is known who asks; nothing was done
Unauthenticated     answered unsigned, 401 SIGN_ERROR; nobody is known to have asked

Codes are those of the published tables; the number is the one that the merchants' handbook lists.
"""

from dataclasses import dataclass
from typing import Final

UNKNOWN_FIELD_NUMBER: Final = 270_924_358
NUMBER_DEFAULT: Final = 268_435_456

View = dict[str, object]


@dataclass(frozen=True)
class Kind:
    """What goes with a code."""

    status: int
    number: int = NUMBER_DEFAULT


KINDS: Final[dict[str, Kind]] = {
    "USERPAYING": Kind(202),
    "PARAM_ERROR": Kind(400, 268_435_461),
    "INVALID_REQUEST": Kind(400),
    "APPID_MCHID_NOT_MATCH": Kind(400, 268_445_527),
    "MCH_NOT_EXISTS": Kind(400, 268_443_715),
    "ORDER_CLOSED": Kind(400, 268_447_914),
    "ORDERPAID": Kind(400, 268_449_538),
    "NO_STATEMENT_EXIST": Kind(400),
    "STATEMENT_CREATING": Kind(400),
    "SIGN_ERROR": Kind(401, 268_443_699),
    "NO_AUTH": Kind(403),
    "RULE_LIMIT": Kind(403),
    "ACCOUNT_ERROR": Kind(403),
    "REQUEST_BLOCKED": Kind(403),
    "NOT_ENOUGH": Kind(403),
    "OUT_TRADE_NO_USED": Kind(403, 268_498_688),
    "TRADE_ERROR": Kind(403),
    "NOT_FOUND": Kind(404),
    "ORDER_NOT_EXIST": Kind(404, 268_512_771),
    "RESOURCE_NOT_EXISTS": Kind(404),
    "PAYLOAD_TOO_LARGE": Kind(413),
    "FREQUENCY_LIMITED": Kind(429, 268_447_840),
    "RATELIMIT_EXCEEDED": Kind(429, 268_447_840),
    "SYSTEM_ERROR": Kind(500),
    "BANK_ERROR": Kind(500),
    "OPENID_MISMATCH": Kind(500, 268_501_013),
}
REVERSE_INSTEAD_OF_CLOSE: Final = 268_449_641
OTHER_MERCHANT: Final = 268_447_843


class Unauthenticated(Exception):
    """The request is not proven to come from a merchant; the message says what is wrong."""


class Refusal(Exception):
    """A request that the channel refuses."""

    def __init__(
        self, code: str, message: str, *, number: int | None = None, field: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.number = KINDS[code].number if number is None else number
        self.field = field

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return KINDS[self.code].status

    def view(self) -> View:
        """The body of the error reply."""
        return error_view(self.code, self.message, self.field)


def error_view(code: str, message: str, field: str | None = None) -> View:
    """The body of any error reply."""
    view: View = {"code": code, "message": message}
    if field is not None:
        pointer = "/" + field.replace(".", "/")
        view["detail"] = {"field": pointer, "issue": message, "location": "body"}
    return view
