"""Bills of the v3 style, written out for tests: one payment of 20.00, one refund of 12.50."""

from tests.channels.v3style.wire import CHARGE_NUMBER, NUMBER

HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
TOTALS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)

PAID = (
    "`2026-03-01 12:00:00,`wx1,`1900000109,`0,`,`4200001,`{charge},`oUp,`NATIVE,`SUCCESS,`OTHERS,"
    "`CNY,`20.00,`0.00,`0,`0,`0.00,`0.00,`,`,`{name},`,`0.12000,`0.60%,`20.00,`0.00,`"
)
REFUNDED = (
    "`2026-03-01 13:00:00,`wx1,`1900000109,`0,`,`4200001,`{charge},`oUp,`NATIVE,`{state},`OTHERS,"
    "`CNY,`0.00,`0.00,`5030001,`{refund},`12.50,`0.00,`ORIGINAL,`{refunded},`tea,`,"
    "`-0.07500,`0.60%,`0.00,`12.50,`"
)
SUMS = "`2,`20.00,`12.50,`0.00,`0.04500,`20.00,`12.50"


def paid(name: str = "tea") -> str:
    """Line of the payment."""
    return PAID.format(charge=CHARGE_NUMBER, name=name)


def refunded(state: str = "REFUND", told: str = "SUCCESS") -> str:
    """Line of the refund."""
    return REFUNDED.format(charge=CHARGE_NUMBER, refund=NUMBER, state=state, refunded=told)


def bill_file(*rows: str, sums: str = SUMS, end: str = "\r\n") -> bytes:
    """The whole file."""
    return "".join(f"{line}{end}" for line in (HEADER, *rows, TOTALS, sums)).encode()
