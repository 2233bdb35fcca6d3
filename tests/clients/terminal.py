"""payctl as a test runs it: against a scripted gateway, in this process, with what it wrote."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from paymentgateway.client import money
from paymentgateway.payctl import main
from paymentgateway.v1 import payment_pb2
from tests.clients.scripted_gateway import ScriptedGateway

ID = "pay_0123456789abcdefghijkl"
NOON = Timestamp(seconds=int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp()))
PAY = ["pay", "12.50", "CNY", "--merchant", "m_demo", "--order", "o-1"]


def payment(state: int = payment_pb2.PAYMENT_STATE_SUCCEEDED, **more: Any) -> payment_pb2.Payment:
    """Make a payment of 12.50 CNY that was refunded in part."""
    return payment_pb2.Payment(
        merchant_id="m_demo",
        payment_id=ID,
        order_id="o-1",
        state=state,
        amount=money("12.50", "CNY"),
        captured=money("12.50", "CNY"),
        refunded=money("2.50", "CNY"),
        fee_millionths=7_500_000,
        create_time=NOON,
        **more,
    )


class Payctl:
    """Runs payctl against the gateway and keeps what it wrote."""

    def __init__(self, gateway: ScriptedGateway, capsys: pytest.CaptureFixture[str]) -> None:
        self._gateway = gateway
        self._capsys = capsys
        self.out = ""
        self.err = ""

    def __call__(self, *arguments: str) -> int:
        try:
            code = main(["--target", self._gateway.target, *arguments])
        except SystemExit as left:  # argparse leaves so
            code = int(str(left.code))
        self.out, self.err = self._capsys.readouterr()
        return code
