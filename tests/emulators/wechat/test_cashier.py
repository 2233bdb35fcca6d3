"""The call from a front end to the cashier is checked as a phone would check it."""

import secrets
import time
from typing import Any

import pytest

from tests.emulators.v3bench import OTHER_MCHID, Shop, number
from tests.emulators.wechat import till


async def jsapi(shop: Shop, **changes: str) -> dict[str, str]:
    """A good call from a web page, with changes made after it was signed."""
    of = number()
    reply = await till.create(shop, "jsapi", out_trade_no=of, payer={"openid": "oBuyer"})
    lines = {
        "appId": shop.merchant.appid,
        "timeStamp": str(int(time.time())),
        "nonceStr": secrets.token_hex(16),
        "package": f"prepay_id={reply.body['prepay_id']}",
    }
    signature = shop.merchant.sign("".join(f"{line}\n" for line in lines.values()).encode())
    return {**lines, "signType": "RSA", "paySign": signature} | changes


async def app(shop: Shop, **changes: str) -> dict[str, str]:
    """A good call from an app, with changes made after it was signed."""
    prepay_id = (await till.create(shop, "app")).body["prepay_id"]
    lines = (shop.merchant.appid, str(int(time.time())), secrets.token_hex(16), prepay_id)
    signature = shop.merchant.sign("".join(f"{line}\n" for line in lines).encode())
    names = ("appid", "timestamp", "noncestr", "prepayid")
    more = {"partnerid": shop.merchant.mchid, "package": "Sign=WXPay", "sign": signature}
    return dict(zip(names, lines, strict=True)) | more | changes


@pytest.mark.parametrize("way", [jsapi, app])
async def test_a_good_call_opens_the_order(shop: Shop, way: Any) -> None:
    """What is to be paid is shown, and can then be paid."""
    found = await shop.control("POST", "/control/scan", {"call_up": await way(shop)})
    assert (found["total"], found["description"]) == (100, "Image形象店")
    await till.confirm(shop, found["out_trade_no"])
    assert await till.state(shop, found["out_trade_no"]) == "SUCCESS"


@pytest.mark.parametrize(
    ("way", "change", "status"),
    [
        (jsapi, {"timeStamp": "1"}, 400),
        (jsapi, {"nonceStr": "x"}, 400),
        (jsapi, {"signType": "MD5"}, 400),
        (jsapi, {"appId": "wx0"}, 400),
        (jsapi, {"paySign": "AAAA"}, 400),
        (jsapi, {"package": "prepay_id=wx0"}, 404),
        (jsapi, {"package": "wx0"}, 400),
        (jsapi, {"extra": "1"}, 400),
        (app, {"package": "prepay_id=x"}, 400),
        (app, {"partnerid": OTHER_MCHID}, 400),
        (app, {"timestamp": "1"}, 400),
        (app, {"prepayid": "wx0"}, 404),
    ],
)
async def test_a_bad_call_opens_nothing(
    shop: Shop, way: Any, change: dict[str, str], status: int
) -> None:
    """Each of the lines, the package and the signature must be right."""
    call_up = await way(shop, **change)
    reply = await shop.try_control("POST", "/control/scan", {"call_up": call_up})
    assert reply.status == status


async def test_a_prepay_id_opens_its_own_kind_of_cashier(shop: Shop) -> None:
    """A prepay id of an app is none of a web page."""
    call_up = await app(shop)
    prepay_id = call_up["prepayid"]
    wrong = await jsapi(shop, package=f"prepay_id={prepay_id}")
    assert (await shop.try_control("POST", "/control/scan", {"call_up": wrong})).status == 400
