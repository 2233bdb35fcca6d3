"""One proven request in one unit of the book: count it, let its fault hit, do it, answer.

The order is fixed: names of fields, counts, a fault that strikes before any effect, the effect, a
fault that strikes after it. Everything up to the answer is one commit, so a rule is used up exactly
when what it asked for has happened, and a request that comes back after kill -9 finds both or
neither. The protocol has no nonce: the same request may come again, and must do nothing new.
"""

from dataclasses import replace
from typing import Final

from gateway.emulators.alipay.answers import Answer, failed, refused
from gateway.emulators.alipay.channel import Channel
from gateway.emulators.alipay.errors import INVALID, LIMITED, Refusal, error_view
from gateway.emulators.alipay.methods import Method
from gateway.emulators.alipay.money import to_yuan
from gateway.emulators.alipay.play import BEFORE_EFFECT, FAULT, NO_FAULT, PLAY, Fault, Play
from gateway.emulators.alipay.reading import Received
from gateway.emulators.alipay.records import View
from gateway.emulators.core import rules, seen, visits
from gateway.emulators.core.book import Transaction

REQUESTS: Final = "requests"
STRANGER: Final = "NOBODYASKEDFORTHIS"

_MAKING: Final = frozenset(("precreate", "pay", "refund", "freeze", "unfreeze", "sign_agreement"))
_AMOUNTS: Final = ("refund_amount", "refund_fee", "amount", "total_amount")
_NUMBERS: Final = ("out_trade_no", "out_order_no", "external_agreement_no")


def perform(txn: Transaction, channel: Channel, received: Received, now: int) -> Answer:
    """The unit of one proven request. Raises OutboxFull."""
    for place, names in received.names.items():
        seen.record(txn, received.operation, place, names)
    visits.count(txn, REQUESTS, received.operation)
    content = rules.take(txn, FAULT, received.operation, received.flat)
    fault = NO_FAULT if content is None else Fault(**content)
    if content is not None:
        visits.record_hit(txn, received.operation, received.number, fault.name, now)
    if fault.name in BEFORE_EFFECT:
        return replace(_struck_before(fault), fault=fault)
    return replace(_struck_after(_act(txn, channel, received, now), fault), fault=fault)


def _act(txn: Transaction, channel: Channel, received: Received, now: int) -> Answer:
    if isinstance(received.request, Refusal):
        return refused(received.request)
    assert received.method is not None
    play = _take_play(txn, received.method, received)
    asked = replace(received.request, play=play)
    try:
        return received.method.act(txn, channel, asked, now)
    except Refusal as refusal:  # raised by decisions only, before anything is written
        return refused(refusal)


def _take_play(txn: Transaction, method: Method, received: Received) -> Play:
    if method.operation not in _MAKING:
        return Play()
    content = rules.take(txn, PLAY, method.operation, received.flat)
    return Play() if content is None else Play(**content)


def _struck_before(fault: Fault) -> Answer:
    match fault.name:
        case "BUSY":
            return refused(Refusal("aop.call-limited", "Too many calls.", code=LIMITED))
        case "SIGN_ERROR":
            refusal = Refusal("isv.invalid-signature", "Not today.", code=INVALID)
            return replace(refused(refusal), signed=False)
        case "REFUSE" | "UNKNOWN_BEFORE_EFFECT":
            return _coded(fault)
    return failed()


def _struck_after(answer: Answer, fault: Fault) -> Answer:
    match fault.name:
        case "UNKNOWN_AFTER_EFFECT":
            answer = replace(answer, view=_coded(fault).view)
        case "SYSTEM_ERROR_AFTER_EFFECT":
            broken = Refusal("ACQ.SYSTEM_ERROR", "Something went wrong.")
            answer = replace(answer, view=broken.view())
        case "NOT_FOUND":
            missing = Refusal("ACQ.TRADE_NOT_EXIST", "There is no trade with this number.")
            answer = replace(answer, view=missing.view())
        case "WRONG_AMOUNT":
            answer = replace(answer, view=_with_wrong_amount(answer.view))
        case "WRONG_NUMBER":
            strange = {name: STRANGER for name in _NUMBERS if name in answer.view}
            answer = replace(answer, view=answer.view | strange)
        case "UNSIGNED":
            answer = replace(answer, signed=False)
    return answer


def _coded(fault: Fault) -> Answer:
    code, sub_code = fault.codes
    return Answer(view=error_view(code, sub_code, f"Played: {sub_code}."))


def _with_wrong_amount(view: View) -> View:
    for name in _AMOUNTS:
        if name in view:
            fen = int(str(view[name]).replace(".", "")) + 1
            return {**view, name: to_yuan(fen)}
    return view
