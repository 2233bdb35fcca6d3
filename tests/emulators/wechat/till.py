"""A shop at WeChat Pay: the bodies it sends, with everything that can be changed."""

from typing import Any

from tests.emulators.v3bench import Reply, Shop, number

ORDERS = "/v3/pay/transactions"
REFUNDS = "/v3/refund/domestic/refunds"
PLAN = 12535
NOTIFY = "http://127.0.0.1:1/notify"


def order(shop: Shop, **fields: Any) -> dict[str, Any]:
    """The body of a native order of one yuan."""
    return {
        "appid": shop.merchant.appid,
        "mchid": shop.merchant.mchid,
        "description": "Image形象店",
        "out_trade_no": number(),
        "notify_url": NOTIFY,
        "amount": {"total": 100},
    } | fields


def code_order(shop: Shop, **fields: Any) -> dict[str, Any]:
    """The body of a payment by code of one yuan."""
    body = order(shop)
    del body["notify_url"]
    body["payer"] = {"auth_code": "130061098828009406"}
    body["scene_info"] = {"store_info": {"id": "0001"}}
    return body | fields


async def create(shop: Shop, way: str = "native", **fields: Any) -> Reply:
    """POST an order."""
    return await shop.ask("POST", f"{ORDERS}/{way}", order(shop, **fields))


async def codepay(shop: Shop, **fields: Any) -> Reply:
    """POST a payment by code."""
    return await shop.ask("POST", f"{ORDERS}/codepay", code_order(shop, **fields))


async def query(shop: Shop, of: str) -> Reply:
    """GET an order by the merchant's number."""
    return await shop.ask("GET", f"{ORDERS}/out-trade-no/{of}?mchid={shop.merchant.mchid}")


async def state(shop: Shop, of: str) -> str:
    """The state of an order."""
    return str((await query(shop, of)).body["trade_state"])


async def close(shop: Shop, of: str) -> Reply:
    """Close an order."""
    body = {"mchid": shop.merchant.mchid}
    return await shop.ask("POST", f"{ORDERS}/out-trade-no/{of}/close", body)


async def reverse(shop: Shop, of: str) -> Reply:
    """Reverse a payment by code."""
    body = {"appid": shop.merchant.appid, "mchid": shop.merchant.mchid}
    return await shop.ask("POST", f"{ORDERS}/out-trade-no/{of}/reverse", body)


async def confirm(shop: Shop, of: str) -> Any:
    """The buyer pays."""
    return await shop.control("POST", f"/control/orders/{of}/confirm", {})


async def paid(shop: Shop, total: int = 100, **fields: Any) -> str:
    """The number of an order that was made and paid."""
    of = number()
    reply = await create(shop, out_trade_no=of, amount={"total": total}, **fields)
    assert reply.status == 200, reply.raw
    await confirm(shop, of)
    return of


async def refund(shop: Shop, of: str, part: int = 100, total: int = 100, **fields: Any) -> Reply:
    """POST a refund of an order."""
    body = {
        "out_trade_no": of,
        "out_refund_no": number(),
        "amount": {"refund": part, "total": total, "currency": "CNY"},
    }
    return await shop.ask("POST", REFUNDS, body | fields)


async def query_refund(shop: Shop, of: str) -> Reply:
    """GET a refund."""
    return await shop.ask("GET", f"{REFUNDS}/{of}")


async def signed_contract(shop: Shop) -> str:
    """The id of a contract that a buyer signed just now."""
    code = number()
    reply = await sign_contract(shop, code)
    assert reply.status == 200, reply.raw
    pre_id = reply.body["pre_entrustweb_id"]
    signed = await shop.control("POST", f"/control/contracts/{pre_id}/sign", {})
    return str(signed["contract_id"])


async def sign_contract(shop: Shop, code: str, **fields: Any) -> Reply:
    """Ask a buyer to sign."""
    body = {
        "appid": shop.merchant.appid,
        "plan_id": PLAN,
        "out_contract_code": code,
        "contract_display_account": "微信代扣用户A",
        "contract_notify_url": NOTIFY,
    }
    return await shop.ask("POST", "/v3/papay/sign/contracts/pre-entrust-sign", body | fields)


async def deduct(shop: Shop, contract_id: str, **fields: Any) -> Reply:
    """Apply for a deduction of one yuan."""
    body = {
        "appid": shop.merchant.appid,
        "out_trade_no": number(),
        "description": "会员",
        "transaction_notify_url": NOTIFY,
        "contract_id": contract_id,
        "amount": {"total": 100},
    }
    return await shop.ask("POST", "/v3/papay/pay/transactions/apply", body | fields)
