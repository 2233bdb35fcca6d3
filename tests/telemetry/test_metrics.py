"""Metrics: what is counted is exposed, under names and within bounds that hold."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway import __version__
from gateway.telemetry.metrics import EXPOSITION_TYPE, LABEL_VALUES_MAX, OTHER, Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The value of one time series as a scraper reads it; None where there is none."""
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return None


def test_what_runs_is_named(metrics: Metrics) -> None:
    """The version is exposed, so that a dashboard shows a roll-out."""
    assert value(metrics, "gateway_build_info", version=__version__) == 1
    assert EXPOSITION_TYPE.startswith("text/plain")


def test_calls(metrics: Metrics) -> None:
    """A call counts as in flight until it is finished, then by method, code and reason."""
    metrics.started("Pay")
    metrics.started("Pay")
    metrics.finished("Pay", "ABORTED", "CONTENTION", 0.02)
    assert value(metrics, "gateway_rpc_in_flight", method="Pay") == 1
    labels = {"method": "Pay", "code": "ABORTED", "reason": "CONTENTION"}
    assert value(metrics, "gateway_rpc_calls_total", **labels) == 1
    assert value(metrics, "gateway_rpc_duration_seconds_sum", method="Pay") == 0.02
    assert value(metrics, "gateway_rpc_duration_seconds_bucket", method="Pay", le="0.01") == 0
    assert value(metrics, "gateway_rpc_duration_seconds_bucket", method="Pay", le="0.025") == 1


def test_channels(metrics: Metrics) -> None:
    """A channel's calls count by kind and outcome, its notifications by verdict."""
    metrics.observed("sandbox", "CHARGE", "UNKNOWN", 10.5)
    metrics.notified("sandbox", "REFUSED")
    labels = {"channel": "sandbox", "kind": "CHARGE"}
    assert value(metrics, "gateway_channel_calls_total", **labels, outcome="UNKNOWN") == 1
    assert value(metrics, "gateway_channel_duration_seconds_count", **labels) == 1
    assert value(metrics, "gateway_notifications_total", channel="sandbox", verdict="REFUSED") == 1


def test_payments(metrics: Metrics) -> None:
    """Every change of a payment counts by the state after it."""
    metrics.payment_changed("sandbox", "SUCCEEDED")
    labels = {"channel": "sandbox", "state": "SUCCEEDED"}
    assert value(metrics, "gateway_payment_changes_total", **labels) == 1


def test_open_work(metrics: Metrics) -> None:
    """Open attempts and review cases show as they were last told; a kind that is gone shows 0."""
    metrics.attempts_open(3, 12.5)
    metrics.reviews_open({"MISMATCH": 2, "UNRESOLVED": 1})
    metrics.reviews_open({"UNRESOLVED": 4})
    assert value(metrics, "gateway_attempts_open") == 3
    assert value(metrics, "gateway_attempts_open_age_seconds") == 12.5
    assert value(metrics, "gateway_review_cases_open", kind="MISMATCH") == 0
    assert value(metrics, "gateway_review_cases_open", kind="UNRESOLVED") == 4


def test_store_and_loops(metrics: Metrics) -> None:
    """The pool, loops and watchers show what they were told."""
    metrics.pool(8, 3, 1)
    metrics.ran("recovery", 5)
    metrics.failed("recovery", OSError("gone"))
    metrics.watching(2)
    assert value(metrics, "gateway_database_pool_size") == 8
    assert value(metrics, "gateway_database_pool_idle") == 3
    assert value(metrics, "gateway_database_pool_waiting") == 1
    assert value(metrics, "gateway_worker_runs_total", loop="recovery") == 1
    assert value(metrics, "gateway_worker_found_total", loop="recovery") == 5
    assert value(metrics, "gateway_worker_errors_total", loop="recovery", fault="OSError") == 1
    assert value(metrics, "gateway_watchers") == 2


def test_nobody_can_fill_the_memory(metrics: Metrics) -> None:
    """Names that callers may choose count for themselves up to a bound, then all as one."""
    for number in range(LABEL_VALUES_MAX + 50):
        metrics.started(f"/made/up{number}")
        metrics.finished(f"/made/up{number}", "UNIMPLEMENTED", "", 0)
    labels = {"code": "UNIMPLEMENTED", "reason": ""}
    assert value(metrics, "gateway_rpc_calls_total", **labels, method=OTHER) == 50
    assert value(metrics, "gateway_rpc_in_flight", method=OTHER) == 0
    assert metrics.exposition().count(b"gateway_rpc_calls_total{") == LABEL_VALUES_MAX + 1


def test_names_are_regular(metrics: Metrics) -> None:
    """Our metrics begin with gateway_, counters end with _total, durations with _seconds."""
    families = list(text_string_to_metric_families(metrics.exposition().decode()))
    ours = [family for family in families if not family.name.startswith("process_")]
    assert len(ours) > 15
    for family in ours:
        assert re.fullmatch(r"gateway_[a-z_]+", family.name)
        assert family.documentation.endswith(".") or family.documentation.endswith("1.")
        assert family.type != "histogram" or family.name.endswith("_seconds")
    assert b"_created" not in metrics.exposition()


def test_two_sets_do_not_meet(metrics: Metrics) -> None:
    """Each set has a registry of its own, so that tests and processes share nothing."""
    metrics.watching(7)
    assert value(Metrics(), "gateway_watchers") == 0
