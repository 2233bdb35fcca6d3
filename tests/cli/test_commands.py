"""The commands as people and scripts use them: arguments in, answers and exit codes out.

What the commands call is replaced here; the processes themselves are started in test_process.
"""

import json
import shlex
from argparse import ArgumentParser
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from gateway.app import admin
from gateway.app.embedded import EmbeddedPostgresError
from gateway.app.errors import StartError
from gateway.cli import main
from gateway.cli.command import Command
from gateway.cli.parser import MODULES, commands, make_parser
from gateway.config import Settings, settings_table, variable
from gateway.domain.change import ReviewCase, ReviewKind
from gateway.domain.ids import to_text
from gateway.telemetry.logging import get_logger

CASE_ID = UUID("01990a5b-7c3d-7000-8000-0a1b2c3d4e5f")
PAYMENT_ID = UUID("01990a5b-7c3d-7000-8000-0a1b2c3d4e60")
COMMANDS = tuple(commands())
READS_SETTINGS = {
    "serve": [],
    "sandbox": [],
    "migrate": [],
    "ledger check": [],
    "ledger reserve": [],
    "ledger fund": ["CNY", "1", "--key", "k"],
    "reviews list": [],
    "reviews quarantine": [],
    "channels": [],
    "bills fetch": ["wechat", "2026-11-21"],
    "reviews resolve": [str(CASE_ID), "--as", "failed", "--note", "n"],
    "health": [],
    "config": [],
}


class Recorded:
    """Stands for what a command calls: keeps the arguments, gives an answer or raises it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[Any, ...]] = []

    async def __call__(self, _settings: Settings, *arguments: Any, **named: Any) -> Any:
        self.calls.append((*arguments, *named.values()))
        get_logger("gateway.test").warning("a line of the log")
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def review_case(**changes: Any) -> ReviewCase:
    values = {
        "owner_id": "m_demo",
        "case_id": CASE_ID,
        "kind": ReviewKind.MISMATCH,
        "subject": "attempt 7",
        "detail": "amount differs",
        "create_time": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "payment_id": PAYMENT_ID,
    }
    return ReviewCase(**values | changes)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_tells_all(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command's help exits 0 and names its exit codes, its variables and examples."""
    with pytest.raises(SystemExit) as caught:
        main([*command.name.split(), "--help"])
    text = capsys.readouterr().out
    assert caught.value.code == 0
    assert "exit codes:\n  0  " in text
    assert "\n  2  it could not be tried" in text
    for meaning in command.exits.values():
        assert meaning in text
    for name in command.settings:
        assert variable(name) in text
    assert f"gateway {command.name}" in text.partition("examples:\n")[2]


def _shown(run: Any) -> tuple[Any, ...]:
    """Tell runs apart by what they do and for whom."""
    return (run.func, *run.args) if isinstance(run, partial) else (run,)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_examples_are_true(command: Command) -> None:
    """Every example in a help can be typed as it stands."""
    known = {variable(name) for name in Settings.model_fields}
    for example in command.examples:
        words = shlex.split(example)
        while words[0] != "gateway":
            assert words.pop(0).split("=")[0] in known
        assert _shown(make_parser(words[1:]).parse_args(words[1:]).run) == _shown(command.run)


@pytest.mark.parametrize("words", [[], ["ledger"], ["reviews"], ["dance"], ["serve", "--fast"]])
def test_a_wrong_command_line_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A command that is missing or unknown exits 2 with the usage on stderr."""
    with pytest.raises(SystemExit) as caught:
        main(words)
    output = capsys.readouterr()
    assert caught.value.code == 2
    assert output.out == ""
    assert output.err.startswith("usage: gateway")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The help of the whole and of the groups names every command with its summary."""
    text = ""
    for words in ([], ["bills"], ["emulate"], ["ledger"], ["reviews"]):
        with pytest.raises(SystemExit):
            main([*words, "--help"])
        text += capsys.readouterr().out
    for command in COMMANDS:
        assert command.summary in text


@pytest.mark.parametrize("name", READS_SETTINGS)
def test_a_wrong_configuration_is_one_sentence(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command that reads the configuration exits 2 with one sentence, and no traceback."""
    words = [*name.split(), *READS_SETTINGS[name]]
    assert main(words, {"GATEWAY_POOL_SIZE": "0"}) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == (
        "gateway: GATEWAY_POOL_SIZE is '0': write a whole number from 1 to 500.\n"
    )


@pytest.mark.parametrize("kind", [StartError, EmbeddedPostgresError])
def test_what_can_be_foreseen_is_one_sentence(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What something outside keeps from working is told in its own words, with exit code 2."""
    monkeypatch.setattr(admin, "check_ledger", Recorded(kind("The database is away: start it.")))
    assert main(["ledger", "check"], {}) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines()[-1] == "gateway: The database is away: start it."
    assert "Traceback" not in output.err


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw is shown as it is, for us to mend."""
    monkeypatch.setattr(admin, "check_ledger", Recorded(KeyError("x")))
    with pytest.raises(KeyError):
        main(["ledger", "check"], {})


def test_ctrl_c_is_quiet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C ends a command with exit code 130 and no traceback."""

    def interrupt(*_arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(admin, "check_ledger", interrupt)
    assert main(["ledger", "check"], {}) == 130
    assert capsys.readouterr().err == ""


def test_logs_and_answers_are_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a command answers is all that is on stdout; its log lines are on stderr."""
    monkeypatch.setattr(admin, "list_reviews", Recorded([]))
    assert main(["reviews", "list", "--json"], {}) == 0
    output = capsys.readouterr()
    assert json.loads(output.out) == []
    assert "a line of the log" in output.err


@pytest.mark.parametrize(
    ("words", "names", "text", "code"),
    [
        ([], ["0001_a", "0002_b"], "applied  0001_a\napplied  0002_b\n", 0),
        ([], [], "The schema is up to date.\n", 0),
        (["--check"], ["0002_b"], "pending  0002_b\n", 1),
        (["--check"], [], "The schema is up to date.\n", 0),
    ],
)
def test_migrate(
    words: list[str],
    names: list[str],
    text: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`migrate` names what it applied; with --check what is pending, which is exit code 1."""
    migrate = Recorded(names)
    monkeypatch.setattr(admin, "migrate", migrate)
    assert main(["migrate", *words], {}) == code
    assert capsys.readouterr().out == text
    assert migrate.calls == [(bool(words),)]


@pytest.mark.parametrize("balanced", [True, False])
def test_ledger_check(
    balanced: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`ledger check` prints the report; the exit code says whether the books balance."""
    report = SimpleNamespace(balanced=balanced, lines=["CNY: balanced or not", "2 books"])
    monkeypatch.setattr(admin, "check_ledger", Recorded(report))
    assert main(["ledger", "check"], {}) == (0 if balanced else 1)
    assert capsys.readouterr().out == "CNY: balanced or not\n2 books\n"


def test_ledger_fund(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`ledger fund` hands over currency, amount and key, and prints the answer."""
    fund = Recorded("1.00 CNY is in the reserve.")
    monkeypatch.setattr(admin, "fund", fund)
    assert main(["ledger", "fund", "CNY", "9223372036854775807", "--key", "k 1"], {}) == 0
    assert fund.calls == [("CNY", 2**63 - 1, "k 1")]
    assert capsys.readouterr().out == "1.00 CNY is in the reserve.\n"


@pytest.mark.parametrize(
    "words",
    [
        ["cny", "1", "--key", "k"],
        ["CNYY", "1", "--key", "k"],
        ["ＣＮＹ", "1", "--key", "k"],
        ["CNY", "0", "--key", "k"],
        ["CNY", "-1", "--key", "k"],
        ["CNY", "1.5", "--key", "k"],
        ["CNY", "１", "--key", "k"],
        ["CNY", "9223372036854775808", "--key", "k"],
        ["CNY", "1" * 5_000, "--key", "k"],
        ["CNY", "1"],
    ],
)
def test_ledger_fund_refuses(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Amounts and currencies that cannot be meant are refused before anything is asked for."""
    fund = Recorded("")
    monkeypatch.setattr(admin, "fund", fund)
    with pytest.raises(SystemExit) as caught:
        main(["ledger", "fund", *words], {})
    assert caught.value.code == 2
    assert fund.calls == []


def test_reviews_list(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`reviews list` shows each case with what identifies it, and nothing that is empty."""
    cases = Recorded([review_case(detail="bad\x1b[2J\nname")])
    monkeypatch.setattr(admin, "list_reviews", cases)
    assert main(["reviews", "list"], {}) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0] == f"{CASE_ID}  MISMATCH  2026-01-02T03:04:05+00:00"
    assert f"payment_id   {to_text('pay', PAYMENT_ID)}" in text
    assert "detail       bad?[2J?name" in text
    assert "resolution" not in text
    assert text.endswith("1 review cases are open.\n")
    assert cases.calls == [(False,)]


def test_reviews_list_for_scripts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`reviews list --json --all` gives every field of every case as text."""
    resolved = review_case(
        payment_id=None,
        resolve_time=datetime(2026, 1, 3, tzinfo=UTC),
        resolution="failed",
        note="statement",
    )
    cases = Recorded([resolved])
    monkeypatch.setattr(admin, "list_reviews", cases)
    assert main(["reviews", "list", "--all", "--json"], {}) == 0
    assert cases.calls == [(True,)]
    assert json.loads(capsys.readouterr().out) == [
        {
            "case_id": str(CASE_ID),
            "kind": "MISMATCH",
            "owner_id": "m_demo",
            "payment_id": "",
            "attempt_id": "",
            "subject": "attempt 7",
            "detail": "amount differs",
            "create_time": "2026-01-02T03:04:05+00:00",
            "resolve_time": "2026-01-03T00:00:00+00:00",
            "resolution": "failed",
            "note": "statement",
        }
    ]


def test_reviews_resolve(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`reviews resolve` hands over case, resolution and note, and prints the answer."""
    resolve = Recorded("The case is closed.")
    monkeypatch.setattr(admin, "resolve_review", resolve)
    words = ["reviews", "resolve", str(CASE_ID), "--as", "succeeded", "--note", " statement 7 "]
    assert main(words, {}) == 0
    assert resolve.calls == [(CASE_ID, "succeeded", "statement 7")]
    assert capsys.readouterr().out == "The case is closed.\n"


@pytest.mark.parametrize(
    "words",
    [
        ["not-an-id", "--as", "failed", "--note", "n"],
        [str(CASE_ID), "--as", "maybe", "--note", "n"],
        [str(CASE_ID), "--as", "failed", "--note", "  "],
        [str(CASE_ID), "--as", "failed", "--note", "x" * 1_001],
        [str(CASE_ID), "--note", "n"],
        [str(CASE_ID), "--as", "failed"],
    ],
)
def test_reviews_resolve_refuses(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A case is closed only by an id, a resolution that exists, and a note that says why."""
    resolve = Recorded("")
    monkeypatch.setattr(admin, "resolve_review", resolve)
    with pytest.raises(SystemExit) as caught:
        main(["reviews", "resolve", *words], {})
    assert caught.value.code == 2
    assert resolve.calls == []


def test_config_masks_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    """`config` prints what is in force, without any secret."""
    secret = "hunter2-hunter2-hunter2"
    environ = {
        "GATEWAY_SANDBOX_KEY": secret,
        "GATEWAY_DATABASE_URL": f"postgresql://u:{secret}@h/d",
        "GATEWAY_POOL_SIZE": "5",
    }
    assert main(["config"], environ) == 0
    text = capsys.readouterr().out
    assert "GATEWAY_POOL_SIZE=5\n" in text
    assert "GATEWAY_SANDBOX_KEY=********\n" in text
    assert secret not in text


def test_config_describes_whatever_is_set(capsys: pytest.CaptureFixture[str]) -> None:
    """`config --markdown` describes all settings, even where the environment is wrong."""
    assert main(["config", "--markdown"], {"GATEWAY_POOL_SIZE": "0"}) == 0
    assert capsys.readouterr().out == settings_table() + "\n"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_loads_alone(command: Command) -> None:
    """A command that is named brings its own module and its group's, and no other's."""
    words = command.name.split()
    firsts = {found.name.partition(" ")[0] for found in commands(words)}
    assert firsts == {words[0]} <= MODULES.keys()


def test_commands_are_named_once() -> None:
    """No two commands have one name, and no option is cut short by guessing."""
    assert len({command.name for command in COMMANDS}) == len(COMMANDS)
    assert isinstance(make_parser(), ArgumentParser)
    with pytest.raises(SystemExit):
        make_parser().parse_args(["config", "--mark"])
