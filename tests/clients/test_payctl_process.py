"""payctl as a process: signals and pipes, which only a real one can show."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from paymentgateway.client import money
from paymentgateway.v1 import payment_pb2
from paymentgateway.v1.payment_service_pb2 import (
    ListPaymentsResponse,
    PaymentEvent,
    WatchPaymentsResponse,
)
from tests.clients.scripted_gateway import ScriptedGateway, Silence, Stream
from tests.clients.terminal import NOON, PAY, payment

WAIT_S_MAX = 20.0


@contextmanager
def running(gateway: ScriptedGateway, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run payctl as a process until the test is done with it."""
    command = [sys.executable, "-m", "paymentgateway.payctl", *arguments]
    environment = {**os.environ, "PAYCTL_TARGET": gateway.target}
    process = subprocess.Popen(
        command,
        env=environment,
        text=True,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def change(cursor: str) -> WatchPaymentsResponse:
    event = PaymentEvent(
        event_id=f"evt_{cursor}",
        type=2,
        payment_id="pay_1",
        order_id="o-1",
        state=payment_pb2.PAYMENT_STATE_SUCCEEDED,
        amount=money("12.50", "CNY"),
        captured=money("12.50", "CNY"),
        create_time=NOON,
    )
    return WatchPaymentsResponse(cursor=cursor, event=event)


def test_watch_until_interrupted(gateway: ScriptedGateway) -> None:
    """A watch shows each event at once, and Ctrl-C ends it with 0 and the cursor to go on from."""
    heartbeat = WatchPaymentsResponse(cursor="c 7")
    gateway.script("WatchPayments", Stream([heartbeat, change("c 8")], Silence()))
    with running(gateway, "watch", "--merchant", "m_demo") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_S_MAX)
    assert line == (
        "2026-01-31T12:00:00Z  pay_1  CHANGED           SUCCEEDED        12.50 CNY"
        "  captured 12.50 CNY  order o-1\n"
    )
    assert (out, err) == ("", "cursor: go on with --cursor 'c 8'\n")
    assert process.returncode == 0


def test_watch_as_json(gateway: ScriptedGateway) -> None:
    """With --json each event is one document, with the cursor to go on from."""
    gateway.script("WatchPayments", Stream([change("8")], Silence()))
    with running(gateway, "watch", "--merchant", "m_demo", "--cursor", "7", "--json") as process:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=WAIT_S_MAX)
    assert (document["cursor"], document["event"]["event_id"]) == ("8", "evt_8")
    assert process.returncode == 0


def test_an_interrupted_payment_keeps_its_key(gateway: ScriptedGateway) -> None:
    """Ctrl-C while a payment is on its way ends with 4 and the key to send again."""
    gateway.script("Pay", Silence())
    with running(gateway, *PAY, "--key", "k-1") as process:
        while not gateway.received:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=WAIT_S_MAX)
    assert err == (
        "payctl: interrupted; the outcome is not known."
        " Send the same request with the same key again. The key is k-1.\n"
    )
    assert process.returncode == 4


def test_a_reader_that_leaves(gateway: ScriptedGateway) -> None:
    """A pipe whose reader has seen enough ends payctl quietly."""
    page = ListPaymentsResponse(payments=[payment()] * 500)
    gateway.script("ListPayments", page)
    arguments = ("list", "--merchant", "m_demo", "--limit", "500", "--json")
    with running(gateway, *arguments) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(WAIT_S_MAX) == 141
        assert process.stderr.read() == ""


def test_a_gateway_that_dies(gateway: ScriptedGateway) -> None:
    """A gateway that goes away in mid-call is told in one line of payctl's, and none of gRPC's."""
    gateway.script("Pay", Silence())
    with running(gateway, *PAY, "--key", "k-1", "--deadline", "0.5") as process:
        while not gateway.received:
            assert process.poll() is None
            time.sleep(0.01)
        gateway.stop()
        _, err = process.communicate(timeout=WAIT_S_MAX)
    assert err.startswith("payctl: ")
    assert err.endswith("Send the same request with the same key again. The key is k-1.\n")
    assert err.count("\n") == 1
    assert process.returncode == 4
