"""The command as a pipeline uses it: real generator processes, exit statuses, written results."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gatewayload.histogram import Histogram
from gatewayload.program import main
from tests.clients.loadtest.model_gateway import OVERLOADED, SILENT_FAULT, ModelGateway
from tests.processes import free_port

SHORT = ("--duration", "1", "--warmup", "0.2", "--merchants", "3", "--payers", "4")
WAIT_S_MAX = 40.0
VOID = {"meta"}


class Markup(HTMLParser):
    """Reads a page, and insists that what is opened is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.references: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        links = [value for name, value in attrs if name in ("src", "href") and value]
        self.references.extend(links)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def load(model: ModelGateway, *arguments: str) -> int:
    return main(["--target", model.target, *SHORT, *arguments])


def test_a_good_run_ends_with_0(model: ModelGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """Two processes send at a rate, the oracle accounts for all of it, and the status is 0."""
    assert load(model, "--rate", "60", "--processes", "2", "--p99-ms", "5000") == 0
    out, err = capsys.readouterr()
    assert f"asked for {len(model.payments):,} payments" in out
    assert "nothing lost, nothing doubled, every sum balances" in out
    assert "p99 <= 5000 ms: held" in out
    assert "% of a core" in out
    assert "preparing 3 merchants and 4 wallets" in err
    processes = {key.split(".")[1] for _, key in model.payments}
    assert processes == {"0", "1"}


def test_a_broken_threshold_ends_with_1(
    model: ModelGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """A figure beyond its limit is told, and makes the status 1, whatever the oracle says."""
    limits = ("--p99-ms", "0.001", "--throughput-min", "1", "--p50-ms", "60000")
    assert load(model, "--rate", "30", "--quiet", *limits) == 1
    out, err = capsys.readouterr()
    assert "p99 <= 0.001 ms: BROKEN" in out
    assert out.count("held") == 2
    assert "nothing lost" in out
    assert err == ""


def test_errors_break_their_threshold(model: ModelGateway) -> None:
    """A share of errors above its limit makes the status 1, though nothing is unaccounted for."""
    model.before_pay = lambda number: OVERLOADED if number % 2 else None
    assert load(model, "--rate", "40", "--error-share-max", "0.1", "--quiet") == 1


def test_a_lost_payment_ends_with_1(
    model: ModelGateway, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One payment that is not accounted for is named, in the table, the JSON and the page."""
    lost: list[str] = []

    def lose(number: int, payment: object) -> None:
        if number == 5:
            place = list(model.payments)[-1]
            lost.append(place[1])
            del model.payments[place]

    model.after_pay = lose
    results = ("--json", str(tmp_path / "r.json"), "--html", str(tmp_path / "r.html"))
    assert load(model, "--rate", "40", "--quiet", *results) == 1
    assert f"lost: {lost[0]}: acknowledged as" in capsys.readouterr().out
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["exit_status"] == 1
    assert not document["oracle"]["proven"]
    assert document["oracle"]["faults"]["lost"] == 1
    assert lost[0] in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "one of the arguments --rate --callers is required"),
        (("--rate", "0"), "write a number of calls per second above 0"),
        (("--rate", "nan"), "write a number of calls per second above 0"),
        (("--rate", "10", "--callers", "2"), "not allowed with argument"),
        (("--callers", "2", "--processes", "3"), "raise --callers"),
        (("--rate", "10", "--replays", "1.5"), "write a share from 0 to 1"),
        (("--rate", "10", "--refunds", "0.6", "--reads", "0.6"), "at most 1 together"),
        (("--rate", "10", "--batch", "4001"), "from 1 to 4,000"),
        (("--rate", "10", "--method", "cash"), "is not one of wallet, sandbox"),
        (("--rate", "10", "--channel-delay-ms", "5"), "add --method sandbox"),
        (("--rate", "10", "--tls-cert", "none.pem"), "none.pem"),
        (("--rate", "10", "--rep", "0.5"), "unrecognized arguments"),
        (("--rate", "10", "--in-flight-max", "1", "--processes", "2"), "raise --in-flight-max"),
    ],
)
def test_wrong_usage_ends_with_2(
    arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What makes no sense is refused before anything is sent, and told what to do."""
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    assert left.value.code == 2
    assert sentence in capsys.readouterr().err


def test_help_shows_every_option_and_status(capsys: pytest.CaptureFixture[str]) -> None:
    """The help has examples, scenarios and exit statuses."""
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    out = capsys.readouterr().out
    for word in ("examples:", "scenarios:", "exit status:", "--p99-ms", "--scenario batches"):
        assert word in out


def test_a_gateway_that_is_not_there_ends_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody listens the status is 3, with the address and what to do."""
    address = f"127.0.0.1:{free_port()}"
    assert main(["--target", address, "--rate", "10", "--quiet"]) == 3
    err = capsys.readouterr().err
    assert f"the gateway at {address} cannot be reached" in err
    assert err.count("\n") == 1


def test_a_gateway_that_goes_away_ends_with_3(
    model: ModelGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the gateway dies in the run the figures are shown, and nothing is proven."""

    def die(number: int, payment: object) -> None:
        if number == 20:
            model.vanish()

    model.after_pay = die
    assert load(model, "--rate", "40", "--quiet", "--settle", "0.5") == 3
    out = capsys.readouterr().out
    assert "NOT PROVEN" in out
    assert "UNAVAILABLE" in out


def test_unknown_outcomes_do_not_break_the_oracle(model: ModelGateway) -> None:
    """Calls without an answer are errors of the run, and no fault of the gateway's books."""
    model.after_pay = lambda number, payment: SILENT_FAULT if number % 3 == 0 else None
    assert load(model, "--rate", "40", "--quiet", "--error-share-max", "0.9") == 0


def test_the_oracle_can_be_turned_off(
    model: ModelGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the oracle nothing is asked, and the result does not mention it."""
    assert load(model, "--callers", "2", "--oracle", "off", "--quiet") == 0
    assert "oracle" not in capsys.readouterr().out


def test_the_results_are_well_formed(model: ModelGateway, tmp_path: Path) -> None:
    """JSON has figures with their units, the page is one file with its pictures inside."""
    made = tmp_path / "made" / "r.json"
    page = tmp_path / "r.html"
    results = ("--json", str(made), "--html", str(page))
    assert load(model, "--scenario", "mixed", "--callers", "3", "--quiet", *results) == 0
    document = json.loads(made.read_text())
    assert document["oracle"]["proven"]
    assert document["oracle"]["payments_asked"] == len(model.payments)
    assert sum(kind["calls"] for kind in document["kinds"].values()) == sum(
        second["calls"] for second in document["seconds"]
    )
    latency = document["figures"]["latency_ms"]
    assert 0 < latency["p50"] <= latency["p99"] <= latency["max"]
    histogram = Histogram(document["histogram"].encode())
    assert histogram.percentile(99) * 1e3 == pytest.approx(latency["p99"])
    assert base64.b64decode(document["histogram"])
    _check_page(page.read_text("utf-8"))


def _check_page(text: str) -> None:
    markup = Markup(text)
    assert markup.open == []
    assert markup.references == []
    assert "script" not in markup.seen
    assert "http" not in text.replace("http://www.w3.org", "")
    pictures = [part.partition("</svg>")[0] for part in text.split("<svg")[1:]]
    titles = []
    for picture in pictures:
        root = ET.fromstring(f"<svg{picture}</svg>")
        titles.append(root.get("aria-label"))
        assert root.findall("polyline")
    assert titles == ["Latency over time", "Latency by percentile", "Throughput over time"]


def _start(model: ModelGateway, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "gatewayload", "--target", model.target, *arguments]
    return subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def _wait_for_payments(model: ModelGateway, process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + WAIT_S_MAX
    while len(model.payments) < 20 and time.monotonic() < end:
        assert process.poll() is None
        time.sleep(0.05)


def test_ctrl_c_ends_the_load_and_keeps_the_proof(model: ModelGateway) -> None:
    """Ctrl-C, which reaches every process, ends the load; figures and oracle come all the same."""
    arguments = ("--rate", "40", "--duration", "300", "--warmup", "0.2", "--processes", "2")
    process = _start(model, *arguments, "--merchants", "3", "--payers", "4")
    _wait_for_payments(model, process)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=WAIT_S_MAX)
    assert process.returncode == 0, err
    assert "the load was stopped early" in out
    assert f"asked for {len(model.payments):,} payments" in out


def test_a_generator_that_dies_is_told(model: ModelGateway) -> None:
    """Where a generator process is killed the run ends with 1: what it sent is not provable."""
    arguments = ("--rate", "40", "--duration", "300", "--warmup", "0.2")
    process = _start(model, *arguments, "--merchants", "3", "--payers", "4")
    _wait_for_payments(model, process)
    for child in _children(process.pid):
        os.kill(child, signal.SIGKILL)
    _, err = process.communicate(timeout=WAIT_S_MAX)
    assert process.returncode == 1
    assert "generator process 1 ended by itself" in err


def test_no_generator_outlives_its_command(model: ModelGateway) -> None:
    """Generator processes end when the command is killed, and stop sending."""
    arguments = ("--rate", "40", "--duration", "300", "--warmup", "0.2")
    process = _start(model, *arguments, "--merchants", "3", "--payers", "4")
    _wait_for_payments(model, process)
    children = _children(process.pid)
    process.kill()
    process.communicate(timeout=WAIT_S_MAX)
    end = time.monotonic() + WAIT_S_MAX
    while any(map(_alive, children)) and time.monotonic() < end:
        time.sleep(0.05)
    assert children
    assert not any(map(_alive, children))


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    found = [int(word) for word in text.split()]
    return [child for child in found if b"spawn_main" in _command_line(child)]


def _alive(pid: int) -> bool:
    return b"spawn_main" in _command_line(pid)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
