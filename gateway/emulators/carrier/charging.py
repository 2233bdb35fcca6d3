"""Payments: made in one step or prepared, validated, confirmed, cancelled, asked after.

Each function is one request in a unit of the book. A refusal that is raised after something was
written (a wrong code counted, a payment denied) leaves it written: it is the request's effect.
"""

from typing import Final

from gateway.emulators.carrier import rows, settlement, subscribers
from gateway.emulators.carrier.amounts import to_thousandths
from gateway.emulators.carrier.answers import ACCEPTED, CREATED, NO_CONTENT, Answer
from gateway.emulators.carrier.commands import (
    CancelPayment,
    ConfirmPayment,
    NewPayment,
    QueryPayment,
    ValidatePayment,
)
from gateway.emulators.carrier.errors import CB, Refusal
from gateway.emulators.carrier.payments import (
    PAYMENTS_PATH,
    VALIDATION_ATTEMPTS_MAX,
    Payment,
)
from gateway.emulators.carrier.play import Play
from gateway.emulators.carrier.records import new_code, new_id
from gateway.emulators.carrier.repeating import refuse_repeat
from gateway.emulators.carrier.turns import Turn
from gateway.emulators.core import outbox

CODE_DIGITS: Final = 6


def make(turn: Turn, asked: NewPayment) -> Answer:
    """A new payment, in one step or the first of two."""
    phone = turn.caller.subject(asked.phone)
    kept = rows.find_made(
        turn.txn, "payment", turn.caller.client_id, asked.correlator, asked.reference
    )
    if isinstance(kept, Payment):
        same = (kept.kind, kept.phone, kept.request) == (asked.kind, phone, asked.text)
        refuse_repeat(turn.house, asked.correlator, is_same=same)
        return _created(kept, kept)
    amount = to_thousandths(asked.charging["amount"])
    subscribers.check(turn.txn, phone, amount, asked.charging["currency"], turn.now)
    play = turn.take_play() or Play()
    if play.answer == "DENIED":
        raise Refusal(f"{CB}PAYMENT_DENIED", play.reason)
    payment = rows.insert(turn.txn, _new(turn, asked, phone, amount, play))
    return _begin(turn, payment, "RESERVED" if asked.kind == "TWO_STEP" else "SUCCEEDED")


def query(turn: Turn, asked: QueryPayment) -> Answer:
    """How a payment stands."""
    return Answer(view=turn.own_payment(asked.payment_id).view())


def validate(turn: Turn, asked: ValidatePayment) -> Answer:
    """The subscriber typed a code."""
    payment = _unexpired(turn, turn.own_payment(asked.payment_id))
    if payment.state in ("reserved", "succeeded") or payment.confirm_time is not None:
        raise Refusal("ALREADY_EXISTS", "Payment already validated.")
    if payment.state != "pending_validation":
        raise Refusal(f"{CB}VALIDATION_FAILED", "There is nothing to validate any more.")
    if payment.validation != "VALIDATE" or payment.authorization_id != asked.authorization_id:
        raise Refusal(f"{CB}INVALID_AUTHORIZATION_ID", "Invalid authorizationId.")
    if payment.code != asked.code:
        _count_wrong_code(turn, payment)
        raise Refusal(f"{CB}INVALID_CODE", "Invalid code.")
    settlement.reach_payment(turn.txn, payment, "reserved", turn.now)
    return Answer(status=NO_CONTENT)


def confirm(turn: Turn, asked: ConfirmPayment) -> Answer:
    """Charge what is reserved."""
    payment = _second_step(turn, asked)
    if payment.state in ("denied", "pending_validation", "processing"):
        if payment.state == "denied":
            raise Refusal(f"{CB}PAYMENT_DENIED", payment.denial or "Payment denied by business.")
        raise Refusal("PERMISSION_DENIED", "The payment is not reserved yet.")
    play = turn.take_play() or payment.played.for_next_step()
    confirmed = payment.move(turn.now, "processing", confirm_time=turn.now, play=play.to_text())
    confirmed = rows.update(turn.txn, payment, confirmed)
    if play.answer == "DENIED":
        settlement.reach_payment(turn.txn, confirmed, "denied", turn.now, play.reason)
        raise Refusal(f"{CB}PAYMENT_DENIED", play.reason)
    return Answer(status=ACCEPTED, notify_first=_begin(turn, confirmed, "PROCESSING").notify_first)


def cancel(turn: Turn, asked: CancelPayment) -> Answer:
    """Give up what is reserved, or what is still being reserved."""
    payment = _second_step(turn, asked)
    if payment.state == "denied":
        raise Refusal(f"{CB}PAYMENT_CANCELLED", "Nothing is reserved: the payment was denied.")
    settlement.reach_payment(turn.txn, payment, "cancelled", turn.now)
    return Answer(status=ACCEPTED, notify_first=_told_first(turn, payment))


def _begin(turn: Turn, payment: Payment, usual: str) -> Answer:
    """Bring a payment that is processing to where its play wants it."""
    play = payment.played
    answer = play.answer or usual
    shown = payment
    if answer != "PROCESSING":
        shown = settlement.reach_payment(turn.txn, payment, answer.lower(), turn.now)
    elif play.notify == "BEFORE_REPLY" and play.settle != "NEVER":
        settled = "RESERVED" if payment.is_preparing else "SUCCEEDED"
        settlement.settle(turn.txn, payment, play.settle or settled, turn.now)
    else:
        settlement.await_settlement(turn.txn, payment, turn.now)
    return _created(shown, payment, notify_first=_told_first(turn, payment))


def _created(shown: Payment, payment: Payment, notify_first: tuple[int, ...] = ()) -> Answer:
    view = shown.prepared_view() if payment.kind == "TWO_STEP" else shown.view()
    location = {"Location": f"{PAYMENTS_PATH}/{payment.payment_id}"}
    return Answer(status=CREATED, view=view, headers=location, notify_first=notify_first)


def _told_first(turn: Turn, payment: Payment) -> tuple[int, ...]:
    if payment.played.notify != "BEFORE_REPLY":
        return ()
    return outbox.untried(turn.txn, "payment", payment.name)


def _second_step(turn: Turn, asked: ConfirmPayment | CancelPayment) -> Payment:
    """A payment about which somebody may still decide, or not yet. Raises Refusal."""
    payment = turn.own_payment(asked.payment_id)
    if turn.caller.subject(asked.phone) != payment.phone:
        raise Refusal("IDENTIFIER_NOT_FOUND", "The payment is none of this phone number.")
    payment = _unexpired(turn, payment)
    if payment.state == "cancelled":
        raise Refusal(f"{CB}PAYMENT_CANCELLED", "The payment is cancelled.")
    is_open = payment.is_waiting or payment.is_preparing or payment.state == "denied"
    if not is_open:
        raise Refusal(f"{CB}PAYMENT_CONFIRMED", "The payment is confirmed.")
    return payment


def _unexpired(turn: Turn, payment: Payment) -> Payment:
    """The payment as it stands now, even if its timer is a moment late."""
    if payment.is_waiting and turn.now >= payment.expire_time:
        return settlement.expire(turn.txn, payment, turn.now)
    return payment


def _count_wrong_code(turn: Turn, payment: Payment) -> None:
    counted = rows.update(
        turn.txn, payment, payment.change(turn.now, attempts=payment.attempts + 1)
    )
    if counted.attempts >= VALIDATION_ATTEMPTS_MAX:
        reason = "The maximum number of attempts has been consumed for this validation."
        settlement.reach_payment(turn.txn, counted, "denied", turn.now, reason)
        raise Refusal(f"{CB}VALIDATION_FAILED", reason)


def _new(turn: Turn, asked: NewPayment, phone: str, amount: int, play: Play) -> Payment:
    return Payment(
        client=turn.caller.client_id,
        payment_id=new_id("CB"),
        kind=asked.kind,
        state="processing",
        phone=phone,
        correlator=asked.correlator,
        reference=asked.reference,
        amount=amount,
        currency=asked.charging["currency"],
        merchant=asked.merchant,
        server_reference=new_id("SR"),
        sink=asked.sink.url,
        sink_token=asked.sink.token,
        sink_expire_s=asked.sink.expire_s,
        expire_time=turn.now + turn.house.reservation_life_ms,
        validation=play.validation,
        authorization_id=new_id("AU"),
        code=new_code(CODE_DIGITS),
        create_time=turn.now,
        update_time=turn.now,
        request=asked.text,
        play=play.to_text(),
    )
