"""Refunds: what the answer to one proves, and the answer to the question about it.

That a refund was carried out says nothing by itself: a repeated one is carried out too, and moves
nothing. Only `fund_change` Y shows that this very call moved money; otherwise the question decides.
The amounts of the answer are those of all refunds of the trade together, so none is handed on.
"""

from dataclasses import replace

from gateway.channels.alipay.steps import refunded_trade
from gateway.channels.alipay.texts import read_money
from gateway.channels.alipay.trades import NUMBER, TRADE_NO
from gateway.channels.connector import Call, evidence
from gateway.channels.fields import Fields, same
from gateway.channels.outcomes import unknown
from gateway.domain.channel import Outcome, OutcomeClass

REFUND_DONE = "REFUND_SUCCESS"


def refund_outcome(call: Call, node: Fields) -> Outcome:
    """Tell what the answer to a refund proves. Raises Malformed."""
    same(node, *refunded_trade(call.request))
    trade_no = node.text("trade_no", TRADE_NO)
    moved = node.one_of("fund_change", ("Y", "N")) if node.has("fund_change") else "not told"
    return Outcome(
        OutcomeClass.SUCCESS if moved == "Y" else OutcomeClass.PENDING,
        evidence=f"{_about(call)} of {trade_no}: carried out, fund_change {moved}",
    )


def refund_query_outcome(call: Call, node: Fields) -> Outcome:
    """Tell what the answer about a refund proves; without a state there is none, or none yet.

    Raises:
        Malformed: it is about another.
    """
    if not node.has("refund_status"):
        return replace(unknown(f"{_about(call)}: not there"), not_found=True)
    same(node, "out_request_no", call.request.number)
    same(node, *refunded_trade(call.request))
    state, money = node.text("refund_status", NUMBER), read_money(node, "refund_amount")
    done = state == REFUND_DONE
    return Outcome(
        OutcomeClass.SUCCESS if done else OutcomeClass.PENDING,
        money=money,
        evidence=evidence(f"{_about(call)}: {state}, {money}"),
    )


def _about(call: Call) -> str:
    return f"alipay refund {call.request.number} of {call.request.charge_number}"
