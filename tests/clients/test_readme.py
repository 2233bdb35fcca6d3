"""What the client's README promises can be run as it stands."""

import re
from pathlib import Path

import pytest

from paymentgateway import errors
from paymentgateway.v1 import payment_pb2, payment_service_pb2
from tests.clients.scripted_gateway import ScriptedGateway

README = (Path(__file__).parents[2] / "clients" / "python" / "README.md").read_text("utf-8")


def test_the_first_payment_runs(
    gateway: ScriptedGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example pays once, under a key of its own, and prints the payment and its state."""
    payment = payment_pb2.Payment(payment_id="pay_1", state=payment_pb2.PAYMENT_STATE_SUCCEEDED)
    gateway.script("Pay", payment_service_pb2.PayResponse(payment=payment))
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(example.replace("127.0.0.1:7070", gateway.target), {"__name__": "__main__"})
    assert capsys.readouterr().out == "pay_1 PAYMENT_STATE_SUCCEEDED\n"
    assert len(gateway.received) == 1


def test_every_error_is_in_the_table() -> None:
    """The table of errors leaves out no type, and names none that does not exist."""
    rows = re.findall(r"^\| (`.+?`) \|", README, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.GatewayError)
    }
    assert named == kinds - {"GatewayError"}
