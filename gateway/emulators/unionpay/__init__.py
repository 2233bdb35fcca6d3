"""A strict stand-in for UnionPay's all-channel platform (ACP 5.1.0): PROTOCOL.md tells how."""

from gateway.emulators.core.stand_in import StandIn
from gateway.emulators.unionpay.server import serve_unionpay

STAND_IN = StandIn("unionpay", "UnionPay ACP 5.1.0", 7084, serve_unionpay)

__all__ = ["STAND_IN", "serve_unionpay"]
