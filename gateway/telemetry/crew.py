"""The metrics of a gateway with several workers, as one page.

Every series of a worker is given the label `worker`, its index; what the supervisor measures of
itself has `supervisor` there. Nothing is added up here: a worker that starts again begins its
counters at zero, which Prometheus sees and corrects for each series by itself, but could not see in
a sum. So `sum without (worker) (rate(...))` is right whatever died meanwhile.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Metric,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

LABEL: Final = "worker"
SUPERVISOR: Final = "supervisor"


class CrewMetrics:
    """What the supervisor counts, and the page of all."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._starts = Counter(
            "gateway_worker_process_starts_total",
            "Starts of a worker process.",
            [LABEL],
            registry=self._registry,
        )
        self._serving = Gauge(
            "gateway_worker_process_serving",
            "Whether a worker process serves: 1 or 0.",
            [LABEL],
            registry=self._registry,
        )

    def started(self, worker: int) -> None:
        """Count the start of a worker."""
        self._starts.labels(worker).inc()

    def serving(self, worker: int, *, serves: bool) -> None:
        """Tell whether a worker serves."""
        self._serving.labels(worker).set(serves)

    def exposition(self, workers: Mapping[int, str]) -> bytes:
        """Write the page, given the metrics of each worker in Prometheus' text format."""
        own = generate_latest(self._registry).decode()
        texts = {SUPERVISOR: own} | {str(index): text for index, text in workers.items()}
        page = CollectorRegistry()
        page.register(_Families(_labelled(texts)))
        return generate_latest(page)


class _Families(Collector):
    """Families that were measured elsewhere."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _labelled(texts: Mapping[str, str]) -> list[Metric]:
    """Join the families of all by name, since one page may name a family only once."""
    found: dict[str, Metric] = {}
    for worker, text in texts.items():
        for family in text_string_to_metric_families(text):
            joined = found.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            joined.samples += [
                sample._replace(labels={LABEL: worker} | sample.labels) for sample in family.samples
            ]
    return list(found.values())
