"""What is kept of a body: numbers and codes that say what it is about, of the rest names only."""

import json
from urllib.parse import urlencode

import pytest

from gateway.notify.excerpt import excerpt

MAX = 500
NOTHING = "neither a form nor JSON"
ALIPAY = {
    "app_id": "2021000118600000",
    "notify_type": "trade_status_sync",
    "notify_time": "2026-03-01 12:00:01",
    "out_trade_no": "000001ZYXWVUTSRQPONMLKJIHGFE",
    "trade_no": "2026030122001455610512345678",
    "trade_status": "TRADE_SUCCESS",
    "buyer_id": "2088101117955611",
    "buyer_open_id": "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5",
    "subject": "Rent of Li Ming",
}
UNIONPAY = {
    "orderId": "000001ZYXWVUTSRQPONMLKJIHGFE",
    "queryId": "772611211200000000018",
    "txnType": "01",
    "respCode": "00",
    "accNo": "6216261000000000018",
    "customerNm": "Li Ming",
}
WECHAT = {
    "id": "EV-2018022511223320873",
    "event_type": "TRANSACTION.SUCCESS",
    "resource_type": "encrypt-resource",
    "summary": "paid by Li Ming",
    "resource": {"ciphertext": "c2VjcmV0", "nonce": "fdas"},
}
CARRIER = {
    "type": "org.camaraproject.carrier-billing.v0.payment-completed",
    "data": {"status": "succeeded", "phoneNumber": "+8613800138000"},
}


@pytest.mark.parametrize(
    ("body", "kept", "known_by_length"),
    [
        (urlencode(ALIPAY), list(ALIPAY)[:6], "buyer_id(16) buyer_open_id(47) subject(15)"),
        (urlencode(UNIONPAY), list(UNIONPAY)[:4], "accNo(19) customerNm(7)"),
        (
            json.dumps(WECHAT),
            ["id", "event_type", "resource_type"],
            "summary(15) resource.ciphertext(8) resource.nonce(4)",
        ),
        (json.dumps(CARRIER), ["type", "data.status"], "data.phoneNumber(14)"),
    ],
)
def test_genuine_notifications_say_what_they_are_about(
    body: str, kept: list[str], known_by_length: str
) -> None:
    """Numbers and codes of a channel's own notification are kept, and nothing of its payer."""
    values = ALIPAY | UNIONPAY | WECHAT | CARRIER | {"data.status": "succeeded"}
    shown = [f"{name}={values[name]}" for name in kept]
    assert excerpt(body.encode(), MAX) == " ".join([*shown, known_by_length])


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"", NOTHING),
        (b"card 4111 1111 1111 1111", NOTHING),
        (b"a=1&\xff=2", NOTHING),
        (b"[" * 60_000, NOTHING),
        (b"&".join([b"a=1"] * 101), NOTHING),
        (b'"Li Ming"', "?(7)"),
        (b"[13800138000]", "?(13)"),
        (b"out_trade_no=Li+Ming", "out_trade_no(7)"),
        (b"out_trade_no=" + b"x" * 65, "out_trade_no(65)"),
        (b"trade_no=4111+1111+1111+1111", "trade_no(19)"),
        (b"trade_no=4111111111111111", "trade_no=****************"),
        (b"trade_no=%2B8613800138000", "trade_no=**************"),
        (b"Li+Ming=1&13800138000=2&to_13800138000=3", "?(1) ?(1) to_***(1)"),
        (b'{"data":{"a":{"b":{"c":1}}},"id":["Li"]}', "data.a.b(8) id(6)"),
    ],
)
def test_forgeries_may_hold_anything(body: bytes, kept: str) -> None:
    """What is no number or code stands nowhere, whatever field, name or shape it comes in."""
    assert excerpt(body, MAX) == kept


def test_what_it_is_about_comes_first() -> None:
    """Fields that say nothing cannot push out those that do."""
    body = urlencode({f"field_{number}": "x" for number in range(90)} | {"trade_no": "1"})
    assert excerpt(body.encode(), 20).startswith("trade_no=1 field_0(1")
    assert len(excerpt(body.encode(), 20)) == 20
