"""A shop at Douyin Pay: the bodies it sends, with everything that can be changed."""

from typing import Any

from tests.emulators.v3bench import Reply, Shop, number

ORDERS = "/v1/trade/transactions"
REFUNDS = "/v1/trade/refund/domestic/refunds"
PLAN = "7312"
NOTIFY = "http://127.0.0.1:1/notify"


async def create(shop: Shop, way: str = "native", **fields: Any) -> Reply:
    """POST an order of one yuan."""
    body = {
        "appid": shop.merchant.appid,
        "mchid": shop.merchant.mchid,
        "description": "短视频会员",
        "out_trade_no": number(),
        "notify_url": NOTIFY,
        "amount": {"total": 100, "currency": "CNY"},
    }
    return await shop.ask("POST", f"{ORDERS}/{way}", body | fields)


async def query(shop: Shop, of: str) -> Any:
    """An order by the merchant's number."""
    reply = await shop.ask("GET", f"{ORDERS}/out-trade-no/{of}?mchid={shop.merchant.mchid}")
    assert reply.status == 200, reply.raw
    return reply.body


async def paid(shop: Shop, **fields: Any) -> str:
    """The number of an order that was made and paid."""
    of = number()
    assert (await create(shop, out_trade_no=of, **fields)).status == 200
    await shop.control("POST", f"/control/orders/{of}/confirm", {})
    return of


async def refund(shop: Shop, of: str, part: int = 100, **fields: Any) -> Reply:
    """POST a refund of an order of one yuan."""
    body = {
        "mchid": shop.merchant.mchid,
        "appid": shop.merchant.appid,
        "out_trade_no": of,
        "out_refund_no": number(),
        "amount": {"refund": part, "total": 100, "currency": "CNY"},
    }
    return await shop.ask("POST", REFUNDS, body | fields)


async def sign_contract(shop: Shop, code: str, way: str = "preentrustweb", **more: Any) -> Reply:
    """Ask a buyer to sign."""
    body = {
        "appid": shop.merchant.appid,
        "mchid": shop.merchant.mchid,
        "out_contract_code": code,
        "plan_id": PLAN,
        "request_serial": 1,
        "contract_display_account": "抖音用户A",
        "notify_url": NOTIFY,
    }
    return await shop.ask("POST", f"/v1/agreementauth/{way}", body | more)


async def signed_contract(shop: Shop) -> str:
    """The id of a contract that a buyer signed just now."""
    pre_id = (await sign_contract(shop, number())).body["pre_entrustweb_id"]
    return str((await shop.control("POST", f"/control/contracts/{pre_id}/sign", {}))["contract_id"])


async def deduct(shop: Shop, contract_id: str, **fields: Any) -> Reply:
    """Apply for a deduction of one yuan."""
    body = {
        "appid": shop.merchant.appid,
        "mchid": shop.merchant.mchid,
        "out_trade_no": number(),
        "contract_id": contract_id,
        "trade_type": "SGP",
        "description": "会员",
        "notify_url": NOTIFY,
        "amount": {"total": 100, "currency": "CNY"},
    }
    return await shop.ask("POST", "/v1/deduct/payapply", body | fields)
