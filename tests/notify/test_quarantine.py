"""Quarantine: few are kept, in part, without what could be somebody's, whatever anybody sends."""

import asyncio
import hashlib

import pytest

from gateway.notify import quarantine as module
from gateway.notify.quarantine import Quarantine, QuarantineBounds

BOUNDS = QuarantineBounds(burst_max=3, pause_s=10.0, excerpt_length_max=40, keeping_timeout_s=0.05)


class Shelf:
    """Keeps what it is given; may hang."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str, bytes, int, str]] = []
        self.hangs = False

    async def keep(
        self, channel: str, reason: str, digest: bytes, body_bytes: int, excerpt: str
    ) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        self.kept.append((channel, reason, digest, body_bytes, excerpt))


class Bench:
    """A quarantine on a clock that is moved by hand."""

    def __init__(self) -> None:
        self.shelf, self.seconds = Shelf(), 1_000.0
        self.quarantine = Quarantine(self.shelf, lambda: self.seconds, BOUNDS)

    async def keeps(self, body: bytes = b"{}", channel: str = "wechat") -> bool:
        """Whether one more is kept."""
        before = len(self.shelf.kept)
        await self.quarantine.keep(channel, "forged", body)
        return len(self.shelf.kept) > before


async def test_one_is_kept_with_what_identifies_it() -> None:
    """Channel, reason, digest and length of the body are kept, and what it is about."""
    bench, body = Bench(), b'{"id":"EV-1"}'
    assert await bench.keeps(body)
    digest = hashlib.sha256(body).digest()
    assert bench.shelf.kept == [("wechat", "forged", digest, len(body), "id=EV-1")]


async def test_a_burst_then_one_now_and_then() -> None:
    """Beyond a burst a channel's are kept one per pause; another channel has room of its own."""
    bench = Bench()
    assert [await bench.keeps() for _ in range(5)] == [True, True, True, False, False]
    assert await bench.keeps(channel="douyin")
    bench.seconds += 9.9
    assert not await bench.keeps()
    bench.seconds += 0.2
    assert [await bench.keeps() for _ in range(2)] == [True, False]
    bench.seconds += 1_000.0
    assert [await bench.keeps() for _ in range(4)] == [True, True, True, False]


async def test_what_is_kept_is_bounded() -> None:
    """However many fields there are, what is kept of them has a greatest length."""
    bench = Bench()
    await bench.keeps(b"&".join(b"field_%d=x" % number for number in range(20)))
    assert len(bench.shelf.kept[0][4]) == BOUNDS.excerpt_length_max


async def test_a_flood_is_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are as few as what is kept, hold no content, and say for how many they stand."""
    lines: list[dict[str, object]] = []

    class Log:
        def warning(self, event: str, **fields: object) -> None:
            lines.append({"event": event} | fields)

    monkeypatch.setattr(module, "_log", Log())
    bench = Bench()
    for _ in range(1_000):
        await bench.keeps(b"card 4111")
    await bench.keeps(channel="douyin")
    bench.seconds += 10.0
    await bench.keeps()
    line = {"event": "notification refused", "reason": "forged"}
    told = [("wechat", 1)] * 3 + [("douyin", 1), ("wechat", 998)]
    assert lines == [line | {"channel": channel, "count": count} for channel, count in told]


async def test_a_database_that_hangs_is_not_waited_for() -> None:
    """Keeping one ends after its time, and the next is kept again."""
    bench = Bench()
    bench.shelf.hangs = True
    async with asyncio.timeout(5):
        assert not await bench.keeps()
    bench.shelf.hangs = False
    assert await bench.keeps()
