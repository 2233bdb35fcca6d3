"""Operations: what Prometheus and an orchestrator's probes ask of a gateway, over HTTP.

server     the listener: /metrics, /livez, /readyz
readiness  whether the gateway should be given work, and if not, why
"""

from gateway.ops.readiness import Check, Readiness
from gateway.ops.server import Exposition, OpsServer

__all__ = ["Check", "Exposition", "OpsServer", "Readiness"]
