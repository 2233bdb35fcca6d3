"""Log lines: one shape for our own and the libraries', safe and complete."""

import asyncio
import io
import json
import logging
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.telemetry.logging import configure_logging, get_logger, log_context

CARD = "4111111111111111"


@pytest.fixture
def stream() -> io.StringIO:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines written, each of them JSON by itself."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_when_what_and_where(stream: io.StringIO) -> None:
    """A line has its time in UTC, its level, its logger, its event and its values."""
    get_logger("gateway.x").info("payment settled", channel="sandbox", seconds=0.25)
    (line,) = lines(stream)
    time = datetime.fromisoformat(line.pop("timestamp"))
    assert time.utcoffset() == timedelta(0)
    assert line == {
        "event": "payment settled",
        "level": "info",
        "logger": "gateway.x",
        "channel": "sandbox",
        "seconds": 0.25,
    }


def test_libraries_take_the_same_way(stream: io.StringIO) -> None:
    """A line of a library has the same shape and is as safe as our own."""
    with log_context(payment_id="pay_1"):
        logging.getLogger("asyncpg").warning("lost %s", CARD)
    (line,) = lines(stream)
    assert line["event"] == "lost " + "*" * 16
    assert (line["level"], line["logger"], line["payment_id"]) == ("warning", "asyncpg", "pay_1")


async def test_context_reaches_tasks_made_inside(stream: io.StringIO) -> None:
    """What is bound stands on every line below it, those of tasks made there too, and no other."""
    log = get_logger("gateway.x")

    async def work() -> None:
        await asyncio.sleep(0)
        log.info("work")

    with log_context(payment_id="pay_1"):
        task = asyncio.create_task(work())
    log.info("outside")
    await task
    assert [(line["event"], line.get("payment_id")) for line in lines(stream)] == [
        ("outside", None),
        ("work", "pay_1"),
    ]


@pytest.mark.parametrize("name", ["gateway.x", "grpc"])
def test_tracebacks_are_one_line_without_locals(name: str, stream: io.StringIO) -> None:
    """An exception stays on its line as text, redacted, with no local variable shown."""

    def fail(local_password: str) -> None:
        raise ValueError(f"card {CARD} {len(local_password)}")

    try:
        fail(f"hunter{2:d}")
    except ValueError:
        log = get_logger(name) if name.startswith("gateway") else logging.getLogger(name)
        log.exception("failed")
    (line,) = lines(stream)
    assert "ValueError: card ****************" in line["exception"]
    assert "hunter2" not in stream.getvalue()
    assert CARD not in stream.getvalue()


def test_levels_below_the_least_are_silent(stream: io.StringIO) -> None:
    """Nothing below the configured level is written, neither ours nor a library's."""
    get_logger("gateway.x").debug("detail")
    logging.getLogger("asyncio").debug("detail")
    assert stream.getvalue() == ""


def test_the_last_configuration_counts(stream: io.StringIO) -> None:
    """Configured again, lines go the new way and the new way only."""
    again = io.StringIO()
    configure_logging("debug", "json", again)
    get_logger("gateway.x").debug("detail")
    assert [line["event"] for line in lines(again)] == ["detail"]
    assert stream.getvalue() == ""


def test_text_cannot_forge_a_line(stream: io.StringIO) -> None:
    """Line ends, control characters and broken surrogates in a value stay inside their line."""
    get_logger("gateway.x").info("a\nb", value="c\r\n{}\x00\u2028\ud800")
    assert len(stream.getvalue().splitlines()) == 1
    assert lines(stream)[0]["event"] == "a\nb"


def test_a_line_that_cannot_be_written_breaks_nothing(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """A broken log call or a closed stream raises nothing in the caller and prints no content."""
    logging.getLogger("lib").warning("%d", "hunter2")
    stream.close()
    get_logger("gateway.x").error("hunter2")
    assert "hunter2" not in "".join(capsys.readouterr())


def test_lines_for_people_are_safe_too() -> None:
    """The console form is for people, and as redacted as the JSON."""
    stream = io.StringIO()
    configure_logging("info", "console", stream)
    get_logger("gateway.x").warning("refused", card=CARD, password="hunter2")
    assert "refused" in stream.getvalue()
    assert CARD not in stream.getvalue()
    assert "hunter2" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
