"""Operations: what Prometheus and an orchestrator's probes ask of a process, over HTTP.

server     the listener: /metrics, /livez, /readyz
readiness  whether the process should be given work, and if not, why
"""

from gateway.ops.readiness import Check, Readiness
from gateway.ops.server import OpsServer

__all__ = ["Check", "OpsServer", "Readiness"]
