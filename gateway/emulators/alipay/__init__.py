"""A strict stand-in for Alipay's OpenAPI (V1, RSA2).

How to start it, play it and script its faults: PROTOCOL.md beside this file.
"""

from gateway.emulators.alipay.server import serve_alipay
from gateway.emulators.core.stand_in import StandIn

STAND_IN = StandIn("alipay", "Alipay OpenAPI", 7083, serve_alipay)

__all__ = ["STAND_IN", "serve_alipay"]
