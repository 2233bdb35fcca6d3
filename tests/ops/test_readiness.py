"""Readiness: what is missing is named, and asking often or at once costs as much as once."""

import asyncio

import pytest
import structlog

from gateway.clock import Clock
from gateway.ops import Readiness


class SetClock(Clock):
    """A monotonic clock that stands until it is moved."""

    moment = 100.0

    def monotonic(self) -> float:
        return self.moment


class Counted:
    """A check that counts how often it is asked, and answers when it may."""

    def __init__(self, answer: str | None = None) -> None:
        self.answer = answer
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self) -> str | None:
        self.asked += 1
        await self.may_answer.wait()
        return self.answer


async def test_nothing_missing_is_ready() -> None:
    """With every check passed, or none to pass, nothing is missing."""
    assert await Readiness({"database": Counted()}, Clock()).problems() == {}
    assert await Readiness({}, Clock()).problems() == {}


async def test_what_is_missing_is_named() -> None:
    """Each check that does not pass is named with its sentence, and only those."""
    checks = {"database": Counted("no connection"), "schema": Counted(), "work": Counted("drains")}
    assert await Readiness(checks, Clock()).problems() == {
        "database": "no connection",
        "work": "drains",
    }


async def test_answers_are_kept_for_a_while() -> None:
    """However often it is asked, a check runs once per time to live, and then again."""
    check, clock = Counted("no connection"), SetClock()
    readiness = Readiness({"database": check}, clock, ttl_s=1)
    for _ in range(50):
        assert await readiness.problems()
    clock.moment += 0.999
    check.answer = None
    assert await readiness.problems()
    assert check.asked == 1
    clock.moment += 0.001
    assert await readiness.problems() == {}
    assert check.asked == 2


async def test_askers_at_once_share_one_examination() -> None:
    """Probes that come while a check runs wait for it instead of starting their own."""
    check = Counted("no connection")
    check.may_answer.clear()
    readiness = Readiness({"database": check}, Clock(), ttl_s=0)
    askers = [asyncio.create_task(readiness.problems()) for _ in range(50)]
    await asyncio.sleep(0)
    askers[0].cancel()
    check.may_answer.set()
    answers = await asyncio.gather(*askers, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert answers[1:] == [{"database": "no connection"}] * 49
    assert check.asked == 1


async def test_a_check_that_hangs_is_not_ready_in_time() -> None:
    """A check that does not answer is told as such within its bound, and beside the others."""
    hanging = Counted()
    hanging.may_answer.clear()
    checks = {"database": hanging, "schema": Counted("unknown")}
    readiness = Readiness(checks, Clock(), timeout_s=0.05)
    async with asyncio.timeout(1):
        assert await readiness.problems() == {
            "database": "no answer within 0.05 s",
            "schema": "unknown",
        }


async def test_a_check_that_fails_is_not_ready() -> None:
    """An exception is an answer too, and its text, which may hold a secret, is not told."""

    async def check() -> str | None:
        raise OSError("password=hunter2")

    problems = await Readiness({"database": check}, Clock()).problems()
    assert problems == {"database": "the check failed with OSError"}


async def test_closing_ends_an_examination() -> None:
    """A stop does not wait for a check that hangs."""
    check = Counted()
    check.may_answer.clear()
    readiness = Readiness({"database": check}, Clock(), timeout_s=60)
    asker = asyncio.create_task(readiness.problems())
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        await readiness.close()
        with pytest.raises(asyncio.CancelledError):
            await asker
    await Readiness({}, Clock()).close()


async def test_changes_are_logged_once() -> None:
    """A log tells when readiness changed and why, not every probe."""
    check = Counted("no connection")
    readiness = Readiness({"database": check}, Clock(), ttl_s=0)
    with structlog.testing.capture_logs() as logs:
        for answer in ("no connection", "no connection", None, None):
            check.answer = answer
            await readiness.problems()
    assert [(line["log_level"], line["event"]) for line in logs] == [
        ("warning", "not ready"),
        ("info", "ready"),
    ]
    assert logs[0]["problems"] == {"database": "no connection"}
