"""The oracle: totals, records, what moved; and what the command prints for a gateway."""

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from gateway.emulators import carrier
from gateway.emulators.carrier import rows
from tests.emulators.carrier.customer import PHONE, Customer, calling, number, sink

FOLDER = Path(carrier.__file__).parent
START_TIMEOUT_S = 30


async def test_the_settings_are_all_that_a_gateway_needs(tmp_path: Path) -> None:
    """`gateway emulate carrier` prints URL, id and where the secret is, and they work."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "emulate", "carrier", "--listen", "127.0.0.1:0"),
        *("--data-dir", str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert process.stdout is not None
    settings: dict[str, str] = {}
    async with asyncio.timeout(START_TIMEOUT_S):
        while (line := (await process.stdout.readline()).decode().strip()) and "=" in line:
            name, _, value = line.partition("=")
            settings[name] = value
    url = settings["CARRIER_URL"]
    assert line == f"carrier ready: {url}"
    assert settings["CARRIER_API_ROOT"] == url
    assert settings["CARRIER_TOKEN_URL"] == f"{url}/oauth2/token"
    async with calling(url, tmp_path) as customer:
        form = {
            "grant_type": "client_credentials",
            "client_id": settings["CARRIER_CLIENT_ID"],
            "client_secret": Path(settings["CARRIER_CLIENT_SECRET_FILE"]).read_text(),
        }
        customer.token = (await customer.ask_token(form)).body["access_token"]
        assert (await customer.pay()).status == 201
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0


async def test_the_summary_adds_up(customer: Customer) -> None:
    """Money is added up from what moved, by client and currency; requests are counted."""
    of = await customer.paid(amount=10)
    await customer.paid(amount=3, currency="HKD")
    await customer.refund(of, 4)
    await customer.reserved()
    await customer.advance(seconds=1)
    summary = await customer.control("GET", "/control/summary")
    assert summary["moved"]["gateway"] == {
        "charge": {
            "CNY": {"count": 1, "amount": "10.000"},
            "HKD": {"count": 1, "amount": "3.000"},
        },
        "refund": {"CNY": {"count": 1, "amount": "4.000"}},
    }
    assert summary["moved"]["other"] == {"charge": {}, "refund": {}}
    assert (summary["payments"], summary["refunds"]) == (3, 1)
    assert summary["requests"] == {"token": 1, "create": 2, "prepare": 1, "refund": 1}


async def test_records_are_paged_with_their_effects(customer: Customer) -> None:
    """In order of arrival, with what was asked and what moved, without the sink's token."""
    made = [number() for _ in range(5)]
    for place, of in enumerate(made, start=1):
        await customer.paid(amount=place, clientCorrelator=of, **sink("https://g.example/n"))
    found, after = [], 0
    while after is not None:
        page = await customer.control("GET", f"/control/payments?limit=2&after={after}")
        found += page["payments"]
        after = page["next"]
    assert [entry["correlator"] for entry in found] == made
    assert [entry["effects"]["charge"] for entry in found] == [f"{i}.000" for i in range(1, 6)]
    assert found[0]["request"]["paymentAmount"]["chargingInformation"]["amount"] == 1
    assert not any("sink_token" in entry for entry in found)
    await customer.refund(found[0]["payment_id"])
    [refund] = (await customer.control("GET", "/control/refunds"))["refunds"]
    assert (refund["payment_id"], refund["amount"]) == (found[0]["payment_id"], 1_000)


BAD_REQUESTS: list[tuple[str, str, Any, int]] = [
    ("GET", "/control/payments?limit=1001", None, 400),
    ("GET", "/control/book?day=yesterday", None, 400),
    ("GET", "/control/book?day=2026-01-01&client=x", None, 404),
    ("GET", "/control/subscribers?currency=yuan", None, 400),
    ("POST", "/control/subscribers", {}, 400),
    ("POST", "/control/subscribers", {"phone_number": "13912345678"}, 400),
    ("POST", "/control/subscribers", {"phone_number": PHONE, "spending_limit": 5}, 400),
    ("POST", "/control/subscribers", {"phone_number": PHONE, "kind": "NICE"}, 400),
    ("POST", "/control/payments/x/validate", {}, 404),
    ("POST", "/control/payments/x/settle", {"state": "SUCCEEDED"}, 404),
    ("POST", "/control/refunds/x/settle", {"state": "MAYBE"}, 400),
    ("POST", "/control/house", {"token_life_s": 0}, 400),
    ("POST", "/control/house", {"duplicates": "MAYBE"}, 400),
    ("POST", "/control/house", {"extra": 1}, 400),
    ("POST", "/control/tokens", {"client": "x"}, 404),
    ("POST", "/control/tokens/expire", {"extra": 1}, 400),
]


async def test_control_requests_are_read_strictly(customer: Customer) -> None:
    """What names nothing is 404, what is not understood is 400; neither does anything."""
    for method, path, body, status in BAD_REQUESTS:
        reply = await customer.try_control(method, path, body)
        assert reply.status == status, path
        assert set(reply.body) == {"status", "code", "message"}


async def test_every_statement_is_sound_and_used() -> None:
    """Each named statement runs against the schema, and some code names it."""
    connection = sqlite3.connect(":memory:")
    connection.executescript("\n".join(rows.SCHEMA))
    code = "".join(path.read_text() for path in FOLDER.glob("*.py"))
    for name, text in rows.SQL.items():
        connection.execute(f"explain {text}", _Anything())
        pattern = name.replace("payment", "{kind}").replace("refund", "{kind}")
        known = {name, pattern, pattern.replace("{kind}", "{newer.kind_name}")}
        known |= {pattern.replace("{kind}", "{record.kind_name}")}
        known |= {pattern.removesuffix(order) + "{asked.order}" for order in ("asc", "desc")}
        assert any(f'"{known_name}"' in code for known_name in known), f"nobody runs {name}"
    connection.close()


class _Anything(dict[str, int]):
    """Binds every parameter of a statement."""

    def __missing__(self, key: str) -> int:
        return 1
