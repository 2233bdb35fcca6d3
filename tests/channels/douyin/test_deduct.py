"""Douyin Pay's own: deduction by contract, and its names for the things of the v3 style."""

from datetime import date, timedelta
from typing import Any

import pytest

from gateway.channels.connector import Action
from gateway.channels.douyin.contracts import (
    pre_entrust_request,
    query_request,
    read_contract,
    terminate_request,
)
from gateway.channels.v3style.bills import bill_request
from gateway.channels.v3style.contracts import Contract, ContractName, NewContract
from gateway.domain.channel import OutcomeClass
from tests.channels.v3style.wire import (
    APPID,
    MCHID,
    NONCE,
    NOW,
    NUMBER,
    body_of,
    call,
    douyin,
)

SIDE = douyin()
ACCOUNT = SIDE.connector.account
NAME = ContractName("12535", "dy-1")
NAMED = {"appid": APPID, "mchid": MCHID, "out_contract_code": "dy-1", "plan_id": "12535"}


def test_names() -> None:
    """Scheme, headers and hosts' paths are Douyin's, and there is no bare public key to ask for."""
    sent = SIDE.connector.build(call())
    assert sent.headers["Authorization"].startswith('DouyinPay-RSA mchid="')
    assert sent.path == "/v1/trade/transactions/native"
    assert {name.lower() for name in sent.headers} == {"accept", "authorization", "content-type"}
    assert SIDE.names.seal == "AEAD-AES-256-GCM"


def test_application() -> None:
    """A deduction is applied for like an order, with its contract and the plan's trade type."""
    sent = SIDE.connector.build(call(method="deduct"))
    assert (sent.method, sent.path) == ("POST", "/v1/deduct/payapply")
    assert body_of(sent) == {
        "appid": APPID,
        "mchid": MCHID,
        "description": "茶 tea",
        "out_trade_no": NUMBER,
        "time_expire": "2026-03-01T12:30:00+08:00",
        "notify_url": "https://pay.example.com/notify/douyin",
        "amount": {"total": 1250, "currency": "CNY"},
        "contract_id": "DY-1",
        "trade_type": "SGP",
    }


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"prepay_id": "1", "result_code": "SUCCESS"}, OutcomeClass.PENDING),
        ({"result_code": "SUCCESS"}, OutcomeClass.PENDING),
        ({"prepay_id": "1", "result_code": "FAIL"}, OutcomeClass.UNKNOWN),
        ({"prepay_id": "1"}, OutcomeClass.UNKNOWN),
    ],
)
def test_accepted_is_not_deducted(fields: dict[str, Any], outcome: OutcomeClass) -> None:
    """Accepted is pending; anything else is asked about."""
    told = SIDE.connector.parse(call(method="deduct"), SIDE.reply(200, fields))
    assert (told.outcome, told.next_action) == (outcome, None)


def test_unknown_deduction_may_come_later() -> None:
    """An order that is not known hours after the application may still come."""
    for hours, closed in ((47, False), (48, True)):
        born = NOW - timedelta(hours=hours)
        made = call(Action.FENCE, method="deduct", create_time=born, charge_create_time=born)
        told = SIDE.connector.parse(made, SIDE.error(404, "ORDER_NOT_EXIST"))
        assert told.closed is closed


@pytest.mark.parametrize("method", ["code", "papay"])
def test_what_only_wechat_has(method: str) -> None:
    """Barcodes and WeChat's own contracts are no ways of paying here."""
    with pytest.raises(ValueError, match="name one of native, jsapi, deduct"):
        SIDE.connector.build(call(method=method))


def test_contracts() -> None:
    """A contract is prepared, asked about and ended by our own name of it."""
    made = pre_entrust_request(ACCOUNT, NewContract(NAME, "账户甲", "p-1", 7), NOW, NONCE)
    assert (made.method, made.path) == ("POST", "/v1/agreementauth/preentrustweb")
    assert body_of(made) == NAMED | {
        "request_serial": 7,
        "contract_display_account": "账户甲",
        "notify_url": "https://pay.example.com/notify/douyin",
    }
    asked = query_request(ACCOUNT, NAME, NOW, NONCE)
    assert (asked.path, body_of(asked)) == ("/v1/member/querycontract", NAMED)
    ended = terminate_request(ACCOUNT, NAME, "done", NOW, NONCE)
    assert ended.path == "/v1/member/deletecontract"
    assert body_of(ended) == NAMED | {"contract_termination_remark": "done"}


def test_contract() -> None:
    """A contract is told by Douyin's number of it and its own word for the state."""
    shown = NAMED | {"contract_id": "DY-1", "contract_status": "EFFECTIVE"}
    told = read_contract(ACCOUNT, NAME, SIDE.reply(200, shown), NOW)
    assert told == Contract("DY-1", "EFFECTIVE")


def test_bill_names_the_merchant() -> None:
    """Douyin's bill is applied for with the merchant's number."""
    sent = bill_request(ACCOUNT, date(2026, 2, 28), NOW, NONCE)
    assert sent.path == (
        f"/v1/bill/billapply?mchid={MCHID}&bill_date=2026-02-28&bill_type=TRADE&tar_type=GZIP"
    )
