"""A code that was asked for: a promise that whoever scans it in time makes a trade.

Until then there is no trade under the number, whatever the merchant asks.
"""

import secrets
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from gateway.emulators.alipay.records import Kind, Next, Record
from gateway.emulators.core import beijing

LIFE_MS: Final = 2 * beijing.HOUR_MS


@dataclass(frozen=True, kw_only=True)
class Code(Record):
    """A code under the number that its trade will have."""

    qr_code: str
    total: int
    expire_time: int

    kind_name: ClassVar[Kind] = "code"
    next_states: ClassVar[Next] = {"OPEN": frozenset(("SCANNED",))}

    def renew(self, now: int, expire_time: int) -> "Code":
        """The same promise as a new code."""
        return replace(
            self,
            qr_code=new_qr_code(),
            expire_time=expire_time,
            version=self.version + 1,
            update_time=max(now, self.update_time),
        )


def new_qr_code() -> str:
    """A code nobody can guess."""
    return f"https://qr.alipay.com/bax{secrets.token_hex(12)}"
