"""The methods of the gateway by which the port is served, by the names that go on the wire."""

from enum import StrEnum


class Method(StrEnum):
    """What is asked of Alipay. PAY begins a payment, and captures an amount that is held."""

    PRECREATE = "alipay.trade.precreate"
    PAY = "alipay.trade.pay"
    QUERY = "alipay.trade.query"
    CLOSE = "alipay.trade.close"
    REFUND = "alipay.trade.refund"
    REFUND_QUERY = "alipay.trade.fastpay.refund.query"
    FREEZE = "alipay.fund.auth.order.freeze"
    FREEZE_QUERY = "alipay.fund.auth.operation.detail.query"
    FREEZE_CANCEL = "alipay.fund.auth.operation.cancel"
    UNFREEZE = "alipay.fund.auth.order.unfreeze"
