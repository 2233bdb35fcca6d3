"""Who may ask: the signature over what came over the wire, and the gateway's own checks."""

import json
import time
from pathlib import Path
from urllib.parse import quote, urlencode

import aiohttp
import pytest

from gateway.emulators.alipay.authentication import authenticate
from gateway.emulators.alipay.errors import Unproven
from gateway.emulators.alipay.form import Unreadable, read_form
from gateway.emulators.alipay.keyfiles import KeyFiles
from gateway.emulators.alipay.settings import describe
from tests.emulators.alipay import till
from tests.emulators.alipay.merchant import GATEWAY, OTHER_APP_ID, Shop, beijing, node_of, sign_text

QUERY = "alipay.trade.query"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("place", ["body", "query", "split", "get"])
async def test_parameters_may_stand_in_the_query_or_in_the_body(shop: Shop, place: str) -> None:
    """All in the one, all in the other, or shared; what counts is the signature over all."""
    of = await till.paid(shop)
    parameters = shop.parameters(QUERY, {"out_trade_no": of})
    if place == "get":
        reply = await shop.send("GET", f"{GATEWAY}?{urlencode(parameters)}", b"", {})
        assert json.loads(reply.raw)[node_of(QUERY)]["trade_status"] == "TRADE_SUCCESS"
        return
    in_query = dict(parameters) if place == "query" else {}
    if place == "split":
        in_query = {name: parameters[name] for name in ("app_id", "method", "sign")}
    in_body = {name: value for name, value in parameters.items() if name not in in_query}
    reply = await shop.post(urlencode(in_query), urlencode(in_body), node_of(QUERY))
    assert (reply.content["trade_status"], reply.signed) == ("TRADE_SUCCESS", True)


async def test_every_byte_of_a_signed_request_counts(made_keys: Path) -> None:
    """A request in which any one byte is another proves nobody; as it is, it proves the app."""
    files = KeyFiles(made_keys)
    keys = files.read()
    async with aiohttp.ClientSession() as session:
        shop = Shop("", describe(files, keys, min(keys.apps)), session)
        raw = urlencode(shop.parameters(QUERY, {"out_trade_no": "T1"})).encode()
    caller = authenticate(keys, read_form(GATEWAY, raw, FORM))
    assert caller.app.app_id == min(keys.apps)
    for place, byte in enumerate(raw):
        changed = raw[:place] + bytes((byte ^ 1,)) + raw[place + 1 :]
        with pytest.raises((Unproven, Unreadable)):
            authenticate(keys, read_form(GATEWAY, changed, FORM))


STRANGERS: list[tuple[dict[str, str | None], str, str]] = [
    ({"app_id": None}, "40001", "isv.missing-app-id"),
    ({"sign_type": None}, "40001", "isv.missing-signature-type"),
    ({"app_id": "2021999999999999"}, "40002", "isv.invalid-app-id"),
    ({"app_id": OTHER_APP_ID}, "40002", "isv.invalid-signature"),
    ({"sign_type": "RSA"}, "40002", "isv.invalid-signature-type"),
]


async def test_who_is_not_proven_is_answered_unsigned(shop: Shop) -> None:
    """Nobody, a stranger, another app's name, another way to sign: an error without signature."""
    for change, code, sub_code in STRANGERS:
        reply = await shop.ask(QUERY, {"out_trade_no": "x"}, **change)
        assert (reply.status, reply.node) == (200, "error_response")
        assert (reply.code, reply.sub_code, reply.signed) == (code, sub_code, False)
        assert "sign" not in reply.body
    assert (await shop.summary())["requests"] == {}


async def test_what_is_sent_must_be_what_was_signed(shop: Shop) -> None:
    """Changed, added, missing, without a signature, over another string: all the same."""
    good = shop.parameters(QUERY, {"out_trade_no": "x"})
    unsigned = {name: value for name, value in good.items() if name != "sign"}
    attempts = [
        good | {"biz_content": '{"out_trade_no":"y"}'},
        good | {"notify_url": "http://127.0.0.1/n"},
        {name: value for name, value in good.items() if name != "format"},
        good | {"sign": shop.sign(sign_text(unsigned, "sign_type"))},
        good | {"sign": good["sign"][:-4] + "AAA="},
        good | {"sign": "not base64!"},
    ]
    for attempt in attempts:
        reply = await shop.post("", urlencode(attempt))
        assert reply.sub_code == "isv.invalid-signature", attempt
    reply = await shop.post("", urlencode(unsigned))
    assert (reply.code, reply.sub_code) == ("40001", "isv.missing-signature")
    plus = urlencode(good).replace("%2B", "+")  # a plus that was not encoded is a space
    if "+" in good["sign"]:
        assert (await shop.post("", plus)).sub_code == "isv.invalid-signature"


ADDED = (
    "&app_id=2021000000000001",
    "&%zz=1",
    "&a=%f",
    "&a=%ff",
    "&a",
    "&=1",
    "".join(f"&a{i}=1" for i in range(60)),
)


async def test_a_form_is_read_strictly(shop: Shop) -> None:
    """A name twice, broken escapes, no UTF-8, no value, no name, too many: refused unread."""
    form = urlencode(shop.parameters(QUERY, {"out_trade_no": "x"}))
    for added in ADDED:
        reply = await shop.post("", form + added)
        assert (reply.sub_code, reply.signed) == ("isv.invalid-parameter", False), added
    twice = await shop.post("app_id=2021000000000001", form)
    assert twice.sub_code == "isv.invalid-parameter"


REFUSED: list[tuple[dict[str, str | None], str, str]] = [
    ({"method": "alipay.trade.dance"}, "40002", "isv.invalid-method"),
    ({"method": None}, "40001", "isv.missing-method"),
    ({"timestamp": None}, "40001", "isv.missing-timestamp"),
    ({"version": "2.0"}, "40002", "isv.invalid-version"),
    ({"charset": "gbk"}, "40002", "isv.invalid-charset"),
    ({"format": "XML"}, "40002", "isv.invalid-format"),
    ({"timestamp": "2026-02-30 10:00:00"}, "40002", "isv.invalid-timestamp"),
    ({"notify_url": "ftp://a/b"}, "40002", "isv.invalid-parameter"),
    ({"ext_user_info": "{}"}, "40002", "isv.invalid-parameter"),
    ({"app_auth_token": "x"}, "20001", "aop.invalid-app-auth-token"),
]


async def test_a_proven_caller_is_refused_with_a_signature(shop: Shop) -> None:
    """What the gateway itself does not take is said in its own codes, signed."""
    for change, code, sub_code in REFUSED:
        reply = await shop.ask(QUERY, {"out_trade_no": "x"}, **change)
        assert (reply.code, reply.sub_code, reply.signed) == (code, sub_code, True)


async def test_a_timestamp_may_be_five_minutes_away(shop: Shop) -> None:
    """In real time, whatever virtual time is."""
    await shop.advance(days=3)
    for skew_s, fresh in ((-270, True), (270, True), (-330, False), (330, False)):
        stamp = beijing(time.time() + skew_s)
        reply = await shop.ask(QUERY, {"out_trade_no": "x"}, timestamp=stamp)
        expected = "ACQ.TRADE_NOT_EXIST" if fresh else "isv.invalid-timestamp"
        assert (reply.sub_code, reply.signed) == (expected, True)


async def test_certificates_are_named_on_both_sides(shop: Shop) -> None:
    """A request that names SNs is answered with that of the key that signs; wrong ones are not."""
    shop.certified = True
    reply = await till.pay(shop)
    assert (reply.code, reply.signed) == ("10000", True)
    assert list(reply.body) == [reply.node, "alipay_cert_sn", "sign"]
    for name, sub_code in (
        ("app_cert_sn", "isv.invalid-app-cert-sn"),
        ("alipay_root_cert_sn", "isv.invalid-root-cert-sn"),
    ):
        for wrong in ("0" * 32, None):
            refused = await shop.ask(QUERY, {"out_trade_no": "x"}, **{name: wrong})
            assert (refused.sub_code, refused.signed) == (sub_code, False)


async def test_only_the_gateway_is_served(shop: Shop) -> None:
    """Another address is nothing, and another kind of body is not read."""
    form = urlencode(shop.parameters(QUERY, {"out_trade_no": "x"})).encode()
    assert (await shop.send("POST", "/gateway", form, {"Content-Type": FORM})).status == 404
    assert (await shop.send("PUT", GATEWAY, form, {"Content-Type": FORM})).status == 405
    other = await shop.send("POST", GATEWAY, form, {"Content-Type": "text/plain"})
    assert json.loads(other.raw)["error_response"]["sub_code"] == "isv.invalid-parameter"
    large = b"a=" + b"x" * 70_000
    assert (await shop.send("POST", GATEWAY, large, {"Content-Type": FORM})).status == 413


async def test_the_same_request_again_is_the_same_request(shop: Shop) -> None:
    """There is no nonce: byte for byte the same is taken again, and pays nothing twice."""
    body = {"scene": "bar_code", "auth_code": till.BARCODE} | till.order()
    form = urlencode(shop.parameters("alipay.trade.pay", body), quote_via=quote)
    node = node_of("alipay.trade.pay")
    first, again = [await shop.post("", form, node) for _ in range(2)]
    assert (first.code, again.sub_code) == ("10000", "ACQ.TRADE_HAS_SUCCESS")
    assert await shop.moved() == {"charge": 100}
