"""How the operator refuses: an HTTP status, a code of the published tables, a sentence.

Refusal          what any API of CAMARA answers: {status, code, message}
OAuthRefusal     what the token endpoint answers instead (RFC 6749): {error, error_description}

Nothing is signed here: trust is the connection and the token, so an error is an answer like others.
"""

from typing import Final

View = dict[str, object]

CB, CBR = "CARRIER_BILLING.", "CARRIER_BILLING_REFUND."

STATUSES: Final[dict[str, int]] = {
    "INVALID_ARGUMENT": 400,
    "OUT_OF_RANGE": 400,
    "INVALID_SINK": 400,
    "INVALID_TOKEN": 400,
    "INVALID_CREDENTIAL": 400,
    f"{CB}INVALID_DATE_RANGE": 400,
    f"{CBR}INVALID_DATE_RANGE": 400,
    f"{CB}TOO_MANY_MATCHING_RECORDS": 400,
    f"{CBR}TOO_MANY_MATCHING_RECORDS": 400,
    f"{CB}INVALID_AUTHORIZATION_ID": 400,
    f"{CB}INVALID_CODE": 400,
    f"{CB}VALIDATION_FAILED": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    f"{CB}PAYMENT_DENIED": 403,
    f"{CBR}REFUND_DENIED": 403,
    f"{CBR}PAYMENT_NOT_ELIGIBLE_FOR_REFUND": 403,
    "NOT_FOUND": 404,
    "IDENTIFIER_NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    f"{CB}PAYMENT_CONFIRMED": 409,
    f"{CB}PAYMENT_CANCELLED": 409,
    "SERVICE_NOT_APPLICABLE": 422,
    "MISSING_IDENTIFIER": 422,
    "UNNECESSARY_IDENTIFIER": 422,
    f"{CB}UNAUTHORIZED_AMOUNT": 422,
    f"{CBR}UNAUTHORIZED_AMOUNT": 422,
    f"{CB}USER_AMOUNT_THRESHOLD_OVERPASSED": 422,
    f"{CBR}INVALID_PAYMENT_STATUS": 422,
    f"{CBR}REFUND_DETAILS_MISMATCH": 422,
    f"{CBR}TAXES_MANAGEMENT_MISMATCH": 422,
    "TOO_MANY_REQUESTS": 429,
    "INTERNAL": 500,
}


class Refusal(Exception):
    """A request that the operator refuses; nothing was done but what the refusal itself is."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return STATUSES[self.code]

    def view(self) -> View:
        """The body of the reply."""
        return error_view(self.status, self.code, self.message)


class OAuthRefusal(Refusal):
    """A request for a token that is refused: `code` is a word of RFC 6749."""

    @property
    def status(self) -> int:
        """401 for a client that is not who it says, 400 for the rest."""
        return 401 if self.code == "invalid_client" else 400

    def view(self) -> View:
        """The body of the reply."""
        return {"error": self.code, "error_description": self.message}


def error_view(status: int, code: str, message: str) -> View:
    """The body of an error as CAMARA has it."""
    return {"status": status, "code": code, "message": message}
