"""Gathering: a batch is what gathered while others were under way, in order, within bounds."""

import asyncio

import pytest

from gateway.domain.errors import Overloaded, Reason
from gateway.store.commit.gather import GatherBounds, Gatherer


class Press:
    """Runs batches one at a time when told to, and remembers them."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go = asyncio.Event()
        self.go.set()

    async def run(self, batch):
        self.batches.append([waiting.item for waiting in batch])
        await self.go.wait()
        for waiting in batch:
            waiting.tell(waiting.item.upper())


def gathering(press, **bounds):
    """Give a gatherer that begins at once, unless it is told otherwise."""
    return Gatherer(press.run, GatherBounds(**{"calm_turns": 0} | bounds))


async def test_a_lonely_caller_waits_for_nobody():
    """One item is run at once, without any timer for others to come."""
    press = Press()
    async with asyncio.timeout(0.05):
        assert await gathering(press, calm_turns=40).submit(["a"]) == ["A"]


async def test_a_crowd_that_is_arriving_is_taken_in_first():
    """As long as turns of the loop bring more, the batch does not begin, up to its bound."""
    press = Press()
    gatherer = gathering(press, calm_turns=3, batch_max=4)
    done = []
    for item in "abcde":
        done.append(gatherer.submit([item]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.gather(*done)
    assert press.batches == [["a", "b", "c", "d"], ["e"]]


async def test_a_batch_is_what_gathered_meanwhile():
    """What comes while a batch is under way shares the next one, in order of arrival."""
    press = Press()
    press.go.clear()
    gatherer = gathering(press)
    done = [gatherer.submit(["a"])]
    await asyncio.sleep(0)
    done += [gatherer.submit([item]) for item in "bcd"]
    assert gatherer.waiting == 3
    press.go.set()
    assert await asyncio.gather(*done) == [["A"], ["B"], ["C"], ["D"]]
    assert press.batches == [["a"], ["b", "c", "d"]]


async def test_a_batch_has_a_bound():
    """No batch is larger than batch_max."""
    press = Press()
    assert await gathering(press, batch_max=2).submit(list("abcde")) == list("ABCDE")
    assert press.batches == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_full_backlog_refuses_all_or_none():
    """What does not fit the backlog is refused whole, with a hint, and nothing of it is run."""
    press = Press()
    press.go.clear()
    gatherer = gathering(press, backlog_max=2, batch_max=1)
    first = gatherer.submit(["a"])
    await asyncio.sleep(0)
    kept = gatherer.submit(["b"])
    with pytest.raises(Overloaded) as caught:
        gatherer.submit(["c", "d"])
    assert caught.value.reason is Reason.OVERLOADED
    assert caught.value.retry_after_s
    press.go.set()
    await asyncio.gather(first, kept)
    assert press.batches == [["a"], ["b"]]


async def test_who_waited_too_long_is_refused():
    """An item that waited longer than wait_max_s is refused and not run."""
    press = Press()
    press.go.clear()
    gatherer = gathering(press, batch_max=1, wait_max_s=0.02)
    done = gatherer.submit(["a", "b"])
    await asyncio.sleep(0.05)
    press.go.set()
    first, second = await done
    assert first == "A"
    assert isinstance(second, Overloaded)
    assert press.batches == [["a"]]


async def test_nobody_is_served_who_left_before_it_began():
    """An item whose caller left before it was taken is not run."""
    press = Press()
    press.go.clear()
    gatherer = gathering(press, batch_max=1)
    first, second, third = (gatherer.submit([item]) for item in "abc")
    await asyncio.sleep(0)
    second.cancel()
    press.go.set()
    assert await asyncio.gather(first, third) == [["A"], ["C"]]
    assert press.batches == [["a"], ["c"]]


async def test_draining_waits_for_all():
    """Draining ends when nothing waits and nothing is under way."""
    press = Press()
    gatherer = gathering(press, batch_max=1)
    done = gatherer.submit(list("abc"))
    await gatherer.drain()
    assert done.done()
    await gatherer.drain()


async def test_nobody_is_forgotten_at_the_end_of_a_lane():
    """What comes in the turn in which a lane ends is run, by that lane or by a new one."""
    gatherer = gathering(Press())
    later = []
    for _ in range(20):
        done = gatherer.submit(["a"])
        done.add_done_callback(lambda _done: later.append(gatherer.submit(["b"])))
        await done
    async with asyncio.timeout(1):
        await gatherer.drain()
    assert [item.result() for item in later] == [["B"]] * 20
