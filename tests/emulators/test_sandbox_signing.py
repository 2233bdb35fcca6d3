"""Who may speak to the sandbox, and what its replies prove."""

import asyncio
import secrets
import time
from pathlib import Path

import pytest

from tests.emulators.bench import (
    KEY,
    OTHER_KEY,
    Caller,
    charge_body,
    number,
    request_headers,
    serving,
)

PATH = "/v1/charges"


async def test_a_signed_request_gets_a_reply_signed_for_it(sandbox: Caller) -> None:
    """A reply proves that it answers this very request."""
    reply = await sandbox.charge()
    assert reply.status == 200
    assert reply.is_signed()


async def test_errors_after_authentication_are_signed(sandbox: Caller) -> None:
    """A refusal of a known caller is as well proven as a success."""
    for reply in (
        await sandbox.query("charge", number()),
        await sandbox.charge(amount=0),
        await sandbox.ask("GET", "/v1/nowhere"),
    ):
        assert reply.status in (400, 404)
        assert reply.is_signed()


@pytest.mark.parametrize("part", ["method", "target", "timestamp", "nonce", "body", "signature"])
async def test_every_signed_byte_counts(sandbox: Caller, part: str) -> None:
    """Changing one byte of anything that is signed makes the request nobody's."""
    body = f'{{"number":"{number()}","amount":1,"currency":"CNY","capture":"MANUAL"}}'.encode()
    headers = request_headers("POST", PATH, body) | {"Content-Type": "application/json"}
    method, target = "POST", PATH
    match part:
        case "method":
            method = "PUT"
        case "target":
            target += "?a=1"
        case "timestamp":
            headers["Sandbox-Timestamp"] = str(int(headers["Sandbox-Timestamp"]) + 1)
        case "nonce":
            headers["Sandbox-Nonce"] = secrets.token_hex(16)
        case "body":
            body = body.replace(b'"amount":1', b'"amount":2')
        case "signature":
            first = headers["Sandbox-Signature"][0]
            changed = "0" if first != "0" else "1"
            headers["Sandbox-Signature"] = changed + headers["Sandbox-Signature"][1:]
    reply = await sandbox.send(method, target, body, headers)
    assert (reply.status, reply.code) == (401, "UNAUTHENTICATED")
    assert "Sandbox-Signature" not in reply.headers
    assert (await sandbox.summary())["charges"] == 0


async def test_the_body_is_signed_as_bytes(sandbox: Caller) -> None:
    """JSON of the same meaning in other bytes is not what was signed."""
    body = f'{{"number":"{number()}","amount":1,"currency":"CNY","capture":"MANUAL"}}'.encode()
    headers = request_headers("POST", PATH, body) | {"Content-Type": "application/json"}
    assert (await sandbox.send("POST", PATH, body + b" ", headers)).status == 401
    assert (await sandbox.send("POST", PATH, body, headers)).status == 200


@pytest.mark.parametrize(
    "signing",
    [
        {"account": "stranger"},
        {"key": b"a key that the sandbox never saw"},
        {"nonce": "tooshort"},
        {"nonce": "a" * 65},
        {"nonce": "with-a-dash-in-the-middle"},
    ],
)
async def test_strangers_are_refused(sandbox: Caller, signing: dict[str, object]) -> None:
    """A wrong account, key, time or nonce is refused, whatever else is right."""
    reply = await sandbox.ask("POST", PATH, charge_body(), **signing)
    assert (reply.status, reply.code) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(("skew_s", "status"), [(-302, 401), (-298, 200), (298, 200), (302, 401)])
async def test_clocks_may_differ_a_little(sandbox: Caller, skew_s: int, status: int) -> None:
    """Up to 300 seconds of skew are tolerated, either way, and no more."""
    reply = await sandbox.ask("POST", PATH, charge_body(), timestamp=int(time.time()) + skew_s)
    assert reply.status == status


@pytest.mark.parametrize(
    "name", ["Sandbox-Account", "Sandbox-Timestamp", "Sandbox-Nonce", "Sandbox-Signature"]
)
async def test_each_header_is_there_exactly_once(sandbox: Caller, name: str) -> None:
    """A missing header is refused, and one that is there twice is refused too."""
    target = f"/v1/charges/{number()}"
    headers = request_headers("GET", target, b"")
    missing = {key: value for key, value in headers.items() if key != name}
    assert (await sandbox.send("GET", target, b"", missing)).status == 401

    lines = [f"{key}: {value}" for key, value in headers.items()]
    twice = [*lines, f"{name}: {headers[name]}", "Host: sandbox", "Connection: close"]
    assert await _raw_status(sandbox, f"GET {target} HTTP/1.1", twice) == 401
    once = [*lines, "Host: sandbox", "Connection: close"]
    assert await _raw_status(sandbox, f"GET {target} HTTP/1.1", once) == 404


async def test_a_nonce_works_once(sandbox: Caller) -> None:
    """A recorded request, sent again to the byte, is refused, and does nothing."""
    body = f'{{"number":"{number()}","amount":1,"currency":"CNY","capture":"MANUAL"}}'.encode()
    headers = request_headers("POST", PATH, body) | {"Content-Type": "application/json"}
    assert (await sandbox.send("POST", PATH, body, headers)).status == 200
    again = await sandbox.send("POST", PATH, body, headers)
    assert (again.status, again.code) == (401, "UNAUTHENTICATED")
    assert (await sandbox.summary())["requests"] == {"POST /v1/charges": 1}


async def test_a_nonce_is_used_up_by_a_refused_request_too(sandbox: Caller) -> None:
    """What was refused as malformed cannot be replayed either."""
    nonce = secrets.token_hex(16)
    assert (await sandbox.ask("POST", PATH, {}, nonce=nonce)).status == 400
    assert (await sandbox.ask("POST", PATH, charge_body(), nonce=nonce)).status == 401


async def test_concurrent_replays_pass_once(sandbox: Caller) -> None:
    """Of many copies of one request that race, one is answered."""
    nonce, body = secrets.token_hex(16), charge_body()
    replies = await asyncio.gather(
        *(sandbox.ask("POST", PATH, body, nonce=nonce) for _ in range(10))
    )
    assert sorted(reply.status for reply in replies) == [200] + [401] * 9


async def test_nonces_survive_a_restart(tmp_path: Path) -> None:
    """A restart does not open the door to replays."""
    nonce = secrets.token_hex(16)
    async with serving(tmp_path) as sandbox:
        assert (await sandbox.ask("POST", PATH, charge_body(), nonce=nonce)).status == 200
    async with serving(tmp_path) as sandbox:
        assert (await sandbox.ask("POST", PATH, charge_body(), nonce=nonce)).status == 401


async def test_keys_can_be_rotated(sandbox: Caller) -> None:
    """Old and new key are accepted at once, and each caller is answered under its own."""
    for key in (KEY, OTHER_KEY):
        reply = await sandbox.ask("POST", PATH, charge_body(), key=key)
        assert reply.status == 200
        assert reply.is_signed(key)


async def test_a_compressed_body_is_not_unpacked(sandbox: Caller) -> None:
    """The signature is over the bytes as received, so nothing may change them on the way in."""
    reply = await sandbox.ask("POST", PATH, charge_body(), headers={"Content-Encoding": "gzip"})
    assert reply.status == 200


@pytest.mark.parametrize(
    "settings", [{"keys": []}, {"keys": [b"fifteen bytes.."]}, {"account": "with space"}]
)
async def test_weak_settings_do_not_start(tmp_path: Path, settings: dict[str, object]) -> None:
    """No key, a short key or an impossible account stops the start with a sentence."""
    with pytest.raises(ValueError, match="The sandbox"):
        async with serving(tmp_path, **settings):
            pass


async def _raw_status(sandbox: Caller, line: str, headers: list[str]) -> int:
    host, port = sandbox.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write("\r\n".join([line, *headers, "", ""]).encode())
    status = (await reader.readline()).split()[1]
    await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(status)
