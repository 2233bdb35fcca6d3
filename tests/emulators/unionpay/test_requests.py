"""What may arrive: a form, signed by the merchant it names, with the fields of its list only."""

import base64
import hashlib
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.emulators.unionpay.till import (
    APP,
    BACK,
    BEIJING,
    FILE,
    FORM,
    OTHER_MER_ID,
    QUERY,
    Merchant,
    Till,
    number,
    present,
    sign_text,
)

QUERY_ID = "1" * 21


async def test_a_good_request_is_answered_signed(till: Till) -> None:
    """An answer repeats what it is about, carries its certificate, and is unencoded text."""
    asked = till.payment(reqReserved="order 7", encoding="utf-8", payTimeout=present(minutes=9))
    reply = await till.ask(APP, asked)
    assert (reply.status, reply.complaint, reply.code) == (200, None, "00")
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    repeated = ("merId", "orderId", "txnTime", "txnType", "txnSubType", "bizType", "reqReserved")
    assert {n: reply.fields[n] for n in repeated} == {n: asked[n] for n in repeated}
    assert reply.fields["encoding"] == "utf-8"
    assert reply.fields["respMsg"] == "成功[0000000]"
    assert "-----BEGIN CERTIFICATE-----\r\n" in reply.fields["signPubKeyCert"]
    assert reply.raw.decode().rpartition("&")[2].startswith("signature=")


async def test_the_signature_is_of_the_hexadecimal_text(till: Till) -> None:
    """One hash instead of two, or the digest's bytes, or SHA-1 as of old, is no signature."""
    asked = till.payment()
    text = sign_text(asked).encode()
    old = hashlib.sha1(text).hexdigest().encode()
    upper = hashlib.sha256(text).hexdigest().upper().encode()
    wrong = [(text, hashes.SHA256()), (hashlib.sha256(text).digest(), hashes.SHA256())]
    for message, algorithm in [*wrong, (upper, hashes.SHA256()), (old, hashes.SHA1())]:
        raw = till.merchant.key.sign(message, padding.PKCS1v15(), algorithm)
        signed = {**asked, "signature": base64.b64encode(raw).decode()}
        reply = await till.send(APP, urlencode(signed).encode())
        assert (read_code(reply.raw), reply.complaint) == ("11", "unsigned")
    assert (await till.summary())["orders"] == 0


def read_code(raw: bytes) -> str:
    """The code of an answer that need not be signed."""
    return next(p.removeprefix("respCode=") for p in raw.decode().split("&") if "respCode=" in p)


async def test_nobody_signs_for_another(till: Till) -> None:
    """A certId of another merchant, or its key under one's own name, is refused unsigned."""
    stranger = Merchant.of(till.keys, OTHER_MER_ID)
    for change in ({"certId": stranger.cert_id}, {"merId": OTHER_MER_ID}):
        reply = await till.ask(APP, till.payment(**change))
        assert (read_code(reply.raw), reply.signed) == ("11", False)
    till.merchant = Merchant(till.merchant.mer_id, till.merchant.cert_id, stranger.key)
    assert read_code((await till.app()).raw) == "11"


@pytest.mark.parametrize("kind", ["", "application/json", f"{FORM}; charset=gbk", "text/plain"])
async def test_a_request_is_a_form(till: Till, kind: str) -> None:
    """Whatever the bytes, another content type is refused."""
    raw = urlencode(till.merchant.sign(till.payment())).encode()
    headers = {"Content-Type": kind} if kind else {}
    reply = await till.request("POST", APP, raw, headers)
    assert read_code(reply.raw) == "10"
    assert (await till.send(APP, raw, f"{FORM};charset=UTF-8")).code == "00"


async def test_only_four_paths_are_served(till: Till) -> None:
    """Another path, a query, or another method is 404, so that a wrong URL is found at once."""
    raw = urlencode(till.merchant.sign(till.payment())).encode()
    for path in ("/gateway/api/frontTransReq.do", f"{APP}?a=1", "/gateway/api"):
        assert (await till.send(path, raw)).status == 404
    for path in (APP, BACK, QUERY, FILE):
        assert (await till.request("GET", path)).status == 404
    assert (await till.send(APP, b"x" * 70_000)).status == 413


async def test_types_belong_to_their_path(till: Till) -> None:
    """An operation is asked where it is served, and nowhere else."""
    table = [
        (BACK, till.payment("00", txnSubType="00")),
        (QUERY, till.payment()),
        (APP, till.payment("04", txnSubType="00", origQryId=QUERY_ID)),
        (APP, till.payment("01", txnSubType="03")),
        (BACK, till.payment("77")),
        (FILE, till.payment()),
    ]
    for path, asked in table:
        reply = await till.ask(path, asked)
        assert (reply.signed, reply.code) == (True, "10"), asked


PAYMENTS = [
    ({"orderId": "short"}, "10"),
    ({"orderId": "with-dash-123"}, "10"),
    ({"orderId": "with_underscore"}, "10"),
    ({"orderId": "x" * 33}, "10"),
    ({"orderId": ""}, "13"),
    ({"txnAmt": "0"}, "10"),
    ({"txnAmt": "0100"}, "10"),
    ({"txnAmt": "1.00"}, "10"),
    ({"txnAmt": "-1"}, "10"),
    ({"txnAmt": "1" * 13}, "10"),
    ({"txnAmt": ""}, "13"),
    ({"currencyCode": "840"}, "10"),
    ({"currencyCode": ""}, "13"),
    ({"backUrl": "ftp://a/b"}, "10"),
    ({"backUrl": "nowhere"}, "10"),
    ({"backUrl": ""}, "13"),
    ({"channelType": "09"}, "10"),
    ({"bizType": "000000"}, "10"),
    ({"accessType": "1"}, "10"),
    ({"txnTime": "20261301000000"}, "10"),
    ({"txnTime": "2026-01-01"}, "10"),
    ({"payTimeout": "20200101000000"}, "10"),
    ({"reqReserved": "a=b"}, "10"),
    ({"customerInfo": "{phoneNo=1}"}, "10"),
    ({"riskRateInfo": "x"}, "10"),
    ({"origQryId": QUERY_ID}, "10"),
    ({"tokenPayData": "{token=1}"}, "10"),
]


async def test_a_payment_has_its_fields(till: Till) -> None:
    """What is wrong or nobody's is 10, what is missing is 13; signed; nothing is made."""
    for change, code in PAYMENTS:
        reply = await till.ask(APP, till.payment(**change))
        assert (reply.signed, reply.code) == (True, code), (change, reply.raw[:300])
    assert (await till.summary())["orders"] == 0


async def test_the_clock_of_the_merchant_is_beijing(till: Till) -> None:
    """A txnTime of another zone is refused; virtual time does not matter to it."""
    utc = (datetime.now(BEIJING) - timedelta(hours=8)).strftime("%Y%m%d%H%M%S")
    assert (await till.app(txnTime=utc)).code == "39"
    await till.advance(days=40)
    assert (await till.app()).code == "00"
    assert (await till.app(payTimeout=present(minutes=5))).code == "00"


async def test_a_token_stands_for_an_account(till: Till) -> None:
    """Exactly one of tokenPayData and accNo; a card's number in clear never."""
    table = [
        ({}, "00"),
        ({"tokenPayData": "", "accNo": "tok_1", "accType": "01"}, "00"),
        ({"tokenPayData": ""}, "13"),
        ({"accNo": "tok_1"}, "13"),
        ({"tokenPayData": "", "accNo": "6221558812340000"}, "10"),
        ({"tokenPayData": "token=1"}, "10"),
    ]
    for change, code in table:
        assert (await till.back(**change)).code == code, change


async def test_follow_ups_queries_and_files_have_their_own_lists(till: Till) -> None:
    """What belongs to a payment does not belong to them."""
    table = [
        (BACK, till.payment("04", txnSubType="00"), "13"),
        (BACK, till.payment("04", txnSubType="00", origQryId="1"), "10"),
        (BACK, till.payment("04", txnSubType="00", origQryId=QUERY_ID, accNo="tok_1"), "10"),
        (QUERY, till.head("00", "00", orderId=number(), bizType="000201"), "10"),
        (QUERY, till.head("00", "00", bizType="000000"), "13"),
        (QUERY, till.head("00", "00", bizType="000000", orderId=number(), txnAmt="1"), "10"),
        (FILE, till.head("76", "01", bizType="000000", settleDate="0101"), "13"),
        (FILE, till.head("76", "01", bizType="000000", settleDate="0231", fileType="00"), "10"),
        (FILE, till.head("76", "01", bizType="000000", settleDate="x", fileType="00"), "10"),
    ]
    for path, asked, code in table:
        reply = await till.ask(path, asked)
        assert (reply.signed, reply.code) == (True, code), asked


async def test_every_name_that_arrives_is_written_down(till: Till) -> None:
    """The proof that a caller sends only what it may: names of fields, refused ones too."""
    await till.app()
    await till.app(customerInfo="{phoneNo=1}")
    seen = (await till.control("GET", "/control/fields"))["fields"]["app_consume"]
    assert {"customerInfo", "orderId", "signature"} <= set(seen["body"])
    assert "content-type" in seen["header"]
