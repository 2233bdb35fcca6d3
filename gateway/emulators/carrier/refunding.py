"""Refunds: made, asked after, and what remains. Each function is one request in a unit."""

from gateway.emulators.carrier import notices, refunds, rows, settlement
from gateway.emulators.carrier.amounts import to_number, to_thousandths
from gateway.emulators.carrier.answers import CREATED, Answer
from gateway.emulators.carrier.commands import NewRefund, QueryRefund, QueryRemaining
from gateway.emulators.carrier.errors import CBR, Refusal
from gateway.emulators.carrier.payments import Payment
from gateway.emulators.carrier.play import Play
from gateway.emulators.carrier.records import new_id
from gateway.emulators.carrier.refunds import Refund
from gateway.emulators.carrier.repeating import refuse_repeat
from gateway.emulators.carrier.turns import Turn
from gateway.emulators.core import outbox


def make(turn: Turn, asked: NewRefund) -> Answer:
    """A new refund."""
    payment = turn.own_payment(asked.payment_id)
    kept = rows.find_made(
        turn.txn, "refund", turn.caller.client_id, asked.correlator, asked.reference
    )
    if isinstance(kept, Refund):
        same = (kept.payment_seq, kept.request) == (payment.seq, asked.text)
        refuse_repeat(turn.house, asked.correlator, is_same=same)
        return Answer(status=CREATED, view=kept.view())
    amount = _check(turn, payment, asked)
    play = turn.take_play() or Play()
    if play.answer == "DENIED":
        raise Refusal(f"{CBR}REFUND_DENIED", play.reason)
    return _begin(turn, rows.insert(turn.txn, _new(turn, asked, payment, amount, play)))


def query(turn: Turn, asked: QueryRefund) -> Answer:
    """How a refund stands."""
    return Answer(view=turn.own_refund(asked.payment_id, asked.refund_id).view())


def query_remaining(turn: Turn, asked: QueryRemaining) -> Answer:
    """What could still be given back."""
    payment = turn.own_payment(asked.payment_id)
    left = refunds.remaining(payment, rows.read_refunds(turn.txn, payment))
    charging = payment.asked["paymentAmount"]["chargingInformation"]
    view = {
        "amount": to_number(left),
        "currency": payment.currency,
        "isTaxIncluded": charging["isTaxIncluded"],
    }
    return Answer(view=view)


def _check(turn: Turn, payment: Payment, asked: NewRefund) -> int:
    """How much is to be given back, in thousandths. Raises Refusal."""
    if payment.success_time is None:
        raise Refusal(f"{CBR}INVALID_PAYMENT_STATUS", "Payment is not yet completed.")
    if turn.now - payment.success_time > turn.house.refund_window_ms:
        raise Refusal(f"{CBR}PAYMENT_NOT_ELIGIBLE_FOR_REFUND", "The payment is too old.")
    amount = payment.amount
    if asked.type == "partial":
        refunds.check_part(payment, asked.refund_amount)
        amount = to_thousandths(asked.refund_amount["chargingInformation"]["amount"])
    refunds.check_amount(payment, rows.read_refunds(turn.txn, payment), amount)
    return amount


def _begin(turn: Turn, refund: Refund) -> Answer:
    """Bring a refund that is processing to where its play wants it."""
    play = refund.played
    shown = refund
    if play.in_bill:
        settlement.tell(turn.txn, refund, notices.IN_BILL, play, turn.now)
    if play.answer == "SUCCEEDED":
        shown = settlement.reach_refund(turn.txn, refund, "succeeded", turn.now)
    elif play.notify == "BEFORE_REPLY" and play.settle != "NEVER":
        settlement.settle(turn.txn, refund, play.settle or "SUCCEEDED", turn.now)
    else:
        settlement.await_settlement(turn.txn, refund, turn.now)
    first: tuple[int, ...] = ()
    if play.notify == "BEFORE_REPLY":
        first = outbox.untried(turn.txn, "refund", refund.name)
    return Answer(status=CREATED, view=shown.view(), notify_first=first)


def _new(turn: Turn, asked: NewRefund, payment: Payment, amount: int, play: Play) -> Refund:
    return Refund(
        client=turn.caller.client_id,
        refund_id=new_id("CR"),
        payment_seq=payment.seq,
        payment_id=payment.payment_id,
        type=asked.type,
        state="processing",
        correlator=asked.correlator,
        reference=asked.reference,
        amount=amount,
        currency=payment.currency,
        merchant=asked.merchant,
        sink=asked.sink.url,
        sink_token=asked.sink.token,
        sink_expire_s=asked.sink.expire_s,
        create_time=turn.now,
        update_time=turn.now,
        request=asked.text,
        play=play.to_text(),
    )
