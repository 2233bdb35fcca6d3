"""`gateway ledger reserve`: arguments in, the proof as a table or as fields out."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.app import admin
from gateway.app.reserve_report import ReserveReport, reserve_report
from gateway.cli import main
from gateway.config import Settings
from gateway.domain.reserve import Receivable, ReserveProof, Side, reserves

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAYS_3 = timedelta(days=3)


def proof(*more: Side, overdue: int = 0) -> ReserveProof:
    sides = [
        Side("wallet", "CNY", 123_456, 0),
        Side("reserve_bank", "CNY", 0, 23_456),
        Side("due_to_own", "CNY", 700, 0),
        Side("due_from_reserve", "CNY", 0, 700),
        *more,
    ]
    return ReserveProof(NOON, reserves(sides, [Receivable("sandbox", "CNY", 100_700, overdue)]))


class Asked:
    """Stands for the proof that the command asks for."""

    def __init__(self, report: ReserveReport) -> None:
        self.report = report
        self.calls: list[tuple[Any, ...]] = []

    async def __call__(self, _settings: Settings, *arguments: Any) -> ReserveReport:
        self.calls.append(arguments)
        return self.report


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    stand_in = Asked(reserve_report(proof(), DAYS_3))
    monkeypatch.setattr(admin, "prove_reserve", stand_in)
    return stand_in


def test_the_table_shows_all_that_is_added_up(
    asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every sum stands on a line with its decimals, and the last line says that it holds."""
    assert main(["ledger", "reserve"], {}) == 0
    assert asked.calls == [(None, None, DAYS_3)]
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "Reserve as of 2026-11-22T12:00:00+00:00; what channels owe is overdue after 3 days.",
        "",
        "CNY",
    ]
    amounts = dict(line.rsplit(maxsplit=1) for line in lines[3:-1])
    assert amounts["  owed to customers"] == "1234.56"
    assert amounts["    payers: wallet"] == "1234.56"
    assert amounts["    merchants: merchant_unsettled"] == "0.00"
    assert amounts["  covered by"] == "1241.56"
    assert amounts["    reserve_bank"] == "234.56"
    assert amounts["    channel_receivable sandbox"] == "1007.00"
    assert amounts["  beyond what is owed"] == "7.00"
    assert amounts["  our own part: due_to_own"] == "7.00"
    assert lines[-1] == "  It holds."
    assert len({len(line) for line in lines[3:-1]}) == 1


def test_what_is_missing_is_told_to_the_last_minor_unit(
    asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    """A proof that does not hold exits 1 and says by how much."""
    asked.report = reserve_report(
        proof(Side("merchant_unsettled", "CNY", 0, 5), overdue=701), DAYS_3
    )
    assert main(["ledger", "reserve"], {}) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "  It does not hold: 1 minor units owed to customers are not covered." in lines
    shown = dict(line.rsplit(maxsplit=1) for line in lines if line.endswith((".05", "7.01")))
    assert shown["      overdue, which does not count"] == "-7.01"
    assert shown["  customers' accounts below zero, which cover nothing"] == "0.05"
    assert "  It holds." not in lines


def test_nothing_booked_is_said(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    """A journal without bookings is told as such, and nothing is missing."""
    asked.report = reserve_report(ReserveProof(NOON, []), DAYS_3)
    assert main(["ledger", "reserve"], {}) == 0
    assert capsys.readouterr().out.endswith("\nNothing is booked.\n")


def test_scripts_get_minor_units(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json the whole proof is one object, amounts as integers of minor units."""
    words = ["--json", "--currency", "CNY", "--as-of", "2026-11-22T08:00:00+08:00"]
    assert main(["ledger", "reserve", *words, "--overdue-after", "0"], {}) == 0
    assert asked.calls == [("CNY", datetime(2026, 11, 22, tzinfo=UTC), timedelta(0))]
    found = json.loads(capsys.readouterr().out)
    [reserve] = found.pop("currencies")
    assert found == {
        "as_of": "2026-11-22T12:00:00+00:00",
        "overdue_after_days": 3,
        "holds": True,
    }
    owed = reserve.pop("owed")
    assert {code: amount for code, amount in owed.items() if amount} == {"wallet": 123_456}
    assert len(owed) == 9
    assert reserve == {
        "currency": "CNY",
        "holds": True,
        "problems": [],
        "owed_in_all": 123_456,
        "covered": 124_156,
        "reserve_bank": 23_456,
        "channel_receivable": [{"channel": "sandbox", "outstanding": 100_700, "overdue": 0}],
        "surplus": 700,
        "due_to_own": 700,
        "due_from_reserve": 700,
        "overdrawn": 0,
        "imbalance": 0,
    }


@pytest.mark.parametrize(
    "words",
    [
        ["--currency", "cny"],
        ["--as-of", "2026-11-22"],
        ["--as-of", "2026-11-22T00:00:00"],
        ["--as-of", "0001-01-01T00:00:00+14:00"],
        ["--as-of", "yesterday"],
        ["--overdue-after", "-1"],
        ["--overdue-after", "1.5"],
        ["--overdue-after", "3651"],
        ["--overdue-after", "1" * 5_000],
    ],
)
def test_what_cannot_be_meant_is_refused(asked: Asked, words: list[str]) -> None:
    """A time without its offset, no currency or no span ends it before anything is read."""
    with pytest.raises(SystemExit) as caught:
        main(["ledger", "reserve", *words], {})
    assert caught.value.code == 2
    assert asked.calls == []
