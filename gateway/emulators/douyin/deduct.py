"""Douyin Pay's own bodies and replies: contracts, and deduction without a password."""

from typing import Any, Final

from gateway.emulators.core import beijing
from gateway.emulators.core.fields import InvalidField
from gateway.emulators.core.shapes import (
    Shape,
    Value,
    choice,
    flag,
    group,
    integer,
    may,
    must,
    text,
)
from gateway.emulators.v3style.allowlists import (
    AMOUNT,
    APPID,
    CONTRACT_CODE,
    CONTRACT_ID,
    DETAIL,
    MCHID,
    NUMBER,
    REFUND,
    SCENE,
    notify_url,
    time,
)
from gateway.emulators.v3style.bodies import new_order
from gateway.emulators.v3style.commands import (
    AnnounceDeduction,
    Command,
    EndContract,
    NewContract,
    QueryContract,
)
from gateway.emulators.v3style.contracts import VALID_FOR_MS, Contract
from gateway.emulators.v3style.incoming import Incoming, own
from gateway.emulators.v3style.orders import CURRENCY, Order
from gateway.emulators.v3style.records import View

_PLAN_ID: Final = text(64)
REFUND_WITH_MERCHANT: Final[Shape] = {**REFUND, "appid": may(APPID), "mchid": may(MCHID)}
DEDUCT: Final[Shape] = {
    "appid": must(APPID),
    "mchid": must(MCHID),
    "out_trade_no": must(NUMBER),
    "time_expire": may(time),
    "contract_id": must(CONTRACT_ID),
    "trade_type": must(choice("SGP", "CCP", "NPP", "XXP")),
    "description": must(text(127)),
    "notify_url": must(notify_url),
    "attach": may(text(128, 0)),
    "detail": may(group(DETAIL)),
    "amount": must(AMOUNT),
    "scene_info": may(group(SCENE)),
    "settle_info": may(group({"profit_sharing": may(flag)})),
    "goods_tag": may(text(32)),
}
SIGN_CONTRACT: Final[Shape] = {
    "appid": must(APPID),
    "mchid": must(MCHID),
    "out_contract_code": must(CONTRACT_CODE),
    "plan_id": must(_PLAN_ID),
    "request_serial": must(integer()),
    "contract_display_account": must(text(32)),
    "notify_url": must(notify_url),
    "contract_ext": may(text(1_024)),
}
SIGN_CONTRACT_H5: Final[Shape] = {
    **SIGN_CONTRACT,
    "timestamp": may(text(16)),
    "clientip": may(text(45)),
}
NAME_CONTRACT: Final[Shape] = {
    "mchid": must(MCHID),
    "appid": may(APPID),
    "contract_id": may(CONTRACT_ID),
    "out_contract_code": may(CONTRACT_CODE),
    "plan_id": may(_PLAN_ID),
}
END_CONTRACT: Final[Shape] = {**NAME_CONTRACT, "contract_termination_remark": must(text(256))}
ANNOUNCE: Final[Shape] = {
    "contract_id": must(CONTRACT_ID),
    "mchid": must(MCHID),
    "appid": must(APPID),
    "estimated_amount": must(
        group({"amount": must(integer()), "currency": may(choice(CURRENCY), CURRENCY)})
    ),
}


def deduct(incoming: Incoming) -> Command:
    """Deduct by a contract."""
    body = incoming.read_body(DEDUCT)
    return new_order(
        incoming,
        body,
        kind="DEDUCT",
        trade_type=body["trade_type"],
        contract_id=body["contract_id"],
    )


def sign_contract(incoming: Incoming) -> Command:
    """Ask a buyer to sign in the app."""
    return _sign(incoming, SIGN_CONTRACT)


def sign_contract_h5(incoming: Incoming) -> Command:
    """Ask a buyer to sign in a browser."""
    return _sign(incoming, SIGN_CONTRACT_H5)


def query_contract(incoming: Incoming) -> Command:
    """How a contract stands."""
    return QueryContract(mchid=incoming.mchid, **_name(incoming.read_body(NAME_CONTRACT), incoming))


def end_contract(incoming: Incoming) -> Command:
    """End a contract."""
    body = incoming.read_body(END_CONTRACT)
    remark = body["contract_termination_remark"]
    return EndContract(mchid=incoming.mchid, remark=remark, **_name(body, incoming))


def announce_deduction(incoming: Incoming) -> Command:
    """Tell the buyer that money will be deducted."""
    body = incoming.read_body(ANNOUNCE)
    own(body, incoming.mchid)
    return AnnounceDeduction(
        mchid=incoming.mchid,
        contract_id=body["contract_id"],
        appid=body["appid"],
        amount=body["estimated_amount"]["amount"],
    )


def contract_view(contract: Contract) -> View:
    """A contract as queries show it."""
    assert contract.sign_time is not None
    view: View = {
        "mchid": contract.mchid,
        "appid": contract.appid,
        "contract_id": contract.contract_id,
        "plan_id": contract.plan_id,
        "request_serial": contract.asked["request_serial"],
        "out_contract_code": contract.code,
        "contract_display_account": contract.asked["contract_display_account"],
        "contract_status": contract.state,
        "contract_signed_time": beijing.to_text(contract.sign_time),
        "contract_expired_time": beijing.to_text(contract.sign_time + VALID_FOR_MS),
        "openid": contract.openid,
    }
    if contract.terminate_time is not None:
        view |= {
            "contract_terminated_time": beijing.to_text(contract.terminate_time),
            "contract_termination_mode": 2 if contract.terminated_by == "USER" else 3,
            "contract_termination_remark": contract.remark,
        }
    return view


def ended_view(contract: Contract) -> View:
    """What the end of a contract is answered with."""
    return {
        "appid": contract.appid,
        "contract_id": contract.contract_id,
        "plan_id": contract.plan_id,
        "out_contract_code": contract.code,
        "result_code": "SUCCESS",
    }


def deducted_view(order: Order) -> View:
    """What an accepted deduction is answered with: accepted, no more."""
    return {"prepay_id": order.credential, "result_code": "SUCCESS"}


def _sign(incoming: Incoming, shape: Shape) -> Command:
    body = incoming.read_body(shape)
    own(body, incoming.mchid)
    return NewContract(
        mchid=incoming.mchid,
        number=body["out_contract_code"],
        appid=body["appid"],
        plan_id=body["plan_id"],
        body=body,
    )


def _name(body: Value, incoming: Incoming) -> dict[str, Any]:
    """The contract that a body names: by the channel's id, or by the merchant's code and plan."""
    own(body, incoming.mchid)
    if "contract_id" in body:
        return {"contract_id": body["contract_id"]}
    for name in ("out_contract_code", "plan_id"):
        if name not in body:
            raise InvalidField(name, "or contract_id is required")
    return {"number": body["out_contract_code"], "plan_id": body["plan_id"]}
