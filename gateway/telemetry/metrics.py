"""Every Prometheus metric of the gateway, each defined once, in one class on a registry of its own.

Rooms that are measured know no Prometheus: they call the small methods below, through observer
protocols of their own. Names begin with `gateway_` and end with their unit. Time series are
bounded: a caller may put any name into a path, so per label only the first `LABEL_VALUES_MAX`
values count for themselves, and all further ones as `other`.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar, cast

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from gateway import __version__

LABEL_VALUES_MAX: Final = 100
OTHER: Final = "other"
EXPOSITION_TYPE: Final = CONTENT_TYPE_LATEST
"""Content type of what `Metrics.exposition` writes."""

MetricT = TypeVar("MetricT", Counter, Gauge, Histogram)

CALL_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)


# They would double the series of every counter and histogram, and nobody reads them.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The metrics of one process, and the methods that move them. Durations are in seconds."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._seen: dict[str, set[str]] = {}
        self._children: dict[tuple[object, ...], object] = {}
        ProcessCollector(registry=self._registry)
        self._gauge("gateway_build_info", "What runs; always 1.", "version").labels(
            __version__
        ).set(1)
        self._define_calls()
        self._define_payments()
        self._define_work()

    def _define_calls(self) -> None:
        self._rpc_calls = self._counter(
            "gateway_rpc_calls_total", "Calls answered.", "method", "code", "reason"
        )
        self._rpc_duration = self._histogram(
            "gateway_rpc_duration_seconds", "Time to answer a call.", CALL_BUCKETS_S, "method"
        )
        self._rpc_in_flight = self._gauge(
            "gateway_rpc_in_flight", "Calls under way, streams included.", "method"
        )
        self._watchers = self._gauge("gateway_watchers", "WatchPayments streams open.")
        self._channel_calls = self._counter(
            "gateway_channel_calls_total", "Calls to channels.", "channel", "kind", "outcome"
        )
        self._channel_duration = self._histogram(
            "gateway_channel_duration_seconds",
            "Time of a call to a channel.",
            CALL_BUCKETS_S,
            "channel",
            "kind",
        )
        self._notifications = self._counter(
            "gateway_notifications_total", "Notifications from channels.", "channel", "verdict"
        )

        self._channel_keys_end = self._gauge(
            "gateway_channel_keys_end_seconds",
            "Unix time at which the newest fetched key of a channel ends.",
            "channel",
        )

    def _define_payments(self) -> None:
        self._payment_changes = self._counter(
            "gateway_payment_changes_total",
            "Changes of payments, refunds included, by the payment's state after each.",
            "channel",
            "state",
        )
        self._attempts_open = self._gauge(
            "gateway_attempts_open", "Attempts whose outcome is not known yet."
        )
        self._attempt_age = self._gauge(
            "gateway_attempts_open_age_seconds", "Age of the oldest attempt that is open."
        )
        self._reviews_open = self._gauge(
            "gateway_review_cases_open", "Review cases that wait for a person.", "kind"
        )

    def _define_work(self) -> None:
        self._pool_size = self._gauge("gateway_database_pool_size", "Database connections open.")
        self._pool_idle = self._gauge("gateway_database_pool_idle", "Database connections free.")
        self._pool_waiting = self._gauge(
            "gateway_database_pool_waiting", "Tasks that wait for a database connection."
        )
        self._commits_waiting = self._gauge(
            "gateway_commits_waiting", "Changes that wait to be written."
        )
        self._worker_runs = self._counter(
            "gateway_worker_runs_total", "Runs of a worker's loop that ended well.", "loop"
        )
        self._worker_found = self._counter(
            "gateway_worker_found_total", "Pieces of work that these runs found.", "loop"
        )
        self._worker_errors = self._counter(
            "gateway_worker_errors_total", "Runs of a worker's loop that failed.", "loop", "fault"
        )

    def exposition(self) -> bytes:
        """Write all metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def started(self, method: str) -> None:
        """Count a call that began."""
        self._of(self._rpc_in_flight, self._known("method", method)).inc()

    def finished(self, method: str, code: str, reason: str, seconds: float) -> None:
        """Count a call that ended; `reason` is empty where there was no error."""
        known = self._known("method", method)
        self._of(self._rpc_in_flight, known).dec()
        self._of(self._rpc_calls, known, code, reason).inc()
        self._of(self._rpc_duration, known).observe(seconds)

    def watching(self, count: int) -> None:
        """Tell how many streams of changes are open."""
        self._watchers.set(count)

    def observed(self, channel: str, kind: str, outcome_class: str, seconds: float) -> None:
        """Count a call to a channel that ended."""
        known = self._known("channel", channel)
        self._of(self._channel_calls, known, kind, outcome_class).inc()
        self._of(self._channel_duration, known, kind).observe(seconds)

    def notified(self, channel: str, verdict: str) -> None:
        """Count a notification and what became of it."""
        self._of(self._notifications, self._known("channel", channel), verdict).inc()

    def channel_keys_end(self, channel: str, unix_seconds: float) -> None:
        """Tell when the newest key that a channel was asked for ends."""
        self._of(self._channel_keys_end, self._known("channel", channel)).set(unix_seconds)

    def payment_changed(self, channel: str, state: str) -> None:
        """Count a change of a payment by the state after it."""
        self._of(self._payment_changes, self._known("channel", channel), state).inc()

    def attempts_open(self, count: int, age_s_max: float) -> None:
        """Tell how many attempts are open, and the age of the oldest in seconds (0 for none)."""
        self._attempts_open.set(count)
        self._attempt_age.set(age_s_max)

    def reviews_open(self, counts: Mapping[str, int]) -> None:
        """Tell how many review cases are open, by kind; kinds that are not named have none."""
        known = {self._known("kind", kind): count for kind, count in counts.items()}
        for kind in self._seen.get("kind", ()):
            self._reviews_open.labels(kind).set(known.get(kind, 0))

    def pool(self, size: int, idle: int, waiting: int) -> None:
        """Tell how the database pool is used: connections open, those free, tasks that wait."""
        self._pool_size.set(size)
        self._pool_idle.set(idle)
        self._pool_waiting.set(waiting)

    def commits_waiting(self, count: int) -> None:
        """Tell how many changes wait to be written."""
        self._commits_waiting.set(count)

    def ran(self, loop: str, found: int) -> None:
        """Count a run of a worker's loop and the work that it found."""
        self._worker_runs.labels(loop).inc()
        self._worker_found.labels(loop).inc(found)

    def failed(self, loop: str, fault: Exception) -> None:
        """Count a run of a worker's loop that failed, by the kind of fault."""
        self._worker_errors.labels(loop, type(fault).__name__).inc()

    def _of(self, metric: MetricT, *labels: str) -> MetricT:
        """Give a metric's child for its labels. Looking it up there costs more than counting."""
        key = (metric, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return cast("MetricT", child)

    def _known(self, label: str, value: str) -> str:
        """Give the value, or `other` where its label has had too many different ones."""
        seen = self._seen.setdefault(label, set())
        if value in seen or len(seen) < LABEL_VALUES_MAX:
            seen.add(value)
            return value
        return OTHER

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self._registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(name, meaning, labels, registry=self._registry)

    def _histogram(
        self, name: str, meaning: str, buckets: Sequence[float], *labels: str
    ) -> Histogram:
        return Histogram(name, meaning, labels, registry=self._registry, buckets=buckets)
