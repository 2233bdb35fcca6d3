"""The same protocol with Douyin's names: scheme, headers, paths, labels, shapes."""

import base64
import gzip
import hashlib
import secrets
import time
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.emulators.bench import Receiver
from tests.emulators.douyin import stall
from tests.emulators.v3bench import Shop, number


async def test_the_scheme_and_the_headers_have_their_own_names(shop: Shop) -> None:
    """DouyinPay-RSA asks, Douyinpay-* answers; WeChat's scheme is nobody here."""
    reply = await stall.create(shop)
    assert (reply.status, reply.signed) == (200, True)
    assert {name for name in reply.headers if name.startswith("Douyinpay-")} == {
        "Douyinpay-Timestamp",
        "Douyinpay-Nonce",
        "Douyinpay-Signature",
        "Douyinpay-Serial",
    }
    assert not any(name.startswith("Wechatpay") for name in reply.headers)
    target = f"{stall.ORDERS}/native"
    scheme = "WECHATPAY2-SHA256-RSA2048"
    headers = {
        **shop.headers,
        "Authorization": shop.merchant.authorization(scheme, "POST", target, b""),
    }
    assert (await shop.send("POST", target, b"", headers)).status == 401


@pytest.mark.parametrize(
    ("way", "more", "member"),
    [
        ("native", {}, "code_url"),
        ("jsapi", {"payer": {"openid": "_000aBc"}}, "prepay_id"),
        ("app", {}, "prepay_id"),
        (
            "h5",
            {"scene_info": {"payer_client_ip": "::1", "h5_info": {"type": "Wap"}}},
            "h5_url",
        ),
    ],
)
async def test_orders_have_their_own_paths(
    shop: Shop, way: str, more: dict[str, object], member: str
) -> None:
    """Each way to pay is under /v1/trade/transactions; there is no payment by code."""
    assert list((await stall.create(shop, way, **more)).body) == [member]
    assert (await stall.create(shop, "codepay")).code == "NOT_FOUND"


async def test_a_payment_is_told_with_hyphens(shop: Shop, receiver: Receiver) -> None:
    """The label of the sealed resource is AEAD-AES-256-GCM; the rest is as everywhere."""
    of = await stall.paid(shop, notify_url=f"{receiver.url}/n")
    [received] = await receiver.wait_for(1)
    event = shop.open(received)
    assert event.verified
    assert event.envelope["resource"]["algorithm"] == "AEAD-AES-256-GCM"
    assert event.envelope["event_type"] == "TRANSACTION.SUCCESS"
    assert event.told == await stall.query(shop, of)
    assert event.told["trade_state"] == "SUCCESS"


async def test_a_refund_may_name_its_merchant(shop: Shop, receiver: Receiver) -> None:
    """Unlike at WeChat, appid and mchid are fields of a refund, but must be one's own."""
    of, refund = await stall.paid(shop), number()
    url = f"{receiver.url}/r"
    reply = await stall.refund(shop, of, 60, out_refund_no=refund, notify_url=url)
    assert (reply.status, reply.body["status"]) == (200, "PROCESSING")
    [received] = await receiver.wait_for(1)
    assert shop.open(received).told["refund_status"] == "SUCCESS"
    found = await shop.ask("GET", f"{stall.REFUNDS}/{refund}")
    assert found.body["status"] == "SUCCESS"
    await shop.advance(minutes=1)
    wrong = await stall.refund(shop, of, 1, mchid="1900000110")
    assert (wrong.status, wrong.code) == (400, "INVALID_REQUEST")
    assert await shop.moved() == {"charge": 100, "refund": 60, "return": 0}


async def test_certificates_have_their_own_shape(shop: Shop) -> None:
    """A list with cert_no, cert_type and cipher_text, sealed without associated data."""
    target = "/v1/merchant/certificates/getPlatformCertificates"
    first, second = await shop.ask("GET", target), await shop.ask("GET", target)
    assert (first.signed, second.signed) == (False, True)
    [entry] = first.body["certificates"]
    sealed = entry["encrypt_certificate"]
    assert (entry["cert_type"], sealed["algorithm"]) == ("RSA", "AEAD-AES-256-GCM")
    cipher = AESGCM(shop.merchant.api_v3_key)
    pem = cipher.decrypt(sealed["nonce"].encode(), base64.b64decode(sealed["cipher_text"]), b"")
    certificate = x509.load_pem_x509_certificate(pem)
    assert (
        entry["cert_no"]
        == f"{certificate.serial_number:040X}"
        == second.headers["Douyinpay-Serial"]
    )


async def test_there_is_one_key_mode_and_no_probe(shop: Shop) -> None:
    """Platform certificates only; what only WeChat does cannot be asked for."""
    assert (await shop.control("GET", "/control/keys"))["mode"] == "CERTIFICATE"
    body = {"mode": "PUBLIC_KEY"}
    assert (await shop.try_control("POST", "/control/keys/mode", body)).status == 400
    rule = {"fault": {"name": "SIGNTEST"}}
    assert (await shop.try_control("POST", "/control/rules", rule)).status == 400
    play = {"play": {"notify": "SIGNTEST"}}
    assert (await shop.try_control("POST", "/control/rules", play)).status == 400


async def test_a_front_end_calls_up_with_its_own_words(shop: Shop) -> None:
    """The sign type of a web page is DouyinPay-RSA, the package of an app Sign=DYPay."""
    prepay_id = (await stall.create(shop, "jsapi", payer={"openid": "o"})).body["prepay_id"]
    lines = (
        shop.merchant.appid,
        str(int(time.time())),
        secrets.token_hex(8),
        f"prepay_id={prepay_id}",
    )
    names = ("appId", "timeStamp", "nonceStr", "package")
    call_up = dict(zip(names, lines, strict=True))
    call_up["paySign"] = shop.merchant.sign("".join(f"{line}\n" for line in lines).encode())
    for sign_type, status in (("RSA", 400), ("DouyinPay-RSA", 200)):
        body = {"call_up": call_up | {"signType": sign_type}}
        assert (await shop.try_control("POST", "/control/scan", body)).status == status


async def test_the_bill_is_packed_and_adds_up(shop: Shop) -> None:
    """GZIP is a must, the hash is over the text, the sums are the book's."""
    await shop.jump_to(9)
    now = datetime.fromisoformat((await shop.control("GET", "/control/clock"))["time"])
    day = (now + timedelta(hours=8)).date().isoformat()
    of = await stall.paid(shop)
    await stall.paid(shop, amount={"total": 1_234, "currency": "CNY"})
    await stall.refund(shop, of, 30)
    await shop.advance(seconds=1)
    await shop.jump_to(10)
    base = f"/v1/bill/billapply?mchid={shop.merchant.mchid}&bill_date={day}&bill_type=TRADE"
    assert (await shop.ask("GET", base)).code == "PARAM_ERROR"
    view = (await shop.ask("GET", f"{base}&tar_type=GZIP")).body
    reply = await shop.ask("GET", view["download_url"].removeprefix(shop.url))
    assert reply.headers["Content-Type"] == "application/gzip"
    text = gzip.decompress(reply.raw)
    assert hashlib.sha1(text).hexdigest() == view["hash_value"]
    rows = [row.removeprefix("`").split(",`") for row in text.decode().splitlines()]
    charged = sum(Decimal(row[24]) for row in rows[1:-2])
    given = sum(Decimal(row[16]) for row in rows[1:-2])
    book = await shop.control("GET", f"/control/book?day={day}")
    assert charged * 100 == book["charge"]["amount"] == 1_334
    assert given * 100 == book["refund"]["amount"] == 30
    late = (await shop.ask("GET", f"{base}&tar_type=GZIP")).body
    await shop.advance(seconds=299)
    again = (await shop.ask("GET", f"{base}&tar_type=GZIP")).body
    await shop.advance(seconds=2)
    assert (await shop.ask("GET", late["download_url"].removeprefix(shop.url))).status == 404
    assert (await shop.ask("GET", again["download_url"].removeprefix(shop.url))).status == 200
