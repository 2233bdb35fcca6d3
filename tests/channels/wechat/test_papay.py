"""Deduction by contract: accepted is not deducted, and contracts are signed, asked about, ended."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.channels.connector import Action, HttpReply
from gateway.channels.v3style.contracts import (
    Contract,
    ContractName,
    ContractRefused,
    NewContract,
    read_pre_entrust,
)
from gateway.channels.wechat.contracts import (
    pre_entrust_request,
    query_request,
    read_contract,
    terminate_request,
)
from gateway.domain.channel import OutcomeClass
from gateway.domain.money import Money
from tests.channels.v3style.wire import (
    APPID,
    MCHID,
    NONCE,
    NOW,
    NUMBER,
    body_of,
    call,
    transaction,
    wechat,
)

SIDE = wechat()
ACCOUNT = SIDE.connector.account
NAME = ContractName("12535", "wxwtdk20200910100000")
NEW = NewContract(NAME, "账户甲", "p-1", 1)
PATH = "/v3/papay/sign/contracts/plan-id/12535/out-contract-code/wxwtdk20200910100000"


def test_application() -> None:
    """A deduction is applied for by its contract, and its result comes to its own URL."""
    sent = SIDE.connector.build(call(method="papay"))
    assert (sent.method, sent.path) == ("POST", "/v3/papay/pay/transactions/apply")
    assert body_of(sent) == {
        "appid": APPID,
        "out_trade_no": NUMBER,
        "description": "茶 tea",
        "transaction_notify_url": "https://pay.example.com/notify/wechat",
        "contract_id": "123124412412423431",
        "amount": {"total": 1250},
    }


def test_accepted_is_not_deducted() -> None:
    """A good answer says that the application was accepted, and nothing of the money."""
    reply = SIDE.reply(200, {"out_trade_no": NUMBER, "amount": {"total": 1250}})
    told = SIDE.connector.parse(call(method="papay"), reply)
    assert (told.outcome, told.money) == (OutcomeClass.PENDING, Money("CNY", 1250))
    assert told.next_action is None


@pytest.mark.parametrize(
    "fields",
    [
        {"out_trade_no": "X" + NUMBER[1:], "amount": {"total": 1250}},
        {"amount": {"total": 1250}},
        {"out_trade_no": NUMBER},
    ],
)
def test_acceptance_of_another(fields: dict[str, Any]) -> None:
    """An acceptance that does not name our number and amount proves nothing."""
    told = SIDE.connector.parse(call(method="papay"), SIDE.reply(200, fields))
    assert told.outcome is OutcomeClass.UNKNOWN


def test_result_by_question() -> None:
    """The result is found under our number, as that of any payment."""
    made = call(Action.ASK, method="papay")
    assert SIDE.connector.build(made).path.startswith("/v3/pay/transactions/out-trade-no/")
    told = SIDE.connector.parse(made, SIDE.reply(200, transaction("SUCCESS", trade_type="PAP")))
    assert told.outcome is OutcomeClass.SUCCESS


@pytest.mark.parametrize(("hours", "closed"), [(47, False), (48, True)])
def test_order_may_come_a_day_later(hours: int, *, closed: bool) -> None:
    """An accepted deduction has no order for up to two days, so "not known" proves nothing."""
    born = NOW - timedelta(hours=hours)
    made = call(Action.FENCE, method="papay", create_time=born, charge_create_time=born)
    told = SIDE.connector.parse(made, SIDE.error(404, "ORDER_NOT_EXIST"))
    assert told.closed is closed


def test_hours_are_told() -> None:
    """The hours in which WeChat deducts are data."""
    start, end = SIDE.connector.limits.deduct_hours["papay"]
    assert (start.hour, end.hour) == (7, 22)


def test_signing_of_a_contract() -> None:
    """A contract is prepared with the plan, our code and a pseudonym."""
    sent = pre_entrust_request(ACCOUNT, NEW, NOW, NONCE)
    assert (sent.method, sent.path) == ("POST", "/v3/papay/sign/contracts/pre-entrust-sign")
    assert body_of(sent) == {
        "appid": APPID,
        "plan_id": 12535,
        "out_contract_code": "wxwtdk20200910100000",
        "contract_display_account": "账户甲",
        "contract_notify_url": "https://pay.example.com/notify/wechat",
        "out_user_code": "p-1",
    }


def test_prepared_contract() -> None:
    """What comes back is the number with which the payer is led to sign."""
    reply = SIDE.reply(200, {"pre_entrustweb_id": "5778aadY9nltAsZzXixCkFIGYnV2V"})
    assert read_pre_entrust(ACCOUNT, reply, NOW) == "5778aadY9nltAsZzXixCkFIGYnV2V"


@pytest.mark.parametrize(
    "reply",
    [
        SIDE.reply(200, {}),
        SIDE.reply(200, {"pre_entrustweb_id": "a b"}),
        SIDE.error(400, "PARAM_ERROR"),
        HttpReply(200, {}, b'{"pre_entrustweb_id":"1"}'),
    ],
)
def test_contract_that_was_not_prepared(reply: HttpReply) -> None:
    """A refusal, half an answer and an unsigned one are no number."""
    with pytest.raises(ContractRefused):
        read_pre_entrust(ACCOUNT, reply, NOW)


def test_question_about_a_contract() -> None:
    """A contract is asked about, and ended, by our own name of it."""
    asked = query_request(ACCOUNT, NAME, NOW, NONCE)
    assert (asked.method, asked.path) == ("GET", PATH)
    ended = terminate_request(ACCOUNT, NAME, "用户解约" * 50, NOW, NONCE)
    assert (ended.method, ended.path) == ("POST", f"{PATH}/terminate")
    assert len(body_of(ended)["contract_termination_remark"].encode()) <= 128


def _contract(**changes: Any) -> dict[str, Any]:
    return {
        "mchid": MCHID,
        "appid": APPID,
        "plan_id": 12535,
        "contract_id": "123124412412423431",
        "out_contract_code": NAME.code,
        "contract_state": "SIGNED",
        "openid": "o-MYE42l80oelYMDE34nYD456Xoy",
    } | changes


def test_contract() -> None:
    """A contract is told by the channel's number of it and its state."""
    told = read_contract(ACCOUNT, NAME, SIDE.reply(200, _contract()), NOW)
    assert told == Contract("123124412412423431", "SIGNED")


@pytest.mark.parametrize(
    "change",
    [{"mchid": "1"}, {"appid": "wx1"}, {"out_contract_code": "other"}, {"contract_state": None}],
)
def test_contract_of_another(change: dict[str, Any]) -> None:
    """A contract of another merchant, app or code is not taken for ours."""
    with pytest.raises(ContractRefused):
        read_contract(ACCOUNT, NAME, SIDE.reply(200, _contract(**change)), NOW)


@pytest.mark.parametrize(
    ("plan_id", "code"), [("", "a"), ("a", "a"), ("1", ""), ("1", "a/b"), ("1", "x" * 33)]
)
def test_wrong_name(plan_id: str, code: str) -> None:
    """A name that could be taken for another path is refused."""
    with pytest.raises(ValueError, match="plan"):
        ContractName(plan_id, code)


@pytest.mark.parametrize("serial", [0, 2**63])
def test_wrong_serial(serial: int) -> None:
    """A serial that the channel would refuse is refused."""
    with pytest.raises(ValueError, match="serial"):
        NewContract(NAME, "x", "p-1", serial)
