"""A shop at Alipay: what it asks for, with everything that can be changed."""

from typing import Any

from tests.emulators.alipay.merchant import Reply, Shop, number

BARCODE = "28763443825664394"


def order(**fields: Any) -> dict[str, Any]:
    """What any trade of one yuan is asked for with."""
    plain = {"out_trade_no": number(), "total_amount": "1.00", "subject": 'Iphone6 {"16}"G 形象店'}
    return plain | fields


async def precreate(shop: Shop, notify_url: str | None = None, **fields: Any) -> Reply:
    """A code for a buyer to scan."""
    return await shop.ask("alipay.trade.precreate", order(**fields), notify_url=notify_url)


async def pay(shop: Shop, notify_url: str | None = None, **fields: Any) -> Reply:
    """A payment by the buyer's code."""
    body = {"scene": "bar_code", "auth_code": BARCODE} | order(**fields)
    return await shop.ask("alipay.trade.pay", body, notify_url=notify_url)


async def deduct(shop: Shop, agreement_no: str, **fields: Any) -> Reply:
    """A payment by agreement."""
    body = order(
        product_code="GENERAL_WITHHOLDING", agreement_params={"agreement_no": agreement_no}
    )
    return await shop.ask("alipay.trade.pay", body | fields)


async def capture(shop: Shop, auth_no: str, **fields: Any) -> Reply:
    """A payment out of frozen money."""
    return await shop.ask(
        "alipay.trade.pay", order(product_code="PRE_AUTH", auth_no=auth_no) | fields
    )


async def query(shop: Shop, of: str) -> Reply:
    """How a trade stands."""
    return await shop.ask("alipay.trade.query", {"out_trade_no": of})


async def state(shop: Shop, of: str) -> str:
    """The state of a trade, or the code that says that there is none."""
    content = (await query(shop, of)).content
    return str(content.get("trade_status") or content["sub_code"])


async def close(shop: Shop, of: str, notify_url: str | None = None) -> Reply:
    """Close a trade."""
    return await shop.ask("alipay.trade.close", {"out_trade_no": of}, notify_url=notify_url)


async def cancel(shop: Shop, of: str) -> Reply:
    """Undo a payment."""
    return await shop.ask("alipay.trade.cancel", {"out_trade_no": of})


async def refund(shop: Shop, of: str, amount: str = "1.00", **fields: Any) -> Reply:
    """Give money of a trade back."""
    body = {"out_trade_no": of, "refund_amount": amount, "out_request_no": number()} | fields
    return await shop.ask("alipay.trade.refund", body)


async def query_refund(shop: Shop, of: str, request: str, **fields: Any) -> Reply:
    """How a refund stands."""
    body = {"out_trade_no": of, "out_request_no": request} | fields
    return await shop.ask("alipay.trade.fastpay.refund.query", body)


async def freeze(shop: Shop, notify_url: str | None = None, **fields: Any) -> Reply:
    """Freeze a yuan of the buyer whose code it is."""
    body = {
        "auth_code": BARCODE,
        "auth_code_type": "bar_code",
        "out_order_no": number(),
        "out_request_no": number(),
        "order_title": "押金",
        "amount": "1.00",
        "product_code": "PRE_AUTH",
    }
    return await shop.ask("alipay.fund.auth.order.freeze", body | fields, notify_url=notify_url)


async def unfreeze(shop: Shop, auth_no: str, amount: str = "1.00", **fields: Any) -> Reply:
    """Give frozen money free."""
    body = {"auth_no": auth_no, "out_request_no": number(), "amount": amount, "remark": "free"}
    return await shop.ask("alipay.fund.auth.order.unfreeze", body | fields)


async def query_frozen(shop: Shop, **fields: Any) -> Reply:
    """How an authorisation stands."""
    return await shop.ask("alipay.fund.auth.operation.detail.query", fields)


async def call_off(shop: Shop, **fields: Any) -> Reply:
    """Call a whole authorisation off."""
    return await shop.ask("alipay.fund.auth.operation.cancel", {"remark": "off"} | fields)


async def confirm(shop: Shop, of: str, **fields: Any) -> Any:
    """The buyer pays."""
    return await shop.control("POST", f"/control/trades/{of}/confirm", fields)


async def paid(shop: Shop, total: str = "1.00", notify_url: str | None = None, **more: Any) -> str:
    """The number of a trade that was paid by the buyer's code."""
    of = number()
    reply = await pay(shop, notify_url, out_trade_no=of, total_amount=total, **more)
    assert reply.code == "10000", reply.raw
    return of


async def agreed(shop: Shop, **fields: Any) -> str:
    """The number of an agreement that a buyer signed just now."""
    signed = await shop.control("POST", "/control/agreements", fields)
    return str(signed["agreement_no"])
