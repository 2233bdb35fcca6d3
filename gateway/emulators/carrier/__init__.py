"""A strict stand-in for an operator's Carrier Billing API: CAMARA r3.2, payments and refunds.

How to start it, play it and script its faults: PROTOCOL.md.
"""

from gateway.emulators.carrier.server import serve_carrier
from gateway.emulators.core.stand_in import StandIn

STAND_IN = StandIn("carrier", "carrier billing (CAMARA r3.2)", 7085, serve_carrier)

__all__ = ["STAND_IN", "serve_carrier"]
