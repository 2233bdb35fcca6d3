"""Ways of paying that only WeChat Pay has: the payer's barcode, and deduction by contract."""

import re
from datetime import timedelta

from gateway.channels.connector import Call
from gateway.channels.fields import Fields, same
from gateway.channels.requests import bounded, detail
from gateway.channels.v3style.account import Account
from gateway.channels.v3style.answers import charge_outcome
from gateway.channels.v3style.methods import (
    DESCRIPTION_BYTES_MAX,
    Body,
    Fence,
    Method,
    jsapi,
    native,
    order_body,
)
from gateway.channels.v3style.outcomes import pending
from gateway.channels.v3style.resources import read_money
from gateway.channels.wechat.names import WECHAT
from gateway.domain.channel import ChannelRequest, Outcome

REVERSE_AGE_MIN = timedelta(seconds=15)
"""A younger barcode payment is asked about: the payer may be typing the password."""

DEDUCT_AGE_MIN = timedelta(hours=48)
"""An accepted deduction may wait a day and then for daylight before there is an order to be found;
only after that does "not known" mean that none will come."""

_AUTH_CODE = re.compile(r"[0-9]{16,24}")

NATIVE = native(f"{WECHAT.transactions}/native")
JSAPI = jsapi(f"{WECHAT.transactions}/jsapi")


def code(store_id: str) -> Method:
    """Merchant scans the payer's barcode; details: `auth_code`. It is reversed, never closed."""

    def body(account: Account, request: ChannelRequest) -> Body:
        return _code_body(account, request, store_id)

    return Method(f"{WECHAT.transactions}/codepay", body, _paid, Fence.REVERSE, REVERSE_AGE_MIN)


def _code_body(account: Account, request: ChannelRequest, store_id: str) -> Body:
    if not store_id:
        raise ValueError("a barcode payment needs the store's number: configure it")
    auth_code = detail(request, "code", "auth_code")
    if not _AUTH_CODE.fullmatch(auth_code):
        raise ValueError("a barcode is 16 to 24 digits")
    order = order_body(account, request)
    return {
        **{name: order[name] for name in ("appid", "mchid", "description", "out_trade_no")},
        "payer": {"auth_code": auth_code},
        "amount": {"total": request.money.minor_units},
        "scene_info": {"store_info": {"out_id": store_id}},
    }


def _paid(account: Account, call: Call, fields: Fields) -> Outcome:
    """Read the transaction that a barcode payment is answered with."""
    return charge_outcome(account, call, fields)


def _papay_body(account: Account, request: ChannelRequest) -> Body:
    return {
        "appid": account.settings.appid,
        "out_trade_no": request.number,
        "description": bounded(request.description or request.number, DESCRIPTION_BYTES_MAX),
        "transaction_notify_url": account.notify_url,
        "contract_id": detail(request, "papay", "contract_id"),
        "amount": {"total": request.money.minor_units},
    }


def _applied(account: Account, call: Call, fields: Fields) -> Outcome:
    """An application was accepted. Whether it is deducted is told by notification or query."""
    same(fields, "out_trade_no", call.request.number)
    return pending(account, call, "accepted", money=read_money(fields, "total"))


PAPAY = Method(
    "/v3/papay/pay/transactions/apply", _papay_body, _applied, unknown_age_min=DEDUCT_AGE_MIN
)
"""Deduction under a contract, without the payer; details: `contract_id`."""
