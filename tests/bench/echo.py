"""The server that does nothing: grpc.aio on uvloop, which answers every message with one it has.

Nothing is parsed and nothing is made, so what it costs is what gRPC itself costs in this language:
the line that no server on it can go above.
"""

import argparse
import asyncio
from typing import Any

import grpc
import uvloop
from google.protobuf.timestamp_pb2 import Timestamp

from paymentgateway.v1 import payment_pb2
from paymentgateway.v1.money_pb2 import Money
from paymentgateway.v1.payment_service_pb2 import PayResponse
from tests.bench.plan import AMOUNT_MINOR_UNITS, CURRENCY

STREAMS_MAX = 4_000
"""Streams per connection: as many as the gateway takes."""


def answer() -> bytes:
    """Encode an answer of the size that the gateway gives to a payment from a wallet."""
    money, moment = _money(AMOUNT_MINOR_UNITS), Timestamp(seconds=1_800_000_000, nanos=123_456_000)
    method = payment_pb2.PaymentMethod()
    method.wallet.SetInParent()
    payment = payment_pb2.Payment(
        merchant_id="m_000",
        payment_id="pay_" + "0" * 22,
        idempotency_key="0" * 32,
        order_id="o-" + "0" * 32,
        amount=money,
        captured=money,
        refunded=_money(0),
        payment_method=method,
        capture_mode=payment_pb2.CAPTURE_MODE_AUTOMATIC,
        payer=payment_pb2.Payer(payer_id="p_0000"),
        scene=payment_pb2.SCENE_APP,
        description="One song",
        state=payment_pb2.PAYMENT_STATE_SUCCEEDED,
        channel="wallet",
        create_time=moment,
        update_time=moment,
        expire_time=moment,
        capture_time=moment,
        version=1,
    )
    return PayResponse(payment=payment).SerializeToString()


def _money(minor_units: int) -> Money:
    return Money(currency_code=CURRENCY, minor_units=minor_units)


class _Handlers(grpc.GenericRpcHandler):
    """Answers every method alike, bytes in and bytes out."""

    def __init__(self, body: bytes) -> None:
        async def echo(_request: bytes, _context: object) -> bytes:
            return body

        self._handler: Any = grpc.unary_unary_rpc_method_handler(echo)

    def service(self, _details: object) -> Any:
        """Give the one handler that there is."""
        return self._handler


def server_options() -> list[tuple[str, int]]:
    """Give the options of the servers that the gateway is compared with."""
    return [("grpc.max_concurrent_streams", STREAMS_MAX), ("grpc.so_reuseport", 0)]


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    server = grpc.aio.server(handlers=[_Handlers(answer())], options=server_options())
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


def main() -> None:
    """Read the port from the arguments, and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
