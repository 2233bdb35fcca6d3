"""The sandbox's refusals.

Refusal                     answered with a code, a status and a sentence; nothing was kept
  INVALID_REQUEST   400     the bytes alone decide it; names the field
  NOT_FOUND         404     no such charge, capture, refund or payout
  NUMBER_CONFLICT   409     the number is taken by a request with other parameters
  NUMBER_CLOSED     409     the number was closed for ever
  STATE_CONFLICT    409     the charge is not in a state for this
  AMOUNT_EXCEEDED   409     more than there is to capture or to give back
"""

from typing import Literal

Code = Literal[
    "INVALID_REQUEST",
    "NOT_FOUND",
    "NUMBER_CONFLICT",
    "NUMBER_CLOSED",
    "STATE_CONFLICT",
    "AMOUNT_EXCEEDED",
    "UNAUTHENTICATED",
    "PAYLOAD_TOO_LARGE",
    "TOO_MANY_REQUESTS",
    "INTERNAL",
]

STATUS_BY_CODE: dict[Code, int] = {
    "INVALID_REQUEST": 400,
    "UNAUTHENTICATED": 401,
    "NOT_FOUND": 404,
    "NUMBER_CONFLICT": 409,
    "NUMBER_CLOSED": 409,
    "STATE_CONFLICT": 409,
    "AMOUNT_EXCEEDED": 409,
    "PAYLOAD_TOO_LARGE": 413,
    "TOO_MANY_REQUESTS": 429,
    "INTERNAL": 500,
}


class Refusal(Exception):
    """A request that the sandbox refuses, with the reason as callers read it."""

    def __init__(self, code: Code, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code: Code = code
        self.message = message
        self.field = field

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return STATUS_BY_CODE[self.code]

    def view(self) -> dict[str, object]:
        """The body of the error reply."""
        return error_view(self.code, self.message, self.field)


def error_view(code: Code, message: str, field: str | None = None) -> dict[str, object]:
    """The body of any error reply."""
    error: dict[str, object] = {"code": code, "message": message}
    if field is not None:
        error["field"] = field
    return {"error": error}
