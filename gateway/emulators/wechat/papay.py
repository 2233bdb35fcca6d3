"""WeChat Pay's own bodies and replies: payments by code, and deduction without a password."""

from typing import Any, Final

from gateway.emulators.core import beijing
from gateway.emulators.core.shapes import (
    Shape,
    choice,
    flag,
    group,
    integer,
    matching,
    may,
    must,
    text,
)
from gateway.emulators.v3style.allowlists import (
    AMOUNT,
    APPID,
    CHANNEL_NUMBER,
    CONTRACT_CODE,
    CONTRACT_ID,
    DETAIL,
    MCHID,
    NUMBER,
    OPENID,
    REFUND_NUMBER,
    notify_url,
)
from gateway.emulators.v3style.bodies import new_order, path_value
from gateway.emulators.v3style.commands import (
    AnnounceDeduction,
    Command,
    EndContract,
    NewContract,
    QueryContract,
    RedirectRefund,
    ReverseOrder,
)
from gateway.emulators.v3style.contracts import VALID_FOR_MS, Contract
from gateway.emulators.v3style.incoming import Incoming, own
from gateway.emulators.v3style.orders import CURRENCY, Order
from gateway.emulators.v3style.records import View

TRADE_TYPE: Final = "PAP"  # of a deduction

_AUTH_CODE: Final = matching("1[0-5][0-9]{16}", "18 digits that begin with 10 to 15")
_PLAN_ID: Final = matching("[0-9]{1,19}", "digits")
_TILL: Final = {
    "device_id": may(text(32)),
    "device_ip": may(text(45)),
    "store_info": must(group({"id": may(text(32)), "out_id": may(text(256))})),
}
CODEPAY: Final[Shape] = {
    "appid": must(APPID),
    "mchid": must(MCHID),
    "description": must(text(127)),
    "out_trade_no": must(NUMBER),
    "attach": may(text(128, 0)),
    "goods_tag": may(text(32)),
    "support_fapiao": may(flag),
    "payer": must(group({"auth_code": must(_AUTH_CODE)})),
    "amount": must(AMOUNT),
    "scene_info": must(group(_TILL)),
    "detail": may(group(DETAIL)),
    "settle_info": may(group({"profit_sharing": may(flag)})),
}
DEDUCT: Final[Shape] = {
    "appid": must(APPID),
    "out_trade_no": must(NUMBER),
    "description": must(text(127)),
    "transaction_notify_url": must(notify_url),
    "contract_id": must(CONTRACT_ID),
    "amount": must(AMOUNT),
    "goods_tag": may(text(32)),
    "attach": may(text(128, 0)),
}
_DEVICE: Final = {
    "device_type": must(text(32)),
    "device_os": must(text(64)),
    "device_id": must(text(128)),
    "device_running_as_root": must(flag),
    "device_ip": must(text(45)),
    "weixin_installed": must(flag),
    "weixin_version": must(text(32)),
    "days_since_first_login": must(text(64)),
}
SIGN_CONTRACT: Final[Shape] = {
    "sign_scene": may(choice("SIGN_SCENE_APP", "SIGN_SCENE_QRCODE")),
    "appid": may(APPID),
    "openid": may(OPENID),
    "plan_id": must(integer()),
    "out_contract_code": must(CONTRACT_CODE),
    "contract_display_account": must(text(32)),
    "contract_notify_url": must(notify_url),
    "out_user_code": may(text(128)),
    "return_url": may(text(255)),
    "device_info": may(group(_DEVICE)),
}
ANNOUNCE: Final[Shape] = {
    "mchid": must(MCHID),
    "appid": must(APPID),
    "deduct_duration": may(group({"count": must(integer(1, 3)), "unit": must(choice("DAY"))})),
    "estimated_amount": must(
        group({"amount": must(integer()), "currency": may(choice(CURRENCY), CURRENCY)})
    ),
}
REDIRECT_REFUND: Final[Shape] = {
    "out_refund_no": must(REFUND_NUMBER),
    "type": must(choice("USER_BANK_CARD", "MERCHANT_BANK_CARD")),
    "bank_type": may(text(32)),
    "bank_account": may(text(1_024)),
    "real_name": may(text(1_024)),
}


def codepay(incoming: Incoming) -> Command:
    """Charge the code that a buyer shows."""
    body = incoming.read_body(CODEPAY)
    return new_order(incoming, body, kind="CODE", trade_type="MICROPAY")


def reverse(incoming: Incoming) -> Command:
    """Undo a payment by code."""
    body = incoming.read_body({"appid": must(APPID), "mchid": must(MCHID)})
    own(body, incoming.mchid)
    number = path_value(incoming, "out_trade_no", NUMBER)
    return ReverseOrder(mchid=incoming.mchid, number=number, appid=body["appid"])


def redirect_refund(incoming: Incoming) -> Command:
    """Send an abnormal refund another way."""
    body = incoming.read_body(REDIRECT_REFUND)
    refund_id = path_value(incoming, "refund_id", CHANNEL_NUMBER)
    return RedirectRefund(mchid=incoming.mchid, number=body["out_refund_no"], refund_id=refund_id)


def deduct(incoming: Incoming) -> Command:
    """Deduct by a contract."""
    body = incoming.read_body(DEDUCT)
    return new_order(
        incoming,
        body,
        kind="DEDUCT",
        trade_type=TRADE_TYPE,
        notify_url=body["transaction_notify_url"],
        contract_id=body["contract_id"],
    )


def sign_contract(incoming: Incoming) -> Command:
    """Ask a buyer to sign."""
    body = incoming.read_body(SIGN_CONTRACT)
    return NewContract(
        mchid=incoming.mchid,
        number=body["out_contract_code"],
        appid=body.get("appid"),
        plan_id=str(body["plan_id"]),
        body=body,
    )


def query_contract(incoming: Incoming) -> Command:
    """How a contract stands."""
    incoming.read_query({})
    return QueryContract(mchid=incoming.mchid, **_in_path(incoming))


def end_contract(incoming: Incoming) -> Command:
    """End a contract."""
    body = incoming.read_body({"contract_termination_remark": must(text(256))})
    remark = body["contract_termination_remark"]
    return EndContract(mchid=incoming.mchid, remark=remark, **_in_path(incoming))


def announce_deduction(incoming: Incoming) -> Command:
    """Tell the buyer that money will be deducted."""
    body = incoming.read_body(ANNOUNCE)
    own(body, incoming.mchid)
    return AnnounceDeduction(
        mchid=incoming.mchid,
        contract_id=path_value(incoming, "contract_id", CONTRACT_ID),
        appid=body["appid"],
        amount=body["estimated_amount"]["amount"],
        days=body.get("deduct_duration", {}).get("count", 1),
    )


def contract_view(contract: Contract) -> View:
    """A contract as queries show it."""
    assert contract.sign_time is not None
    view: View = {
        "mchid": contract.mchid,
        "contract_id": contract.contract_id,
        "appid": contract.appid,
        "plan_id": int(contract.plan_id),
        "out_contract_code": contract.code,
        "contract_display_account": contract.asked["contract_display_account"],
        "contract_state": contract.state,
        "contract_signed_time": beijing.to_text(contract.sign_time),
        "contract_expired_time": beijing.to_text(contract.sign_time + VALID_FOR_MS),
        "openid": contract.openid,
    }
    if "out_user_code" in contract.asked:
        view["out_user_code"] = contract.asked["out_user_code"]
    if contract.terminate_time is not None:
        view["contract_terminate_info"] = {
            "contract_termination_mode": f"{contract.terminated_by}_TERMINATE",
            "contract_terminated_time": beijing.to_text(contract.terminate_time),
            "contract_termination_remark": contract.remark,
        }
    return view


def deducted_view(order: Order) -> View:
    """What an accepted deduction is answered with: accepted, no more."""
    return {
        "out_trade_no": order.number,
        "amount": {"total": order.total, "currency": CURRENCY},
    }


def _in_path(incoming: Incoming) -> dict[str, Any]:
    return {
        "plan_id": path_value(incoming, "plan_id", _PLAN_ID),
        "number": path_value(incoming, "out_contract_code", CONTRACT_CODE),
    }
