"""One authenticated request in one unit of the book: count it, let its fault hit, do it, answer.

The order is fixed: nonce, counts, a fault that strikes before any effect, the effect, forgetting, a
fault that strikes after it. Everything up to the answer is one commit, so a fault is counted
exactly when its effect is, and a request that comes back after kill -9 finds both or neither.
"""

from dataclasses import dataclass, replace

from gateway.emulators.core import visits
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.faults import FAULTS_BEFORE_EFFECT, Fault, Script
from gateway.emulators.core.visits import Visit
from gateway.emulators.sandbox import captures, charges, payouts, refunds, rows, settlement
from gateway.emulators.sandbox.charges import Charge
from gateway.emulators.sandbox.errors import Refusal, error_view
from gateway.emulators.sandbox.notices import View, with_wrong_amount
from gateway.emulators.sandbox.payouts import Payout
from gateway.emulators.sandbox.records import Closable, Record
from gateway.emulators.sandbox.requests import (
    CaptureRequest,
    ChargeRequest,
    Close,
    Command,
    Kind,
    PayoutRequest,
    Post,
    Query,
    RefundRequest,
)
from gateway.emulators.sandbox.signing import Caller

REQUESTS = "requests"
REFUSED_UNREAD = "INVALID_REQUEST"  # the counter of authenticated requests that were no command

_CLOSABLES: dict[Kind, type[Closable]] = {"charge": Charge, "payout": Payout}


@dataclass(frozen=True)
class Answer:
    """What to send, and how to spoil it: after the notifications, after the delay."""

    status: int
    body: View
    fault: Fault = "NONE"
    delay_ms: int = 0
    notify_first: tuple[int, ...] = ()  # ids in the outbox


class NonceReplayed(Exception):
    """The request was seen before; nothing was done."""

    def __init__(self) -> None:
        super().__init__("The nonce was used before.")


def perform(txn: Transaction, caller: Caller, asked: Command | Refusal, now: int) -> Answer:
    """The unit of one authenticated request. Raises NonceReplayed, OutboxFull."""
    if not visits.claim_nonce(txn, caller.nonce, caller.nonce_expire_time_s):
        raise NonceReplayed
    if isinstance(asked, Refusal):
        visits.count(txn, REQUESTS, REFUSED_UNREAD)
        return Answer(asked.status, asked.view())
    visits.count(txn, REQUESTS, asked.route)
    kept = rows.read_record(txn, asked.kind, asked.number)
    visit = _visit(txn, asked, kept)
    script = Script.from_text(visit.script)
    fault = script.fault_after(visit.fault_hits)
    if fault in FAULTS_BEFORE_EFFECT:
        visits.record_fault(txn, asked.kind, asked.number, fault, now)
        return _struck_before(fault)
    answer = _act(txn, asked, kept, now)
    answer = _pretend(txn, asked, kept, answer, visit=visit, script=script, now=now)
    return _strike_after(txn, asked, answer, fault, now)


def _visit(txn: Transaction, asked: Command, kept: Record | None) -> Visit:
    """Count a post and let its script come into force; what is now remembered of the number."""
    if isinstance(asked, Post):
        is_kept = kept is not None and kept.request is not None
        text = asked.script.to_text()
        visits.record_post(txn, asked.kind, asked.number, text, script_is_kept=is_kept)
    return visits.read_visit(txn, asked.kind, asked.number)


def _pretend(
    txn: Transaction,
    asked: Command,
    kept: Record | None,
    answer: Answer,
    *,
    visit: Visit,
    script: Script,
    now: int,
) -> Answer:
    """Forget what is known, or be slow, as the script asks."""
    if isinstance(asked, Query) and kept is not None and visit.forgets < script.forget_count:
        visits.record_forget(txn, asked.kind, asked.number, now)
        return _refused(_unknown())
    if isinstance(asked, Post) and script.reply_delay_ms:
        visits.record_hit(txn, asked.kind, asked.number, "REPLY_DELAY", now)
        return replace(answer, delay_ms=script.reply_delay_ms)
    return answer


def play_payer(txn: Transaction, number: str, *, confirms: bool, now: int) -> View:
    """The payer scans and confirms, or refuses. Raises Refusal."""
    charge = rows.read_charge(txn, number)
    if charge is None:
        raise _unknown()
    if charge.state != "ACTION_REQUIRED":
        raise Refusal("STATE_CONFLICT", f"The payer has nothing to do: it is {charge.state}.")
    return settlement.settle(txn, charge, "SUCCEED" if confirms else "DECLINE", now).view()


def _act(txn: Transaction, asked: Command, kept: Record | None, now: int) -> Answer:
    try:
        match asked:
            case Query():
                return _query(kept)
            case Close():
                return Answer(200, _close(txn, asked, kept, now).view())
            case _:
                if kept is not None:
                    return _repeat(asked, kept)
                return _create(txn, asked, now)
    except Refusal as refusal:  # raised by decisions only, before anything is written
        return _refused(refusal)


def _create(txn: Transaction, asked: Post, now: int) -> Answer:
    history = _begin(txn, asked, now)
    notify_first = settlement.keep_new(txn, history, asked, now)
    return Answer(200, history[-1].view(), notify_first=notify_first)


def _begin(txn: Transaction, asked: Post, now: int) -> tuple[Record, ...]:
    match asked:
        case ChargeRequest():
            return charges.begin(asked, now)
        case CaptureRequest():
            charge = rows.read_charge(txn, asked.charge_number)
            sums = rows.sum_captures(txn, asked.charge_number)
            return captures.begin(asked, charge, sums, now)
        case RefundRequest():
            charge = rows.read_charge(txn, asked.charge_number)
            accepted = rows.sum_refunds(txn, asked.charge_number)
            return refunds.begin(asked, charge, accepted, now)
        case PayoutRequest():
            return payouts.begin(asked, now)


def _repeat(asked: Post, kept: Record) -> Answer:
    if kept.request is not None and kept.request != asked.to_text():
        raise Refusal("NUMBER_CONFLICT", "The number was used with other parameters.")
    if kept.state == "CLOSED":
        raise Refusal("NUMBER_CLOSED", "The number is closed for ever.")
    return Answer(200, kept.view())


def _query(kept: Record | None) -> Answer:
    if kept is None:
        raise _unknown()
    return Answer(200, kept.view())


def _close(txn: Transaction, asked: Close, kept: Record | None, now: int) -> Record:
    if isinstance(kept, Closable):
        return settlement.close(txn, kept, now)
    tombstone = _CLOSABLES[asked.kind].tombstone(asked.number, now)
    rows.insert(txn, tombstone)
    return tombstone


def _strike_after(
    txn: Transaction, asked: Command, answer: Answer, fault: Fault, now: int
) -> Answer:
    if fault == "WRONG_AMOUNT":
        wrong = with_wrong_amount(answer.body)
        fault = "NONE" if wrong == answer.body else fault  # a reply without an amount is not hit
        answer = replace(answer, body=wrong)
    if fault == "NONE":
        return answer
    visits.record_fault(txn, asked.kind, asked.number, fault, now)
    if fault == "ERROR_AFTER_EFFECT":
        failed = _failed()
        return replace(answer, status=failed.status, body=failed.body, fault=fault)
    return replace(answer, fault=fault)


def _struck_before(fault: Fault) -> Answer:
    if fault == "BUSY":
        return Answer(429, error_view("TOO_MANY_REQUESTS", "Too many requests."), fault)
    return replace(_failed(), fault=fault)


def _failed() -> Answer:
    return Answer(500, error_view("INTERNAL", "Something went wrong."))


def _refused(refusal: Refusal) -> Answer:
    return Answer(refusal.status, refusal.view())


def _unknown() -> Refusal:
    return Refusal("NOT_FOUND", "There is nothing with this number.")
