"""Nobody gets in without the right signature over the very bytes that were sent."""

import asyncio
import json
import time

import pytest

from gateway.emulators.core.wire import BODY_BYTES_MAX
from gateway.emulators.wechat.names import WECHAT
from tests.emulators.v3bench import OTHER_MCHID, Reply, Shop, number, serving
from tests.emulators.wechat import till

TARGET = f"{till.ORDERS}/native"
NATIVE = ("POST", TARGET)


def refused(reply: Reply) -> bool:
    """Whether a request was refused before anybody was proven to ask: unsigned."""
    return (reply.status, reply.code, reply.signed) == (401, "SIGN_ERROR", False)


async def send(shop: Shop, authorization: str | None, raw: bytes = b"", target: str = "") -> Reply:
    """A request with an Authorization header of one's own."""
    headers = {**shop.headers, "Content-Type": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization
    return await shop.send("POST", target or TARGET, raw, headers)


def signed(shop: Shop, raw: bytes, **signing: object) -> str:
    """A good Authorization header for a native order."""
    return shop.merchant.authorization(shop.names.scheme, *NATIVE, raw, **signing)  # type: ignore[arg-type]


async def test_the_five_parts_may_come_in_any_order(shop: Shop) -> None:
    """The order of the parts of the header means nothing."""
    raw = json.dumps(till.order(shop)).encode()
    scheme, _, parts = signed(shop, raw).partition(" ")
    turned = ",".join(reversed(parts.split(",")))
    assert (await send(shop, f"{scheme} {turned}", raw)).status == 200


async def test_nothing_may_be_missing_doubled_or_added(shop: Shop) -> None:
    """Each of the five parts must be there exactly once, and nothing else; so must the header."""
    raw = json.dumps(till.order(shop)).encode()
    scheme, _, text = signed(shop, raw).partition(" ")
    parts = text.split(",")
    spoiled = [",".join(parts[:index] + parts[index + 1 :]) for index in range(5)]
    spoiled += [f"{text},{part}" for part in parts]
    spoiled += [f'{text},extra="1"', text.replace('"', ""), ""]
    for bad in spoiled:
        assert refused(await send(shop, f"{scheme} {bad}", raw)), bad
    assert refused(await send(shop, None, raw))
    assert refused(await send(shop, f"Bearer {text}", raw))
    assert (await shop.summary())["orders"] == 0


async def test_a_header_that_comes_twice_is_refused(shop: Shop) -> None:
    """Two Authorization headers are one too many."""
    raw = json.dumps(till.order(shop)).encode()
    reader, writer = await _connect(shop)
    header = f"Authorization: {signed(shop, raw)}\r\n"
    head = (
        f"POST {TARGET} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nUser-Agent: x\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\nConnection: close\r\n"
    )
    writer.write(f"{head}{header}{header}\r\n".encode() + raw)
    assert (await reader.read()).startswith(b"HTTP/1.1 401")
    writer.close()


async def test_strangers_and_borrowed_serials_are_refused(shop: Shop) -> None:
    """An unknown merchant, an unknown serial, and the serial of another merchant do not pass."""
    raw = json.dumps(till.order(shop)).encode()
    other = shop.as_merchant(OTHER_MCHID).merchant
    for changes in (
        {"mchid": "1999999999"},
        {"serial_no": "0" * 40},
        {"serial_no": other.serial},
        {"mchid": OTHER_MCHID},
        {"mchid": OTHER_MCHID, "serial_no": other.serial},
        {"nonce_str": "x" * 33},
        {"timestamp": "now"},
    ):
        assert refused(await send(shop, signed(shop, raw, **changes), raw)), changes


@pytest.mark.parametrize(
    ("skew_s", "passes"), [(-310, False), (-290, True), (290, True), (310, False)]
)
async def test_the_clock_may_be_five_minutes_wrong(
    shop: Shop, skew_s: int, *, passes: bool
) -> None:
    """A timestamp up to 300 seconds away passes, one further away does not."""
    reply = await shop.ask(*NATIVE, till.order(shop), timestamp=int(time.time()) + skew_s)
    assert passes == (reply.status == 200)
    assert passes or refused(reply)


async def test_virtual_time_does_not_touch_signatures(shop: Shop) -> None:
    """Whoever knows nothing of the virtual clock is understood, and understands."""
    await shop.advance(days=3)
    reply = await till.create(shop)
    assert (reply.status, reply.signed) == (200, True)


async def test_a_nonce_serves_once(shop: Shop) -> None:
    """The same nonce again is a replay, even with another body, even after a restart."""
    nonce = "n" * 32
    assert (await shop.ask(*NATIVE, till.order(shop), nonce=nonce)).status == 200
    assert refused(await shop.ask(*NATIVE, till.order(shop), nonce=nonce))
    shop.stop.set()
    async with serving(shop.keys.parent, WECHAT) as restarted:
        assert refused(await restarted.ask(*NATIVE, till.order(restarted), nonce=nonce))
        other = restarted.as_merchant(OTHER_MCHID)
        assert (await other.ask(*NATIVE, till.order(other), nonce=nonce)).status == 200


async def test_any_byte_that_changes_breaks_the_signature(shop: Shop) -> None:
    """Flip each byte of a signed body in turn: none passes, and nothing is kept."""
    raw = json.dumps(till.order(shop)).encode()
    for index in range(len(raw)):
        altered = raw[:index] + bytes((raw[index] ^ 1,)) + raw[index + 1 :]
        assert refused(await send(shop, signed(shop, raw), altered)), index
    assert (await shop.summary())["orders"] == 0


async def test_the_signature_is_over_the_raw_target_and_body(shop: Shop) -> None:
    """Another path, another query, another spelling of the same JSON: each is refused."""
    of = await till.paid(shop)
    query = f"{till.ORDERS}/out-trade-no/{of}?mchid={shop.merchant.mchid}"
    scheme = shop.names.scheme
    good = shop.merchant.authorization(scheme, "GET", query, b"")
    for sent in (f"{query}&x=1", query.replace(of, number()), query.replace("T", "%54", 1)):
        headers = {**shop.headers, "Authorization": good}
        assert refused(await shop.send("GET", sent, b"", headers)), sent
    raw = json.dumps(till.order(shop)).encode()
    assert refused(await send(shop, signed(shop, raw), raw.replace(b": ", b":")))
    assert refused(await send(shop, signed(shop, raw), raw + b" "))


async def test_an_escaped_path_is_signed_as_sent_and_read_as_meant(shop: Shop) -> None:
    """A number with characters that a path escapes is found under its own spelling."""
    of = f"a|b*{number()[:20]}"
    await till.create(shop, out_trade_no=of)
    target = f"{till.ORDERS}/out-trade-no/a%7Cb%2A{of[4:]}?mchid={shop.merchant.mchid}"
    assert (await shop.ask("GET", target)).body["out_trade_no"] == of


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": None},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Accept": None},
        {"Accept": "text/html"},
        {"User-Agent": None},
        {"User-Agent": ""},
        {"Wechatpay-Serial": "PUB_KEY_ID_00"},
    ],
)
async def test_headers_must_be_right(shop: Shop, headers: dict[str, str | None]) -> None:
    """A wrong or missing content type, Accept, User-Agent or serial is PARAM_ERROR, signed."""
    reply = await shop.ask(*NATIVE, till.order(shop), headers=headers)
    assert (reply.status, reply.code, reply.signed) == (400, "PARAM_ERROR", True)
    assert (await shop.summary())["orders"] == 0


async def test_a_merchant_speaks_for_itself_only(shop: Shop) -> None:
    """The mchid in a body or a query must be the merchant that signed."""
    of = await till.paid(shop)
    wrong = {"mchid": OTHER_MCHID}
    replies = [
        await till.create(shop, mchid=OTHER_MCHID),
        await shop.ask("POST", f"{till.ORDERS}/out-trade-no/{of}/close", wrong),
        await shop.ask("GET", f"{till.ORDERS}/out-trade-no/{of}?mchid={OTHER_MCHID}"),
    ]
    for reply in replies:
        assert (reply.status, reply.code, reply.number) == (400, "INVALID_REQUEST", 268447843)
    missing = await shop.ask("GET", f"{till.ORDERS}/out-trade-no/{of}")
    assert (missing.status, missing.code) == (400, "PARAM_ERROR")


async def test_bodies_are_bounded(shop: Shop) -> None:
    """A body beyond the bound is 413, unread and unsigned."""
    reply = await send(shop, "x", b"x" * (BODY_BYTES_MAX + 1))
    assert (reply.status, reply.code, reply.signed) == (413, "PAYLOAD_TOO_LARGE", False)


async def test_a_wrong_url_is_not_an_unknown_number(shop: Shop) -> None:
    """A path or method that is not served has a code of its own."""
    for method, target in (
        ("GET", "/v3/pay/transaction/out-trade-no/x?mchid=1"),
        ("PUT", TARGET),
        ("GET", TARGET),
        ("POST", f"{TARGET}/"),
    ):
        reply = await shop.ask(method, target)
        assert (reply.status, reply.code, reply.signed) == (404, "NOT_FOUND", True)


async def _connect(shop: Shop) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare connection."""
    host, _, port = shop.url.removeprefix("http://").partition(":")
    return await asyncio.open_connection(host, int(port))
