"""Ways of paying at Douyin Pay: those of the v3 style, and its own deduction by contract."""

from datetime import timedelta

from gateway.channels.connector import Call
from gateway.channels.douyin.names import DOUYIN
from gateway.channels.fields import Fields
from gateway.channels.requests import detail
from gateway.channels.v3style.account import Account
from gateway.channels.v3style.methods import Body, Method, jsapi, native, order_body
from gateway.channels.v3style.outcomes import pending
from gateway.domain.channel import ChannelRequest, Outcome

DEDUCT_AGE_MIN = timedelta(hours=48)
"""When an accepted deduction is carried out is not documented; WeChat Pay's bound is assumed."""

NATIVE = native(f"{DOUYIN.transactions}/native")
JSAPI = jsapi(f"{DOUYIN.transactions}/jsapi")


def deduct(trade_type: str) -> Method:
    """Deduction under a contract, without the payer; details: `contract_id`."""

    def body(account: Account, request: ChannelRequest) -> Body:
        contract_id = detail(request, "deduct", "contract_id")
        order = order_body(account, request)
        return order | {"contract_id": contract_id, "trade_type": trade_type}

    return Method("/v1/deduct/payapply", body, _applied, unknown_age_min=DEDUCT_AGE_MIN)


def _applied(account: Account, call: Call, fields: Fields) -> Outcome:
    """An application was accepted. Whether it is deducted is told by notification or query."""
    fields.one_of("result_code", ("SUCCESS",))
    return pending(account, call, "accepted")
