"""What a platform engineer has at hand: probes, metrics, logs, commands, refusals to start."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from paymentgateway.client import GatewayClient, Retry, new_idempotency_key
from paymentgateway.errors import OutcomeUnknown, Refused, Unavailable
from tests.e2e.gateways import Extra, read_log
from tests.e2e.house import House
from tests.e2e.probing import Metrics, fetch_text
from tests.e2e.scripts import script
from tests.e2e.shop import Shop, state
from tests.e2e.waiting import insist, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONCE = Retry(attempts_max=1)
PAY = "paymentgateway.v1.PaymentService/Pay"
CANCEL = "paymentgateway.v1.PaymentService/Cancel"


async def test_probes_tell_alive_from_ready(house: House) -> None:
    """Both are 200 while all is well, on the operations listener and nowhere else."""
    ops_url = house.stack.ops_urls[0]
    for path, word in (("livez", "alive"), ("readyz", "ready")):
        status, text = await fetch_text(f"{ops_url}/{path}")
        assert status == 200
        assert word in text
    assert (await fetch_text(f"{ops_url}/debug"))[0] == 404


async def test_metrics_count_what_happened(house: House, shop: Shop) -> None:
    """Calls, payments by state and calls to the channel are counted, each once."""
    ops_url = house.stack.ops_urls[0]
    before = await Metrics.read(ops_url)
    for how in (None, None, script(outcome="DECLINE")):
        await shop.pay(script=how)
    after = await Metrics.read(ops_url)

    def counted(name: str, **labels: str) -> float:
        return after.total(name, **labels) - before.total(name, **labels)

    assert counted("gateway_rpc_calls_total", method=PAY, code="OK") == 3
    assert counted("gateway_rpc_duration_seconds_count", method=PAY) == 3
    assert counted("gateway_payment_changes_total", channel="sandbox", state="SUCCEEDED") == 2
    assert counted("gateway_payment_changes_total", channel="sandbox", state="FAILED") == 1
    assert counted("gateway_channel_calls_total", channel="sandbox", outcome="SUCCESS") == 2
    assert counted("gateway_worker_runs_total") >= 0
    assert after.total("gateway_rpc_in_flight", method=PAY) == 0
    assert after.total("process_open_fds") > 0
    assert after.total("gateway_build_info") == 1


async def test_logs_are_json_and_carry_the_payment(house: House, shop: Shop) -> None:
    """Every line is a JSON object; a refused call's names its payment, and never its key."""
    key = f"secret-{new_idempotency_key()}"
    paid = (await shop.pay()).payment
    with pytest.raises(Refused, match="ILLEGAL_TRANSITION"):
        await shop.cancel(paid, key=key)
    service = house.stack.gateways[0]
    (rpc,) = [line for line in read_log(service) if line.get("payment_id") == paid.payment_id]
    assert (rpc["event"], rpc["level"], rpc["method"]) == ("rpc", "info", CANCEL)
    assert (rpc["code"], rpc["reason"]) == ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")
    assert rpc["merchant_id"] == shop.merchant_id
    assert {"timestamp", "logger"} <= rpc.keys()
    assert key not in service.log.read_text()


async def test_the_standard_services_are_there(house: House) -> None:
    """Health says SERVING for the whole and each service, and reflection lists the contract."""
    channel = house.channels[0]
    names = [f"paymentgateway.v1.{name}Service" for name in ("Payment", "Refund", "Ledger")]
    for name in ("", *names):
        asked = health_pb2.HealthCheckRequest(service=name)
        answer = await health_pb2_grpc.HealthStub(channel).Check(asked)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    call = stub.ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="*")])
    )
    answer = await call.read()
    listed = {service.name for service in answer.list_services_response.service}
    assert {*names, "grpc.health.v1.Health"} <= listed


async def test_commands_beside_a_running_gateway(house: House) -> None:
    """Each command says that all is well and exits with 0, and none shows a secret."""
    await house.rest()
    wanted = {
        "health": "serv",
        "doctor": " 0 failed",
        "ledger check": "The books balance",
        "config": "GATEWAY_POOL_SIZE=8",
        "migrate --check": "",
    }
    found = await asyncio.gather(*(house.stack.command(*command.split()) for command in wanted))
    for words, (status, output) in zip(wanted.values(), found, strict=True):
        assert status == 0, output
        assert words in output
        assert house.stack.environment()["GATEWAY_SANDBOX_KEY"] not in output


async def test_health_says_when_nobody_serves(house: House) -> None:
    """The image's probe exits with 1 where no gateway answers."""
    nobody = house.extra("nobody")
    status, output = await nobody.command("health")
    assert (status, "Traceback" in output) == (1, False)


async def _refused(extra: Extra, *words: str) -> None:
    """Hold that `serve` ends with 2 and one sentence that has these words."""
    status, output = await extra.command("serve")
    told = [line for line in output.splitlines() if line.startswith("gateway: ")]
    assert status == 2, output
    assert len(told) == 1, output
    assert all(word in told[0] for word in words), output
    assert "Traceback" not in output


async def test_a_wrong_setting_stops_the_start(house: House) -> None:
    """It is told in one sentence that names the variable, with exit code 2 and no traceback."""
    rows = {
        "GATEWAY_POOL_SIZE": ("0", "GATEWAY_POOL_SIZE is '0'"),
        "GATEWAY_POOL_SZE": ("9", "did you mean GATEWAY_POOL_SIZE?"),
        "GATEWAY_LOCK_TIMEOUT_MS": ("9000", "GATEWAY_LOCK_TIMEOUT_MS (9000)"),
        "GATEWAY_WORKERS": ("90", "GATEWAY_WORKERS"),
    }
    await asyncio.gather(
        *(
            _refused(house.extra("wrong", **{name: value}), words)
            for name, (value, words) in rows.items()
        )
    )


async def test_two_gateways_on_one_port(house: House) -> None:
    """The second one refuses to start, whichever port it is, instead of sharing it unseen."""
    refusals = []
    for name in ("GATEWAY_GRPC_LISTEN", "GATEWAY_NOTIFY_LISTEN", "GATEWAY_OPS_LISTEN"):
        taken = house.stack.environment()[name]
        second = house.extra("second", **{name: taken})
        refusals.append(_refused(second, taken, name))
    await asyncio.gather(*refusals)


async def test_a_database_that_hangs(house: House, shop: Shop) -> None:
    """Not ready and not serving, but alive; what was asked meanwhile is settled by its key."""
    ops_url, keys = house.stack.ops_urls[0], [new_idempotency_key() for _ in range(4)]
    async with GatewayClient(house.stack.targets[0], retry=ONCE) as client:
        with _frozen(house.postgres.pid):
            _, text = await until(
                lambda: fetch_text(f"{ops_url}/readyz"), lambda found: found[0] == 503
            )
            assert "database" in text
            assert (await fetch_text(f"{ops_url}/livez"))[0] == 200
            for key in keys:
                with pytest.raises((Unavailable, OutcomeUnknown)):
                    await shop.pay(key=key, via=client, deadline_s=0.5)
            assert await until(lambda: _health(house), lambda found: found == "NOT_SERVING")
        await until(lambda: fetch_text(f"{ops_url}/readyz"), lambda found: found[0] == 200)
        assert await until(lambda: _health(house), lambda found: found == "SERVING")
    for key in keys:
        paid = (await insist(lambda key=key: shop.pay(key=key))).payment
        assert state(await shop.settled(paid)) == "SUCCEEDED"
    listed = shop.client().list_payments(merchant_id=shop.merchant_id)
    assert len([payment async for payment in listed]) == len(keys)


async def _health(house: House) -> str:
    stub = health_pb2_grpc.HealthStub(house.channels[0])
    answer = await stub.Check(health_pb2.HealthCheckRequest())
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


@contextmanager
def _frozen(pid: int | None) -> Iterator[None]:
    """Stop the clock of Postgres, all its processes, while the block runs."""
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # first, so that it starts no more of them
    family = [pid, *_children(pid)]
    try:
        for one in family:
            os.kill(one, signal.SIGSTOP)
        yield
    finally:
        for one in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)


def _children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found.append(int(path.parent.name))
    return found


async def test_the_sandbox_down_is_seen_by_the_doctor(house: House, extra: Extra) -> None:
    """The doctor names what is wrong and what to do, with exit code 1; a gateway stays ready."""
    away = house.extra("away", GATEWAY_SANDBOX_URL="http://127.0.0.1:9")
    status, output = await away.command("doctor")
    assert status == 1
    assert "channel sandbox" in output
    assert "GATEWAY_SANDBOX_URL" in output
    assert (await fetch_text(f"{extra.ops_url}/readyz"))[0] == 200


async def test_many_calls_at_once_are_shed(extra: Extra, shop: Shop) -> None:
    """Above the bound of calls in flight at a channel callers are told to come later."""
    slow, keys = script(reply_delay_ms=500), [new_idempotency_key() for _ in range(40)]
    async with GatewayClient(extra.target, retry=ONCE) as client:
        found = await asyncio.gather(
            *(shop.pay(key=key, script=slow, via=client) for key in keys),
            return_exceptions=True,
        )
    shed = [item for item in found if isinstance(item, Exception)]
    assert shed
    assert {(item.code.name, item.reason) for item in shed} == {
        ("RESOURCE_EXHAUSTED", "OVERLOADED")
    }
    assert all(item.retry_after_s is not None for item in shed)
    listed = shop.client().list_payments(merchant_id=shop.merchant_id)
    assert len([payment async for payment in listed]) == len(keys) - len(shed)
    async with GatewayClient(extra.target) as patient:
        calls = (insist(partial(shop.pay, key=key, script=slow, via=patient)) for key in keys)
        ended = [await shop.settled(answer.payment) for answer in await asyncio.gather(*calls)]
    assert {state(payment) for payment in ended} == {"SUCCEEDED"}
