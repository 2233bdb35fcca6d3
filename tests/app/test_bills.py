"""A bill that is not there: empty once it could be there, and not ready before that."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gateway.app import bills
from gateway.app.channels.opening import OpenChannel
from gateway.app.channels.setup import Setup
from gateway.app.errors import StartError
from gateway.channels.bill import Bill, BillTotals
from gateway.clock import Clock
from gateway.config import Settings, load_settings

DAY = date(2026, 11, 21)
MIDNIGHT = datetime(2026, 11, 21, 16, tzinfo=UTC)
"""The end of that day in Beijing."""

READY = [("wechat", "10:00"), ("douyin", "10:00"), ("alipay", "09:00"), ("unionpay", "09:00")]
MOMENT = timedelta(microseconds=1)


class Day:
    """A channel whose bill is as told, asked for at a moment as told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, channel: str) -> None:
        self.bill: Bill | None = None
        self.channel, self.now = channel, MIDNIGHT
        monkeypatch.setattr(bills, "open_channels", self.open)
        monkeypatch.setattr(Clock, "now", lambda _: self.now)

    @asynccontextmanager
    async def open(self, _settings: Settings) -> AsyncIterator[Mapping[str, OpenChannel]]:
        nothing: Any = None
        setup = Setup("http://channel", nothing, fetch_bill=self.fetch)
        yield {self.channel: OpenChannel(setup, nothing)}

    async def fetch(self, _channel: object, _day: date) -> Bill | None:
        return self.bill

    async def lines(self) -> int:
        """How many lines it is said to have."""
        settings = load_settings({})
        report = await bills.fetch_bill(settings, self.channel, DAY, with_ledger=False)
        return int(report.fields["lines"])


@pytest.mark.parametrize(("channel", "ready"), READY)
async def test_no_bill_is_none_before_it_could_be_there(
    monkeypatch: pytest.MonkeyPatch, channel: str, ready: str
) -> None:
    """Until the channel has made it there is no bill to compare, and it is said from when on."""
    day = Day(monkeypatch, channel)
    day.now += timedelta(hours=int(ready[:2])) - MOMENT
    words = f"{channel} for 2026-11-21 is not ready yet: it is there from 2026-11-22 {ready} on"
    with pytest.raises(StartError, match=words):
        await day.lines()
    day.now += MOMENT
    assert await day.lines() == 0


@pytest.mark.parametrize(("channel", "bill"), [("alipay", Bill((), BillTotals())), ("other", None)])
async def test_a_bill_that_is_there_is_taken(
    monkeypatch: pytest.MonkeyPatch, channel: str, bill: Bill | None
) -> None:
    """What is there already is believed, and so is a channel that makes its bills at once."""
    day = Day(monkeypatch, channel)
    day.bill = bill
    assert await day.lines() == 0
