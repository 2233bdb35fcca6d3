"""What a unit of work needs besides the book: the channel, and what was asked of it."""

from dataclasses import dataclass
from typing import Final

from gateway.emulators.alipay.keys import App, Keys
from gateway.emulators.alipay.play import PLAIN, Play
from gateway.emulators.alipay.records import View
from gateway.emulators.core import beijing
from gateway.emulators.core.clock import Clock
from gateway.emulators.core.shapes import Value, canonical

REFUND_WINDOW_MS: Final = 365 * beijing.DAY_MS

# Tried at once three times, then over a day and more.
RETRY_DELAYS_MS: Final = (
    *(0, 0),
    *(240_000, 600_000, 600_000, 3_600_000),
    *(7_200_000, 21_600_000, 54_000_000),
)


@dataclass(frozen=True)
class Channel:
    """The channel at work; how long a merchant may refund is a matter of its contract."""

    keys: Keys
    clock: Clock
    refund_window_ms: int = REFUND_WINDOW_MS


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that is proven and read: who asks for what, and how others shall act in it."""

    app: App
    biz: Value
    method: str
    notify_url: str | None = None
    certified: bool = False
    host: str = ""
    play: Play = PLAIN

    @property
    def text(self) -> str:
        """What two requests under one number must have in common, with defaults filled in."""
        return canonical({"method": self.method, **self.biz})

    def making(self, number: str, state: str, now: int) -> View:
        """The members of any record that this request makes."""
        return {
            "app_id": self.app.app_id,
            "number": number,
            "state": state,
            "create_time": now,
            "update_time": now,
            "request": self.text,
            "play": self.play.to_text(),
            "notify_url": self.notify_url,
            "certified": int(self.certified),
        }
