"""The requests that both channels of the family take, and the commands they make."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from gateway.emulators.core import beijing
from gateway.emulators.core.fields import Fields, InvalidField
from gateway.emulators.core.shapes import Shape, choice, may, must, text
from gateway.emulators.v3style.allowlists import (
    CHANNEL_NUMBER,
    MCHID,
    NUMBER,
    PREPAY_BY_TRADE_TYPE,
    REFUND_NUMBER,
)
from gateway.emulators.v3style.commands import (
    AskBill,
    BillVariant,
    CloseOrder,
    Command,
    FetchBill,
    ListCertificates,
    NewOrder,
    NewRefund,
    QueryOrder,
    QueryRefund,
)
from gateway.emulators.v3style.incoming import Incoming, own


def prepay(trade_type: str) -> Callable[[Incoming], Command]:
    """The reader of a new order of a trade type."""

    def read(incoming: Incoming) -> Command:
        body = incoming.read_body(PREPAY_BY_TRADE_TYPE[trade_type])
        return new_order(incoming, body, kind="PREPAY", trade_type=trade_type)

    return read


def new_order(incoming: Incoming, body: dict[str, Any], **more: Any) -> NewOrder:
    """The command of any order, with what all of them have."""
    own(body, incoming.mchid)
    expire = body.get("time_expire")
    values: dict[str, Any] = {
        "mchid": incoming.mchid,
        "number": body["out_trade_no"],
        "appid": body["appid"],
        "total": body["amount"]["total"],
        "notify_url": body.get("notify_url"),
        "expire_time": None if expire is None else beijing.from_text(expire),
        "openid": body.get("payer", {}).get("openid"),
        "body": body,
    }
    return NewOrder(**values | more)


def query_by_number(incoming: Incoming) -> Command:
    """How the order under the merchant's number stands."""
    own(incoming.read_query({"mchid": must(MCHID)}), incoming.mchid)
    return QueryOrder(mchid=incoming.mchid, number=path_value(incoming, "out_trade_no", NUMBER))


def query_by_transaction(incoming: Incoming) -> Command:
    """How the order under the channel's number stands."""
    own(incoming.read_query({"mchid": must(MCHID)}), incoming.mchid)
    transaction_id = path_value(incoming, "transaction_id", CHANNEL_NUMBER)
    return QueryOrder(mchid=incoming.mchid, transaction_id=transaction_id)


def close(incoming: Incoming) -> Command:
    """Close an order."""
    own(incoming.read_body({"mchid": must(MCHID)}), incoming.mchid)
    return CloseOrder(mchid=incoming.mchid, number=path_value(incoming, "out_trade_no", NUMBER))


def refund(shape: Shape) -> Callable[[Incoming], Command]:
    """The reader of a new refund of a shape."""

    def read(incoming: Incoming) -> Command:
        body = incoming.read_body(shape)
        own(body, incoming.mchid)
        if "transaction_id" not in body and "out_trade_no" not in body:
            raise InvalidField("out_trade_no", "or transaction_id is required")
        return NewRefund(
            mchid=incoming.mchid,
            number=body["out_refund_no"],
            order_number=body.get("out_trade_no"),
            transaction_id=body.get("transaction_id"),
            amount=body["amount"]["refund"],
            total=body["amount"]["total"],
            notify_url=body.get("notify_url"),
            body=body,
        )

    return read


def query_refund(shape: Shape) -> Callable[[Incoming], Command]:
    """The reader of a query of a refund whose parameters have a shape."""

    def read(incoming: Incoming) -> Command:
        own(incoming.read_query(shape), incoming.mchid)
        number = path_value(incoming, "out_refund_no", REFUND_NUMBER)
        return QueryRefund(mchid=incoming.mchid, number=number)

    return read


def list_certificates(incoming: Incoming) -> Command:
    """The platform's certificates."""
    incoming.read_query({})
    return ListCertificates(mchid=incoming.mchid)


def ask_bill(shape: Shape, variants: Mapping[str, BillVariant]) -> Callable[[Incoming], Command]:
    """The reader of a query for a bill; `variants` are the types that may be asked for."""

    def read(incoming: Incoming) -> Command:
        query = incoming.read_query(shape)
        own(query, incoming.mchid)
        return AskBill(
            mchid=incoming.mchid,
            day=date.fromisoformat(query["bill_date"]),
            variant=variants[query["bill_type"]],
            gzip=query.get("tar_type") == "GZIP",
            host=incoming.headers.get("host", ""),
        )

    return read


def fetch_bill(incoming: Incoming) -> Command:
    """Download a bill."""
    shape = {"token": must(text(128)), "tartype": may(choice("gzip"))}
    return FetchBill(mchid=incoming.mchid, token=incoming.read_query(shape)["token"])


def path_value(incoming: Incoming, name: str, read: Callable[[Fields, str], str]) -> str:
    """A value of the path by its rule. Raises InvalidField."""
    return read(Fields(dict(incoming.path)), name)
