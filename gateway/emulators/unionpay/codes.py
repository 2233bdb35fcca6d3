"""How UnionPay answers: a code of two characters and a sentence, inside an ordinary reply.

Refusal         answered signed, once it is known who asks; nothing was done
Unauthenticated answered unsigned; nobody is known to have asked

The codes are those of the published table of ACP. Another table, that of the card hosts, has the
same numbers with other meanings: 05 means here that a transaction was accepted.
"""

from typing import Final

SUCCESS, FLAWED_SUCCESS = "00", "A6"
ACCEPTED: Final = "05"
UNKNOWN_ORDER: Final = "34"
LATE_MONEY: Final = "42"
SUCCESSES: Final = frozenset((SUCCESS, FLAWED_SUCCESS))
INTERMEDIATE: Final = frozenset(("03", "04", ACCEPTED))

MEANINGS: Final = {
    "00": "成功",
    "01": "交易失败",
    "02": "系统未开放或暂时关闭",
    "03": "交易通讯超时",
    "04": "交易状态未明",
    "05": "交易已受理",
    "06": "系统繁忙",
    "10": "报文格式错误",
    "11": "验证签名失败",
    "12": "重复交易",
    "13": "报文交易要素缺失",
    "30": "交易未通过",
    "31": "商户状态不正确",
    "32": "无此交易权限",
    "33": "交易金额超限",
    "34": "查无此交易",
    "35": "原交易不存在或状态不正确",
    "36": "与原交易信息不符",
    "37": "已超过最大查询次数或操作过于频繁",
    "38": "银联风险受限",
    "39": "交易不在受理时间范围内",
    "42": "扣款成功但交易超过规定支付时间",
    "45": "原交易已被成功退货或已被成功撤销",
    "60": "详情请咨询您的发卡行",
    "61": "输入的卡号无效",
    "63": "卡状态不正确",
    "64": "卡上的余额不足",
    "98": "文件不存在",
    "A6": "有缺陷的成功",
}
_OTHER: Final = "交易失败"


class Refusal(Exception):
    """A request that is refused; nothing was done."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Unauthenticated(Refusal):
    """A request that is not proven to come from a merchant."""


def message(code: str, detail: str | None = None) -> str:
    """The sentence that goes with a code; in brackets what is the matter."""
    note = detail or ("0000000" if code in SUCCESSES else f"60{code}000")
    return f"{MEANINGS.get(code, _OTHER)}[{note}]"
