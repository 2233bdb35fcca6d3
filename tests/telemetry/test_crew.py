"""The page of several workers: each series by its worker, in families that a scraper can read."""

from prometheus_client.parser import text_string_to_metric_families

from gateway.telemetry.crew import LABEL, SUPERVISOR, CrewMetrics
from gateway.telemetry.metrics import Metrics

PAY = "paymentgateway.v1.PaymentService/Pay"


def pages(calls: dict[int, int]) -> dict[int, str]:
    """What workers tell that answered so many calls each."""
    found = {}
    for worker, count in calls.items():
        metrics = Metrics()
        for _ in range(count):
            metrics.started(PAY)
            metrics.finished(PAY, "OK", "", 0.02)
        metrics.pool(8, 8 - worker, 0)
        found[worker] = metrics.exposition().decode()
    return found


def values(page: bytes, name: str, **labels: str) -> dict[str, float]:
    """The values of a series by worker."""
    return {
        sample.labels[LABEL]: sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    }


def test_each_worker_is_told_apart_and_the_sum_is_right() -> None:
    """Counters, gauges and histograms of each worker stand under its index, as it told them."""
    page = CrewMetrics().exposition(pages({0: 3, 1: 4}))
    assert values(page, "gateway_rpc_calls_total", method=PAY) == {"0": 3, "1": 4}
    assert values(page, "gateway_rpc_duration_seconds_count", method=PAY) == {"0": 3, "1": 4}
    buckets = values(page, "gateway_rpc_duration_seconds_bucket", method=PAY, le="0.025")
    assert buckets == {"0": 3, "1": 4}
    assert values(page, "gateway_database_pool_idle") == {"0": 8, "1": 7}


def test_a_family_is_named_once() -> None:
    """A scraper refuses a page that names a family twice; types and meanings are kept."""
    page = CrewMetrics().exposition(pages({0: 1, 1: 1, 2: 1})).decode()
    heads = [line for line in page.splitlines() if line.startswith("# TYPE")]
    assert len(heads) == len(set(heads))
    assert "# TYPE gateway_rpc_calls_total counter" in heads
    assert "# TYPE gateway_rpc_duration_seconds histogram" in heads
    assert "# HELP gateway_rpc_calls_total Calls answered." in page


def test_the_supervisor_tells_of_itself_and_of_its_workers() -> None:
    """Its own process has a name in the place of an index; starts and service go by worker."""
    metrics = CrewMetrics()
    for worker in (0, 1, 1):
        metrics.started(worker)
    metrics.serving(0, serves=True)
    metrics.serving(1, serves=False)
    page = metrics.exposition(pages({0: 1}))
    assert values(page, "gateway_worker_process_starts_total") == {"0": 1, "1": 2}
    assert values(page, "gateway_worker_process_serving") == {"0": 1, "1": 0}
    assert values(page, "process_resident_memory_bytes").keys() == {SUPERVISOR, "0"}


def test_a_page_without_workers_can_be_read() -> None:
    """Before any worker answers, the page is the supervisor's own."""
    page = CrewMetrics().exposition({})
    assert values(page, "process_start_time_seconds").keys() == {SUPERVISOR}
    assert b"_created" not in page
