"""What the bytes of a request alone decide: every rule of the shape, and that nothing forgives."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.emulators.bench import Caller, charge_body, number, payout_body, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOO_LARGE = 65_537
INTEGER_MAX = 2**53 - 1


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Caller]:
    """One sandbox for all of these: what is refused leaves nothing behind."""
    data_dir: Path = tmp_path_factory.mktemp("shape")
    async with serving(data_dir) as caller:
        yield caller


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"amount": "100"}, "amount"),
        ({"amount": 1.0}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": 2**53}, "amount"),
        ({"amount": 10**400}, "amount"),
        ({"currency": "cny"}, "currency"),
        ({"currency": "CNYY"}, "currency"),
        ({"currency": "CN\u0406"}, "currency"),
        ({"currency": "CNY\n"}, "currency"),
        ({"number": "a" * 19}, "number"),
        ({"number": "a" * 33}, "number"),
        ({"number": "a" * 27 + "-"}, "number"),
        ({"number": "\u0661" * 28}, "number"),
        ({"number": 12345678901234567890}, "number"),
        ({"capture": "automatic"}, "capture"),
        ({"capture": ["MANUAL"]}, "capture"),
        ({"description": None}, "description"),
        ({"description": "a" * 1025}, "description"),
        ({"description": "nul\u0000"}, "description"),
        ({"description": "half \ud800 of a pair"}, "description"),
        ({"payer": 7}, "payer"),
        ({"scene": {}}, "scene"),
        ({"expire_time": 1}, "expire_time"),
        ({"expire_time": "2099-01-01"}, "expire_time"),
        ({"notify_url": "/relative"}, "notify_url"),
        ({"notify_url": "ftp://host/x"}, "notify_url"),
        ({"notify_url": "http://"}, "notify_url"),
        ({"notify_url": "http://host:99999/"}, "notify_url"),
        ({"notify_url": "http://host/a b"}, "notify_url"),
        ({"notify_url": "http://host/\u00e4"}, "notify_url"),
        ({"notify_url": "http://user@host/"}, "notify_url"),
        ({"notify_url": "http://host/#part"}, "notify_url"),
        ({"surprise": 1}, "surprise"),
        ({"script": []}, "script"),
        ({"script": {"outcome": "succeed"}}, "script.outcome"),
        ({"script": {"outcome": "ABNORMAL"}}, "script.outcome"),
        ({"script": {"decline_code": "no spaces"}}, "script.decline_code"),
        ({"script": {"action_type": "DANCE"}}, "script.action_type"),
        ({"script": {"fault": "EXPLODE"}}, "script.fault"),
        ({"script": {"fault_count": -1}}, "script.fault_count"),
        ({"script": {"reply_delay_ms": 60_001}}, "script.reply_delay_ms"),
        ({"script": {"forget_count": 1_001}}, "script.forget_count"),
        ({"script": {"notify": 1}}, "script.notify"),
        ({"script": {"notify_count": 0}}, "script.notify_count"),
        ({"script": {"settle_delay_ms": 3_600_001}}, "script.settle_delay_ms"),
        ({"script": {"settle_outcome": "REFUSE"}}, "script.settle_outcome"),
        ({"script": {"pay_after_close": 1}}, "script.pay_after_close"),
        ({"script": {"surprise": 1}}, "script.surprise"),
    ],
)
async def test_a_charge_of_wrong_shape_is_refused(
    sandbox: Caller, fields: dict[str, Any], field: str
) -> None:
    """Each broken rule is INVALID_REQUEST with the name of the field, and keeps nothing."""
    body = charge_body(**fields)
    before = (await sandbox.summary())["charges"]
    reply = await sandbox.ask("POST", "/v1/charges", body)
    assert (reply.status, reply.code) == (400, "INVALID_REQUEST")
    assert reply.body["error"]["field"] == field
    assert reply.is_signed()
    assert (await sandbox.summary())["charges"] == before


@pytest.mark.parametrize("field", ["number", "amount", "currency", "capture"])
async def test_a_missing_field_is_named(sandbox: Caller, field: str) -> None:
    """What is required is required."""
    body = charge_body()
    del body[field]
    reply = await sandbox.ask("POST", "/v1/charges", body)
    assert (reply.status, reply.body["error"]["field"]) == (400, field)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xef\xbb\xbf{}",
        b'{"number":"\xff"}',
        b'{"amount":NaN}',
        b'{"amount":-Infinity}',
        b'{"amount":1,"amount":1}',
        b'{"script":{"fault":"NONE","fault":"BUSY"}}',
        b'{"amount":' + b"1" * 5_000 + b"}",
        b"[" * 60_000,
    ],
)
async def test_what_is_not_a_json_object_is_refused(sandbox: Caller, body: bytes) -> None:
    """Broken, ambiguous or hostile JSON is INVALID_REQUEST, never a crash."""
    headers = {"Content-Type": "application/json"}
    reply = await sandbox.ask("POST", "/v1/charges", body, headers=headers)
    assert (reply.status, reply.code) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_only_json_is_taken(sandbox: Caller, kind: str) -> None:
    """A body that does not say that it is JSON is refused."""
    body, headers = charge_body(), {"Content-Type": kind}
    reply = await sandbox.ask("POST", "/v1/charges", body, headers=headers)
    assert (reply.status, reply.body["error"]["field"]) == (400, "Content-Type")


async def test_a_charset_may_be_named(sandbox: Caller) -> None:
    """UTF-8 may be said aloud."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    reply = await sandbox.ask("POST", "/v1/charges", charge_body(), headers=headers)
    assert reply.status == 200


async def test_a_body_is_bounded(sandbox: Caller) -> None:
    """64 KiB may be sent, one byte more is 413 before anything else is looked at."""
    body = b" " * TOO_LARGE
    reply = await sandbox.send("POST", "/v1/charges", body, {})
    assert (reply.status, reply.code) == (413, "PAYLOAD_TOO_LARGE")
    assert (await sandbox.send("POST", "/v1/charges", body[:-1], {})).status == 401


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/v1/charges", None),
        ("PUT", "/v1/charges", charge_body()),
        ("DELETE", f"/v1/charges/{number()}", None),
        ("GET", f"/v1/charges/{number()}?verbose=1", None),
        ("POST", "/v1/charges?verbose=1", charge_body()),
        ("GET", "/v1/charges/short", None),
        ("GET", f"/v1/charges/{number()}/close", None),
        ("POST", "/v1/charges/a%2Fb/close", {}),
        ("POST", f"/v1/charges/{number()}/close", {"reason": "none"}),
        ("GET", f"/v1/charges/{number()}", {}),
        ("GET", "/v1/refunds/", None),
        ("GET", "/v1/payouts", None),
        ("PUT", "/v1/payouts", payout_body()),
        ("GET", f"/v1/payouts/{number()}/close", None),
        ("POST", f"/v1/payouts/{number()}/close", {"reason": "none"}),
        ("POST", "/v1/payouts/short/close", {}),
        ("POST", f"/v1/refunds/{number()}/close", {}),
        ("POST", f"/v1/captures/{number()}/close", {}),
        ("POST", "/v1/captures", {}),
        ("GET", "/v1/payments", None),
    ],
)
async def test_what_is_not_served_is_not_an_unknown_number(
    sandbox: Caller, method: str, target: str, body: Any
) -> None:
    """A wrong path, method, parameter or body is INVALID_REQUEST, never NOT_FOUND."""
    reply = await sandbox.ask(method, target, body)
    assert (reply.status, reply.code) == (400, "INVALID_REQUEST")
    assert reply.is_signed()


@pytest.mark.parametrize(
    "wrong", [{"final": 1}, {"final": None}, {"currency": "1"}, {"reason": ""}]
)
async def test_a_capture_of_wrong_shape_is_refused(sandbox: Caller, wrong: dict[str, Any]) -> None:
    """Captures are read as strictly as charges."""
    reply = await sandbox.capture(number(), **wrong)
    assert (reply.status, reply.body["error"]["field"]) == (400, next(iter(wrong)))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"charge_number": "x"}, "charge_number"),
        ({"amount": "1"}, "amount"),
        ({"final": True}, "final"),
        ({"script": {"outcome": "REQUIRE_ACTION"}}, "script.outcome"),
    ],
)
async def test_a_refund_of_wrong_shape_is_refused(
    sandbox: Caller, wrong: dict[str, Any], field: str
) -> None:
    """Refunds are read as strictly as charges."""
    reply = await sandbox.refund(number(), **wrong)
    assert (reply.status, reply.body["error"]["field"]) == (400, field)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"number": "x"}, "number"),
        ({"amount": 0}, "amount"),
        ({"amount": "1"}, "amount"),
        ({"amount": 2**53}, "amount"),
        ({"currency": "yuan"}, "currency"),
        ({"payee": ""}, "payee"),
        ({"payee": None}, "payee"),
        ({"payee": 7}, "payee"),
        ({"payee": "p" * 257}, "payee"),
        ({"payee": "nul\u0000"}, "payee"),
        ({"description": "a" * 1025}, "description"),
        ({"notify_url": "/relative"}, "notify_url"),
        ({"capture": "AUTOMATIC"}, "capture"),
        ({"charge_number": number()}, "charge_number"),
        ({"expire_time": INTEGER_MAX}, "expire_time"),
        ({"script": {"outcome": "REQUIRE_ACTION"}}, "script.outcome"),
        ({"script": {"outcome": "ABNORMAL"}}, "script.outcome"),
        ({"script": {"surprise": 1}}, "script.surprise"),
    ],
)
async def test_a_payout_of_wrong_shape_is_refused(
    sandbox: Caller, wrong: dict[str, Any], field: str
) -> None:
    """Payouts are read as strictly as charges, and have no field of theirs."""
    before = (await sandbox.summary())["payouts"]
    reply = await sandbox.payout(**wrong)
    assert (reply.status, reply.body["error"]["field"]) == (400, field)
    assert reply.is_signed()
    assert (await sandbox.summary())["payouts"] == before


@pytest.mark.parametrize("field", ["number", "amount", "currency", "payee"])
async def test_a_missing_field_of_a_payout_is_named(sandbox: Caller, field: str) -> None:
    """Nobody is paid by a request that leaves anything open."""
    body = payout_body()
    del body[field]
    reply = await sandbox.ask("POST", "/v1/payouts", body)
    assert (reply.status, reply.body["error"]["field"]) == (400, field)


async def test_the_limits_themselves_are_allowed(sandbox: Caller) -> None:
    """The largest amount, the longest texts and every optional field pass."""
    fields = {
        "number": "a" * 20,
        "amount": INTEGER_MAX,
        "description": "\u732b" * 1024,
        "payer": "p" * 256,
        "scene": "",
        "expire_time": INTEGER_MAX,
        "notify_url": "https://[::1]:8443/n%20x?y=%2F",
        "script": {"notify": "NONE", "fault_count": 0, "settle_delay_ms": 0},
    }
    reply = await sandbox.charge(**fields)
    assert reply.status == 200
    assert reply.body["captured"] == INTEGER_MAX
    assert (await sandbox.charge(number="b" * 32, amount=1)).status == 200
