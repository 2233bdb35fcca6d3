"""The commands about channels: capabilities, bills, quarantine; arguments in, exit codes out."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway.app import admin, bills
from gateway.app.bill_compare import Comparison, Difference, DifferenceKind
from gateway.app.bills import DIFFERENCES_SHOWN_MAX, _report
from gateway.channels.bill import Bill, BillLine, BillLineKind, BillTotals, read_decimal
from gateway.cli import main
from gateway.config import Settings
from gateway.domain.money import Money
from gateway.store.quarantine import Quarantined

DAY = date(2026, 11, 21)
TIME = datetime(2026, 11, 21, 4, tzinfo=UTC)


def line(kind: BillLineKind, amount: int, fee: str) -> BillLine:
    return BillLine(kind, "n", "n", "1", Money("CNY", amount), read_decimal(fee), TIME)


BILL = Bill(
    (line(BillLineKind.CHARGE, 1000, "0.06"), line(BillLineKind.REFUND, 250, "-0.01")),
    BillTotals(),
)
DIFFERENT = Difference(
    DifferenceKind.AMOUNTS_DIFFER, "CHARGE", "0001", Money("CNY", 1), Money("CNY", 2)
)
AGREE = "Compared with our own books: 2 numbers agree, 0 differ"
MISSING = Difference(DifferenceKind.MISSING_HERE, "REFUND", "0002", there=Money("CNY", 3))


class Fetched:
    """Stands for the fetching: keeps what was asked for, gives a report."""

    def __init__(self, comparison: Comparison | None) -> None:
        self.comparison = comparison
        self.asked: list[tuple[Any, ...]] = []

    async def __call__(
        self, _settings: Settings, channel: str, day: date, *, with_ledger: bool
    ) -> bills.BillReport:
        self.asked.append((channel, day, with_ledger))
        return _report(channel, day, BILL, self.comparison)


@pytest.mark.parametrize(
    ("comparison", "code", "last"),
    [
        (None, 0, "  CNY: charged 10.00 CNY, refunded 2.50 CNY, fees 0.05."),
        (Comparison(2, 0, []), 0, f"{AGREE}."),
        (
            Comparison(2, 1, []),
            0,
            f"{AGREE}, 1 too near the day's ends to judge.",
        ),
        (
            Comparison(1, 0, [DIFFERENT]),
            1,
            "Compared with our own books: 1 numbers agree, 1 differ.",
        ),
    ],
)
def test_bills_fetch(
    comparison: Comparison | None,
    code: int,
    last: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`bills fetch` prints the totals and the comparison; a difference is exit code 1."""
    fetched = Fetched(comparison)
    monkeypatch.setattr(bills, "fetch_bill", fetched)
    words = ["bills", "fetch", "wechat", "2026-11-21", *(["--compare"] if comparison else [])]
    assert main(words, {}) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "wechat 2026-11-21: 2 lines that add up."
    assert lines[-1] == last
    assert fetched.asked == [("wechat", DAY, comparison is not None)]


def test_each_difference_is_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every difference names its number and both amounts, also for scripts."""
    monkeypatch.setattr(bills, "fetch_bill", Fetched(Comparison(0, 0, [DIFFERENT, MISSING])))
    assert main(["bills", "fetch", "wechat", "2026-11-21", "--compare"], {}) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "  amounts differ: CHARGE 0001: here 0.01 CNY, there 0.02 CNY" in lines
    assert "  missing here: REFUND 0002: here nothing, there 0.03 CNY" in lines
    assert main(["bills", "fetch", "wechat", "2026-11-21", "--compare", "--json"], {}) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["currencies"] == {"CNY": {"charged": 1000, "refunded": 250, "fee": "0.05"}}
    assert [item["kind"] for item in told["comparison"]["differences"]] == [
        "amounts differ",
        "missing here",
    ]


def test_not_everything_is_listed() -> None:
    """Of very many differences the first are listed, and all are counted."""
    many = [MISSING] * (DIFFERENCES_SHOWN_MAX + 7)
    lines = _report("wechat", DAY, BILL, Comparison(0, 0, many)).lines
    assert "  and 7 more" in lines
    assert f"{len(many)} differ." in lines[-1]
    assert len(lines) < len(many)


@pytest.mark.parametrize("day", ["2026-13-01", "yesterday", ""])
def test_a_wrong_day_is_refused(day: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A day is written like a day."""
    with pytest.raises(SystemExit) as ended:
        main(["bills", "fetch", "wechat", day], {})
    assert ended.value.code == 2
    assert "is not a day such as 2026-11-22" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("channel", "words"),
    [("wechat", "The channel wechat is not configured here."), ("sandbox", "makes no bill.")],
)
def test_what_has_no_bill_is_named(
    channel: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A channel that is not there, or makes none, is told in one sentence, with exit code 2."""
    sandbox = {"GATEWAY_SANDBOX_URL": "http://127.0.0.1:1", "GATEWAY_SANDBOX_KEY": "k" * 16}
    assert main(["bills", "fetch", channel, "2026-11-21"], sandbox) == 2
    assert words in capsys.readouterr().err


def test_channels(capsys: pytest.CaptureFixture[str]) -> None:
    """`channels` shows the configured ones, and with --all every one that there is."""
    sandbox = {"GATEWAY_SANDBOX_URL": "http://127.0.0.1:1", "GATEWAY_SANDBOX_KEY": "k" * 16}
    assert main(["channels"], {}) == 0
    assert capsys.readouterr().out.startswith("No channel is configured")
    assert main(["channels"], sandbox) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["|", "|", "sandbox", "|"]
    assert main(["channels", "--all", "--json"], sandbox) == 0
    told = {item["channel"]: item for item in json.loads(capsys.readouterr().out)}
    assert told["sandbox"]["configured"]
    assert told["wechat"]["configured"] is False
    assert told["wechat"]["refund_window"] == 365 * 86_400


def test_reviews_quarantine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`reviews quarantine` shows what was not believed, with nothing that a terminal obeys."""
    kept = Quarantined("wechat", "wrong\x1b[2J", b"\x01" * 32, 7, "{}", 3, TIME, TIME)

    async def give(_settings: Settings) -> list[Quarantined]:
        return [kept]

    monkeypatch.setattr(admin, "list_quarantine", give)
    assert main(["reviews", "quarantine"], {}) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0] == "wechat  2026-11-21T04:00:00+00:00  wrong?[2J"
    assert "    times        3" in text
    assert text.endswith("1 notifications are in quarantine.\n")
    assert main(["reviews", "quarantine", "--json"], {}) == 0
    assert json.loads(capsys.readouterr().out)[0]["sha256"] == "01" * 32
