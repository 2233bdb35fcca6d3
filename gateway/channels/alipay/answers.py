"""What the verified answer to a method proves: the good ones, and the refusals.

No answer is bound to its request but by the numbers in it, so they are compared. A refusal ends an
attempt only where it refuses exactly what was sent: that a question or a close was refused says
nothing about the charge.
"""

import re
from dataclasses import replace

from gateway.channels.alipay.codes import DONE, Meaning, code_of, failure_of, meaning_of
from gateway.channels.alipay.holds import STATES, hold_outcome, read_hold, release_outcome
from gateway.channels.alipay.methods import Method
from gateway.channels.alipay.refunds import refund_outcome, refund_query_outcome
from gateway.channels.alipay.steps import method_of, queried_number
from gateway.channels.alipay.texts import read_money
from gateway.channels.alipay.trades import OUTCOMES, Trade, read_paid, read_trade
from gateway.channels.connector import Call, evidence
from gateway.channels.fields import Fields, Malformed, same
from gateway.channels.outcomes import closed_outcome, unknown
from gateway.channels.v3style.methods import ACTION_LIFETIME
from gateway.domain.channel import AttemptKind, Outcome, OutcomeClass
from gateway.domain.payment import ActionKind, NextAction

EFFECTS = frozenset({Method.PRECREATE, Method.PAY, Method.FREEZE, Method.REFUND})
"""Methods whose refusal ends the attempt."""

CLOSES = frozenset({Method.CLOSE, Method.FREEZE_CANCEL, Method.UNFREEZE})

_QR_CODE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[!-~]{1,2000}")


def about(call: Call) -> str:
    """Name a call in evidence."""
    return f"alipay {call.action} {call.request.kind} {call.request.number}"


def answer_outcome(call: Call, node: Fields) -> Outcome:
    """Tell what a verified answer proves of the call's attempt.

    Raises:
        Malformed: it is no answer to what was asked.
    """
    method = method_of(call)
    return _READERS[method](call, node) if code_of(node) == DONE else _not_done(call, method, node)


def _scan(call: Call, node: Fields) -> Outcome:
    """Give the QR code. There is no trade before somebody scans it."""
    same(node, "out_trade_no", call.request.number)
    end = min(call.request.expire_time, call.moment + ACTION_LIFETIME)
    action = NextAction(ActionKind.QR_CODE, node.text("qr_code", _QR_CODE), end)
    shown = f"{about(call)}: accepted"
    return Outcome(OutcomeClass.PENDING, next_action=action, evidence=shown)


def _paid(call: Call, node: Fields) -> Outcome:
    return _judged(call, read_paid(node))


def _queried(call: Call, node: Fields) -> Outcome:
    return _judged(call, read_trade(node))


def _judged(call: Call, trade: Trade) -> Outcome:
    if trade.number != queried_number(call.request):
        raise Malformed("out_trade_no is not what was asked about")
    return OUTCOMES[call.request.kind](trade)


def _closed(call: Call, node: Fields) -> Outcome:
    same(node, "out_trade_no", call.request.charge_number)
    return closed_outcome(call, f"{about(call)}: closed")


def _frozen(call: Call, node: Fields) -> Outcome:
    number = call.request.charge_number
    same(node, "out_order_no", number)
    same(node, "out_request_no", number)
    hold = read_hold(node)
    return release_outcome(hold) if call.request.kind is AttemptKind.CANCEL else hold_outcome(hold)


def _freeze_canceled(call: Call, node: Fields) -> Outcome:
    """Read what a cancel did: it closed or released. If it did neither, there was nothing."""
    same(node, "out_order_no", call.request.charge_number)
    if not node.has("action"):
        return replace(unknown(f"{about(call)}: nothing to cancel"), not_found=True)
    action = node.one_of("action", ("close", "unfreeze"))
    return closed_outcome(call, f"{about(call)}: canceled by {action}")


def _unfrozen(call: Call, node: Fields) -> Outcome:
    same(node, "out_request_no", call.request.number)
    money, state = read_money(node, "amount"), node.one_of("status", STATES)
    shown = evidence(f"{about(call)}: {state}, {money}")
    done = OutcomeClass.SUCCESS if state == "SUCCESS" else OutcomeClass.UNKNOWN
    return Outcome(done, money=money, evidence=shown)


def _not_done(call: Call, method: Method, node: Fields) -> Outcome:
    meaning, failure = meaning_of(node), failure_of(node)
    text = f"{code_of(node)} {failure.channel_code}, {failure.message}"
    shown = unknown(f"{about(call)}: {text}")
    if meaning is Meaning.NOT_FOUND:
        return replace(shown, not_found=True)
    failed = replace(shown, outcome=OutcomeClass.FAILED, failure=failure)
    if method in CLOSES:
        return _not_closed(call, meaning, failed)
    charge = call.request.kind is AttemptKind.CHARGE
    outcomes = {
        Meaning.PAYING: replace(shown, outcome=OutcomeClass.PENDING),
        Meaning.CLOSED: replace(failed, closed=charge),
        Meaning.REFUSED: failed,
    }
    return outcomes.get(meaning, shown) if method in EFFECTS else shown


def _not_closed(call: Call, meaning: Meaning, failed: Outcome) -> Outcome:
    """Judge the refusal of a close. One that finds the number closed already has its aim."""
    if meaning is Meaning.CLOSED:
        return closed_outcome(call, failed.evidence)
    if meaning is Meaning.REFUSED and call.request.kind is AttemptKind.CANCEL:
        return failed
    return unknown(failed.evidence)


_READERS = {
    Method.PRECREATE: _scan,
    Method.PAY: _paid,
    Method.QUERY: _queried,
    Method.CLOSE: _closed,
    Method.REFUND: refund_outcome,
    Method.REFUND_QUERY: refund_query_outcome,
    Method.FREEZE: _frozen,
    Method.FREEZE_QUERY: _frozen,
    Method.FREEZE_CANCEL: _freeze_canceled,
    Method.UNFREEZE: _unfrozen,
}
"""How the answer to each method is read, where the call was carried out."""
