"""How Alipay refuses: HTTP 200 always, a code of the gateway, and the detail in `sub_code`.

Refusal        answered signed, once it is known who asks; nothing was done
Unproven       answered unsigned: nobody is known to have asked

40001 and 40002 are the gateway's own; 40004 is a product's, by the codes of its own table.
"""

from typing import Final

SUCCESS: Final = "10000"
WAITING: Final = "10003"
UNAVAILABLE: Final = "20000"
NO_AUTHORITY: Final = "20001"
MISSING: Final = "40001"
INVALID: Final = "40002"
FAILED: Final = "40004"
LIMITED: Final = "40005"

MESSAGES: Final = {
    SUCCESS: "Success",
    WAITING: "order success pay inprocess",
    UNAVAILABLE: "Service Currently Unavailable",
    NO_AUTHORITY: "Insufficient Token Permissions",
    MISSING: "Missing Required Arguments",
    INVALID: "Invalid Arguments",
    FAILED: "Business Failed",
    LIMITED: "Call Limited",
}
INVALID_PARAMETER: Final = "isv.invalid-parameter"
UNKNOWN_ERROR: Final = "isp.unknow-error"  # spelled so by the channel


def writable(text: str) -> str:
    """Text that was sent to us, so that it can be written again: half a pair becomes a mark."""
    return text.encode("utf-8", "replace").decode()


class Refusal(Exception):
    """A request that is refused; `sub_code` says why to programs, the message to people."""

    def __init__(self, sub_code: str, message: str, *, code: str = FAILED) -> None:
        super().__init__(message)
        self.code = code
        self.sub_code = sub_code
        self.message = writable(message)

    def view(self) -> dict[str, object]:
        """What the answer says."""
        return error_view(self.code, self.sub_code, self.message)


class Unproven(Refusal):
    """A request that is not proven to come from an app; refused by the gateway itself."""

    def __init__(self, sub_code: str, message: str, *, code: str = INVALID) -> None:
        super().__init__(sub_code, message, code=code)


def error_view(code: str, sub_code: str, message: str) -> dict[str, object]:
    """What any error answer says."""
    msg = MESSAGES.get(code, "Error")
    return {"code": code, "msg": msg, "sub_code": sub_code, "sub_msg": message}
