"""Notifications: whose they are, what they are about, and that no byte of them can be changed."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from gateway.channels.alipay.connector import AlipayConnector
from gateway.channels.alipay.keys import load_alipay_certificate
from gateway.domain.channel import (
    Acknowledgement,
    AttemptKind,
    Notice,
    NotificationRefused,
    OutcomeClass,
)
from gateway.domain.money import Money
from tests.channels.alipay.wire import (
    APP_ID,
    AUTH_NO,
    HELD_NUMBER,
    NOW,
    NUMBER,
    PAYER_ID,
    SELLER_ID,
    TRADE_NO,
    certificate,
    connector,
    notification,
    pem_of,
    settings,
    signature,
    sn_of,
)

SUCCESS, PENDING = OutcomeClass.SUCCESS, OutcomeClass.PENDING
FAILED = OutcomeClass.FAILED
HEAD = {
    "notify_time": "2026-03-01 12:00:03",
    "notify_id": "2026030100222120003012345678901234",
    "app_id": APP_ID,
    "auth_app_id": APP_ID,
    "charset": "utf-8",
    "version": "1.0",
    "sign_type": "RSA2",
}
TRADE = HEAD | {
    "notify_type": "trade_status_sync",
    "trade_no": TRADE_NO,
    "out_trade_no": NUMBER,
    "seller_id": SELLER_ID,
    "buyer_id": PAYER_ID,
    "trade_status": "TRADE_SUCCESS",
    "total_amount": "12.50",
    "receipt_amount": "12.50",
    "subject": "茶 tea & more = 100% +",
    "gmt_payment": "2026-03-01 12:00:00",
    "passback_params": "",
    "fund_bill_list": '[{"amount":"12.50","fundChannel":"PCREDIT"}]',
}
HOLD = HEAD | {
    "notify_type": "fund_auth_freeze",
    "auth_no": AUTH_NO,
    "out_order_no": NUMBER,
    "out_request_no": NUMBER,
    "operation_id": "20260301123456789012",
    "operation_type": "FREEZE",
    "amount": "12.50",
    "status": "SUCCESS",
    "total_freeze_amount": "12.50",
    "total_pay_amount": "0.00",
    "rest_amount": "12.50",
    "payer_user_id": PAYER_ID,
    "payee_user_id": SELLER_ID,
}
RELEASE = HOLD | {
    "notify_type": "fund_auth_unfreeze",
    "operation_type": "UNFREEZE",
    "out_request_no": "whatever",
    "rest_amount": "0.00",
}


def _read(body: bytes, by: AlipayConnector | None = None) -> Notice:
    return (by or connector()).read_notification("/notify/alipay", {}, body, NOW)


def _told(fields: dict[str, str], **changes: str) -> Notice:
    return _read(notification(fields | changes))


@pytest.mark.parametrize("state", ["TRADE_SUCCESS", "TRADE_FINISHED"])
def test_paid(state: str) -> None:
    """A paid trade is the success of its charge, with amount, number and source of the money."""
    notice = _told(TRADE, trade_status=state)
    assert (notice.kind, notice.number) == (AttemptKind.CHARGE, NUMBER)
    outcome = notice.outcome
    assert (outcome.outcome, outcome.money) == (SUCCESS, Money("CNY", 1250))
    assert (outcome.channel_number, outcome.funding_source) == (TRADE_NO, "PCREDIT")


def test_waiting() -> None:
    """A trade that waits for its payer is pending."""
    assert _told(TRADE, trade_status="WAIT_BUYER_PAY").outcome.outcome is PENDING


def test_closed() -> None:
    """A closed trade ends its charge, if that is still open."""
    outcome = _told(TRADE, trade_status="TRADE_CLOSED", gmt_close="2026-03-01 12:30:00").outcome
    assert (outcome.outcome, outcome.closed) == (FAILED, True)


def test_partial_refund_is_news_of_the_trade() -> None:
    """News of a partial refund says that the trade was paid; of the refund it proves nothing."""
    refund = {"refund_fee": "5.00", "out_biz_no": "R-1", "gmt_refund": "2026-03-01 12:10:00.123"}
    notice = _read(notification(TRADE | refund))
    assert (notice.kind, notice.number) == (AttemptKind.CHARGE, NUMBER)
    assert (notice.outcome.outcome, notice.outcome.money) == (SUCCESS, Money("CNY", 1250))


def test_held() -> None:
    """A frozen amount is the authorisation of its charge."""
    notice = _told(HOLD)
    assert (notice.kind, notice.number) == (AttemptKind.CHARGE, NUMBER)
    outcome = notice.outcome
    assert (outcome.outcome, outcome.authorized) == (SUCCESS, True)
    assert (outcome.money, outcome.channel_number) == (Money("CNY", 1250), HELD_NUMBER)


@pytest.mark.parametrize(("rest", "closed"), [("0.00", True), ("7.50", False)])
def test_released(rest: str, closed: bool) -> None:
    """A release after which nothing rests ends the authorisation; another one ends nothing."""
    notice = _told(RELEASE, rest_amount=rest)
    assert (notice.kind, notice.number) == (AttemptKind.CHARGE, NUMBER)
    assert notice.outcome.outcome is (FAILED if closed else PENDING)
    assert (notice.outcome.closed, notice.outcome.money) == (closed, None)


def test_each_byte_counts() -> None:
    """Whatever byte of a notification is changed, it is refused; so is every shorter one."""
    body = notification({name: value for name, value in TRADE.items() if value})
    _read(body)
    for place, byte in enumerate(body):
        for other in (byte ^ 0x01, byte ^ 0x20):
            altered = body[:place] + bytes([other]) + body[place + 1 :]
            with pytest.raises(NotificationRefused):
                _read(altered)
    for end in range(0, len(body), 61):
        with pytest.raises(NotificationRefused):
            _read(body[:end])


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        (TRADE, {"app_id": "2021000118600001"}),
        (TRADE, {"app_id": ""}),
        (TRADE, {"seller_id": "2088102146225136"}),
        (TRADE, {"seller_id": ""}),
        (TRADE, {"out_trade_no": ""}),
        (TRADE, {"out_trade_no": "a b"}),
        (TRADE, {"total_amount": ""}),
        (TRADE, {"total_amount": "0.00"}),
        (TRADE, {"total_amount": "12.5e0"}),
        (TRADE, {"trade_no": ""}),
        (TRADE, {"trade_status": "TRADE_PAID"}),
        (TRADE, {"trade_status": ""}),
        (TRADE, {"notify_type": "dispute"}),
        (TRADE, {"notify_type": "fund_auth_freeze"}),
        (TRADE, {"charset": "gbk"}),
        (TRADE, {"sign_type": "RSA"}),
        (TRADE, {"sign_type": ""}),
        (HOLD, {"app_id": "2021000118600001"}),
        (HOLD, {"payee_user_id": "2088102146225136"}),
        (HOLD, {"operation_type": "UNFREEZE"}),
        (HOLD, {"status": "DONE"}),
        (HOLD, {"auth_no": ""}),
        (RELEASE, {"operation_type": "FREEZE"}),
        (RELEASE, {"payee_user_id": "2088102146225136"}),
    ],
)
def test_what_is_not_about_us_is_refused(fields: dict[str, str], changes: dict[str, str]) -> None:
    """A well signed notification about another app, seller or amount than it can be is refused."""
    with pytest.raises(NotificationRefused):
        _told(fields, **changes)


def test_payee_may_be_left_out() -> None:
    """Not every notification about a hold tells who is paid."""
    assert _told(HOLD, payee_user_id="").number == NUMBER


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"a",
        b"=",
        b"a=1&",
        b"a=%zz",
        b"a=%",
        b"a=%ff",
        b"a=1&a=1",
        b"{}",
        "a=茶".encode(),
        b"&".join(b"a%d=1" % place for place in range(101)),
        notification(TRADE) + b"&sign_type=RSA2",
        notification(TRADE).replace(b"%3A", b"%3a"),
        notification(TRADE).replace(b"+", b"%20", 1).replace(b"+", b" "),
        notification(TRADE, "stranger"),
    ],
)
def test_what_is_no_notification_is_refused(body: bytes) -> None:
    """Bytes that are no form, hold a name twice, or are signed by another are refused."""
    with pytest.raises(NotificationRefused):
        _read(body)


@pytest.mark.parametrize("sign", ["", "x", "AAAA"])
def test_unsigned(sign: str) -> None:
    """Without Alipay's signature nothing is believed."""
    with pytest.raises(NotificationRefused, match=r"signed|signature"):
        _read(urlencode(TRADE | {"sign": sign}).encode())


def test_signature_over_the_wrong_text() -> None:
    """A signature that covers `sign_type` too, as a request's does, is none of a notification."""
    text = "&".join(f"{name}={value}" for name, value in sorted(TRADE.items()) if value)
    with pytest.raises(NotificationRefused, match="wrong signature"):
        _read(urlencode(TRADE | {"sign": signature(text.encode())}).encode())


def test_empty_parameters_are_not_signed() -> None:
    """A parameter that says nothing is no part of what is signed, and may be left out."""
    plain = {name: value for name, value in TRADE.items() if value}
    assert _told(plain) == _told(TRADE)


def test_resend_is_the_same_notice() -> None:
    """A notification that is sent again a day later, after failures, says the same."""
    body = notification(TRADE)
    later = NOW + timedelta(hours=25)
    assert connector().read_notification("/notify/alipay", {}, body, later) == _read(body)


def test_certificate_mode() -> None:
    """A notification that names a certificate is verified with that one and no other."""
    ours = certificate("alipay")
    by = AlipayConnector(settings(alipay_keys=(load_alipay_certificate(pem_of(ours)),)))
    assert _read(notification(TRADE | {"alipay_cert_sn": sn_of(ours)}), by).number == NUMBER
    assert _read(notification(TRADE), by).number == NUMBER
    with pytest.raises(NotificationRefused, match="not trusted"):
        _read(notification(TRADE | {"alipay_cert_sn": "0" * 32}), by)


def test_acknowledgement() -> None:
    """What is kept is answered with the seven bytes `success`; anything else is told again."""
    assert connector().acknowledge(accepted=True) == Acknowledgement(200, "text/plain", b"success")
    refused = connector().acknowledge(accepted=False)
    assert (refused.status, refused.body) == (400, b"fail")
