"""Bodies are read strictly: what is not on the list, or not of its form, is refused by name."""

from typing import Any

import pytest

from tests.emulators.v3bench import Shop, number
from tests.emulators.wechat import till

UNKNOWN_FIELD = 270924358

BAD_ORDERS: list[tuple[str, dict[str, Any]]] = [
    ("amount.total", {"amount": {"total": "100"}}),
    ("amount.total", {"amount": {"total": 1.0}}),
    ("amount.total", {"amount": {"total": 0}}),
    ("amount.total", {"amount": {"total": -1}}),
    ("amount.total", {"amount": {"total": True}}),
    ("amount.total", {"amount": {"total": None}}),
    ("amount.total", {"amount": {"total": 2**63}}),
    ("amount.total", {"amount": {}}),
    ("amount.currency", {"amount": {"total": 1, "currency": "USD"}}),
    ("amount.currency", {"amount": {"total": 1, "currency": "cny"}}),
    ("amount", {"amount": 100}),
    ("amount", {"amount": [{"total": 100}]}),
    ("out_trade_no", {"out_trade_no": "short"}),
    ("out_trade_no", {"out_trade_no": "x" * 33}),
    ("out_trade_no", {"out_trade_no": "with space 1"}),
    ("out_trade_no", {"out_trade_no": "with@sign1"}),
    ("out_trade_no", {"out_trade_no": "全角数字１２３"}),
    ("out_trade_no", {"out_trade_no": 12345678}),
    ("description", {"description": ""}),
    ("description", {"description": "x" * 128}),
    ("description", {"description": "a\nb"}),
    ("notify_url", {"notify_url": "https://h.example/n?x=1"}),
    ("notify_url", {"notify_url": "https://h.example"}),
    ("notify_url", {"notify_url": "/notify"}),
    ("notify_url", {"notify_url": "https://u@h.example/n"}),
    ("time_expire", {"time_expire": "2099-06-08T10:34:56Z"}),
    ("time_expire", {"time_expire": "2099-13-08T10:34:56+08:00"}),
    ("time_expire", {"time_expire": "2099-06-08 10:34:56"}),
    ("support_fapiao", {"support_fapiao": "true"}),
    ("limit_pay", {"limit_pay": "no_credit"}),
    ("detail.goods_detail[0].quantity", {"detail": {"goods_detail": [{"merchant_goods_id": "1"}]}}),
]


@pytest.mark.parametrize(("field", "change"), BAD_ORDERS)
async def test_what_has_not_its_form_is_refused(
    shop: Shop, field: str, change: dict[str, Any]
) -> None:
    """A wrong type, range, charset or length is PARAM_ERROR and names the field."""
    reply = await till.create(shop, **change)
    assert (reply.status, reply.code, reply.number) == (400, "PARAM_ERROR", 268435461)
    assert reply.body["detail"]["field"] == "/" + field.replace(".", "/")
    assert reply.signed


@pytest.mark.parametrize(
    ("way", "change", "field"),
    [
        ("native", {"payer": {"openid": "o1"}}, "payer"),
        ("native", {"extra": 1}, "extra"),
        ("native", {"amount": {"total": 1, "refund": 1}}, "amount.refund"),
        ("native", {"scene_info": {"payer_client_ip": "::1", "name": "x"}}, "scene_info.name"),
        ("jsapi", {"payer": {"openid": "o1", "phone": "1"}}, "payer.phone"),
    ],
)
async def test_unknown_fields_are_an_error(
    shop: Shop, way: str, change: dict[str, Any], field: str
) -> None:
    """A field that stands on no list is refused with the number of its own kind."""
    reply = await till.create(shop, way, **change)
    assert (reply.status, reply.code, reply.number) == (400, "PARAM_ERROR", UNKNOWN_FIELD)
    assert reply.body["detail"]["field"] == "/" + field.replace(".", "/")
    assert (await shop.summary())["orders"] == 0


@pytest.mark.parametrize("field", ["appid", "mchid", "description", "out_trade_no", "notify_url"])
async def test_what_must_be_there_must_be_there(shop: Shop, field: str) -> None:
    """A required field that is missing is named."""
    body = till.order(shop)
    del body[field]
    reply = await shop.ask("POST", f"{till.ORDERS}/native", body)
    assert (reply.status, reply.body["detail"]["field"]) == (400, f"/{field}")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"{",
        b'{"mchid":"1","mchid":"1"}',
        b'{"amount":NaN}',
        b"\xff",
        b'{"description":"\xed\xa0\x80"}',
    ],
)
async def test_what_is_no_json_object_is_refused(shop: Shop, raw: bytes) -> None:
    """No JSON, no object, a name twice, NaN, bad UTF-8: PARAM_ERROR, signed."""
    headers = {"Content-Type": "application/json"}
    reply = await shop.ask("POST", f"{till.ORDERS}/native", raw, headers=headers)
    assert (reply.status, reply.code, reply.signed) == (400, "PARAM_ERROR", True)


async def test_queries_take_what_they_need_and_no_more(shop: Shop) -> None:
    """An unknown parameter, one that comes twice, and a body with a GET are refused."""
    of = await till.paid(shop)
    base = f"{till.ORDERS}/out-trade-no/{of}?mchid={shop.merchant.mchid}"
    for target in (f"{base}&x=1", f"{base}&mchid={shop.merchant.mchid}", base.replace("=", "")):
        assert (await shop.ask("GET", target)).code == "PARAM_ERROR"
    assert (await shop.ask("GET", base, b"{}")).code == "PARAM_ERROR"
    assert (await shop.ask("GET", base)).status == 200


async def test_longest_values_pass(shop: Shop) -> None:
    """What is just within every bound is accepted; lengths are counted in characters."""
    reply = await till.create(
        shop,
        description="漢" * 127,
        attach="x" * 128,
        out_trade_no=number().ljust(32, "*"),
        amount={"total": 2**53 - 1, "currency": "CNY"},
        goods_tag="g" * 32,
        limit_pay=["no_credit"],
        settle_info={"profit_sharing": False},
        detail={"goods_detail": [{"merchant_goods_id": "1", "quantity": 1, "unit_price": 0}]},
    )
    assert reply.status == 200, reply.raw


async def test_every_name_that_arrives_is_written_down(shop: Shop) -> None:
    """Names of headers, parameters and members are listed by operation, refused ones too."""
    await till.create(shop, secret_phone="13800000000", detail={"goods_detail": [{"x": 1}]})
    await till.query(shop, number())
    reply = await shop.try_control("GET", "/control/fields")
    fields = reply.body["fields"]
    assert {"secret_phone", "amount.total", "detail.goods_detail[].x"} <= {
        *fields["create"]["body"]
    }
    assert fields["query"]["query"] == ["mchid"]
    assert "authorization" in fields["query"]["header"]
    assert b"13800000000" not in reply.raw
