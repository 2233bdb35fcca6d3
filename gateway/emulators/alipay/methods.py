"""Everything that can be asked of gateway.do: by method, what may come with it and what it does."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from gateway.emulators.alipay import (
    agreeing,
    allowlists,
    billing,
    freezing,
    ordering,
    refunding,
    standing,
)
from gateway.emulators.alipay.answers import Answer, done
from gateway.emulators.alipay.channel import Asked, Channel
from gateway.emulators.alipay.errors import Refusal
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.shapes import Shape

Act = Callable[[Transaction, Channel, Asked, int], Answer]
Choose = Callable[[dict[str, Any]], Shape]

PRODUCT: Final = "ACQ.INVALID_PARAMETER"


@dataclass(frozen=True)
class Method:
    """One method: its allow-list, what it does, and the number that hits are filed under."""

    name: str
    operation: str
    choose: Choose  # the allow-list, by what was asked
    act: Act
    number: str = "out_trade_no"
    invalid: str = PRODUCT  # the sub code for a biz_content that breaks the allow-list

    @property
    def node(self) -> str:
        """The name of the answer's content."""
        return f"{self.name.replace('.', '_')}_response"


def show_certificate(_txn: Transaction, channel: Channel, asked: Asked, _now: int) -> Answer:
    """A certificate of Alipay's by its SN, with its issuer's."""
    for key in channel.keys.certificates:
        if key.sn == asked.biz["alipay_cert_sn"]:
            return done({"alipay_cert_content": base64.b64encode(key.pem.encode()).decode()})
    raise Refusal("INVALID_PARAMETER", "There is no certificate with this SN.")


def _always(shape: Shape) -> Choose:
    return lambda _biz: shape


def _choose_payment(biz: dict[str, Any]) -> Shape:
    if "agreement_params" in biz:
        return allowlists.PAY_BY_AGREEMENT
    return allowlists.PAY_FROZEN if "auth_no" in biz else allowlists.PAY_BY_CODE


def _method(name: str, operation: str, shape: Shape | Choose, act: Act, **more: str) -> Method:
    choose = shape if callable(shape) else _always(shape)
    return Method(name, operation, choose, act, **more)


_FUND: Final = {"number": "out_order_no", "invalid": "ILLEGAL_ARGUMENT"}
_USER: Final = {"number": "external_agreement_no", "invalid": "INVALID_PARAMETER"}

METHODS: Final[dict[str, Method]] = {
    method.name: method
    for method in (
        _method("alipay.trade.precreate", "precreate", allowlists.PRECREATE, ordering.precreate),
        _method("alipay.trade.pay", "pay", _choose_payment, ordering.pay),
        _method("alipay.trade.query", "query", allowlists.QUERY, standing.query),
        _method("alipay.trade.close", "close", allowlists.CLOSE, standing.close),
        _method("alipay.trade.cancel", "cancel", allowlists.CANCEL, standing.cancel),
        _method("alipay.trade.refund", "refund", allowlists.REFUND, refunding.make),
        _method(
            "alipay.trade.fastpay.refund.query",
            "query_refund",
            allowlists.QUERY_REFUND,
            refunding.query,
            number="out_request_no",
        ),
        _method(
            "alipay.fund.auth.order.freeze", "freeze", allowlists.FREEZE, freezing.freeze, **_FUND
        ),
        _method(
            "alipay.fund.auth.order.unfreeze",
            "unfreeze",
            allowlists.UNFREEZE,
            freezing.unfreeze,
            number="out_request_no",
            invalid="ILLEGAL_ARGUMENT",
        ),
        _method(
            "alipay.fund.auth.operation.detail.query",
            "query_authorization",
            allowlists.QUERY_AUTHORIZATION,
            freezing.query,
            **_FUND,
        ),
        _method(
            "alipay.fund.auth.operation.cancel",
            "cancel_authorization",
            allowlists.CANCEL_AUTHORIZATION,
            freezing.cancel,
            **_FUND,
        ),
        _method(
            "alipay.user.agreement.page.sign",
            "sign_agreement",
            allowlists.SIGN_AGREEMENT,
            agreeing.ask,
            **_USER,
        ),
        _method(
            "alipay.user.agreement.query",
            "query_agreement",
            allowlists.QUERY_AGREEMENT,
            agreeing.query,
            **_USER,
        ),
        _method(
            "alipay.user.agreement.unsign",
            "end_agreement",
            allowlists.END_AGREEMENT,
            agreeing.end,
            **_USER,
        ),
        _method(
            "alipay.data.dataservice.bill.downloadurl.query",
            "bill",
            allowlists.BILL,
            billing.ask,
            number="bill_date",
            invalid="INVAILID_ARGUMENTS",
        ),
        _method(
            "alipay.open.app.alipaycert.download",
            "certificate",
            allowlists.CERTIFICATE,
            show_certificate,
            number="alipay_cert_sn",
            invalid="INVALID_PARAMETER",
        ),
    )
}
BILL_DOWNLOAD: Final = "bill_download"
OPERATIONS: Final = frozenset(method.operation for method in METHODS.values()) | {BILL_DOWNLOAD}
