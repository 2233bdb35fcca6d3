"""What is said about orders: the fields of answers and notifications, before they are signed.

An answer repeats what identifies the request. That is all that binds it: ACP has neither nonce nor
timestamp, so whoever receives a good signature must still see whose order it is about.
"""

from collections.abc import Mapping
from typing import Final

from gateway.emulators.unionpay import codes
from gateway.emulators.unionpay.allowlists import CURRENCY
from gateway.emulators.unionpay.form import ENCODING, Fields
from gateway.emulators.unionpay.orders import Order
from gateway.emulators.unionpay.requests import AUTHORIZE, CONSUME
from gateway.emulators.unionpay.signing import VERSION

SIGN_METHOD: Final = "01"
OTHER_MERCHANT: Final = "799999999999999"
OTHER_CURRENCY: Final = "840"

_REPEATED: Final = (
    *("accessType", "bizType", "encoding", "merId", "orderId", "txnTime"),
    *("txnType", "txnSubType", "reqReserved", "settleDate", "fileType"),
)
_TEXT_MAX: Final = 1024


def answer(asked: Mapping[str, str], code: str, detail: str | None = None) -> Fields:
    """The answer to a request that was read, or could be read in part."""
    repeated = {name: asked[name] for name in _REPEATED if _is_plain(asked.get(name, ""))}
    said = {"respCode": code, "respMsg": codes.message(code, detail)}
    fixed = {"version": VERSION, "signMethod": SIGN_METHOD}
    return {"encoding": ENCODING, **repeated, **fixed, **said}


def accepted(order: Order, asked: Mapping[str, str], code: str) -> Fields:
    """The answer to a request that made an order."""
    fields = answer(asked, code)
    if order.tn is not None:
        return {**fields, "tn": order.tn}
    fields["txnAmt"] = str(order.amount)
    if code == codes.SUCCESS:
        assert order.query_id is not None
        fields["queryId"] = order.query_id
    return fields | _origin(order)


def found(order: Order, asked: Mapping[str, str]) -> Fields:
    """The answer to a query: how the query went, and how the order stands."""
    fields = answer({**asked, "txnType": order.txn_type, "txnSubType": order.txn_sub_type}, "00")
    fields |= {
        "origRespCode": order.code,
        "origRespMsg": codes.message(order.code),
        "txnAmt": str(order.amount),
    }
    if order.state != "SUCCEEDED":
        return {**fields, "settleAmt": "0"}
    return fields | _settled(order)


def told(order: Order) -> Fields:
    """What a notification says."""
    fields = {**answer(order.asked, order.code), "txnAmt": str(order.amount)}
    return fields | _settled(order) if order.state == "SUCCEEDED" else fields


def lie(fields: Fields, name: str) -> Fields:
    """The same with one thing wrong, to be signed like the truth."""
    wrong: Fields = {}
    match name:
        case "WRONG_AMOUNT":
            wrong = {
                key: str(int(fields[key]) + 1) for key in ("txnAmt", "settleAmt") if key in fields
            }
        case "WRONG_NUMBER":
            wrong = {"orderId": fields.get("orderId", "")[::-1] + "X"}
        case "WRONG_TIME":
            wrong = {"txnTime": "20200101000000"}
        case "WRONG_MERCHANT":
            wrong = {"merId": OTHER_MERCHANT}
        case "WRONG_CURRENCY":
            wrong = {"currencyCode": OTHER_CURRENCY, "settleCurrencyCode": OTHER_CURRENCY}
    return fields | wrong


def _settled(order: Order) -> Fields:
    assert order.query_id is not None
    fields = {
        "currencyCode": CURRENCY,
        "queryId": order.query_id,
        "settleAmt": str(order.amount),
        "settleCurrencyCode": CURRENCY,
        "settleDate": order.settled.strftime("%m%d"),
        "traceNo": order.trace_no,
        "traceTime": order.txn_time[4:],
    }
    if order.txn_type in (CONSUME, AUTHORIZE):
        fields |= {"accNo": order.account, "payCardType": "01"}
    return fields | _origin(order)


def _origin(order: Order) -> Fields:
    orig_query_id = order.asked.get("origQryId")
    return {} if orig_query_id is None else {"origQryId": orig_query_id}


def _is_plain(text: str) -> bool:
    """Whether a value can stand in an answer without being taken for more than one."""
    return 0 < len(text) <= _TEXT_MAX and not any(mark in text for mark in "&={}\r\n")
