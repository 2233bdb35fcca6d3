"""What verified messages prove, in the gateway's words.

The meaning hangs on what was asked: a closed number is the end of a CHARGE and the aim of a CANCEL.
Amounts are handed on as the channel names them, and whoever keeps the intent compares; numbers are
compared here. A number that is still open is "not found" for its CANCEL: the close is not there,
and is sent again.
"""

from dataclasses import replace

from gateway.channels.connector import Call, evidence
from gateway.channels.outcomes import CLOSED, PAID
from gateway.channels.v3style.account import Account
from gateway.channels.v3style.resources import PAID_STATES, Refund, Transaction
from gateway.domain.channel import Outcome, OutcomeClass
from gateway.domain.money import Money
from gateway.domain.payment import Failure, FailureReason, NextAction

UNPAID = "The payment failed at the channel."
REFUND_CLOSED = Failure(FailureReason.DECLINED, "The channel closed the refund unpaid.", "CLOSED")


def about(account: Account, call: Call) -> str:
    """Name a call in evidence."""
    return f"{account.names.channel} {call.action} {call.request.kind} {call.request.number}"


def pending(
    account: Account,
    call: Call,
    text: str,
    *,
    money: Money | None = None,
    next_action: NextAction | None = None,
) -> Outcome:
    """Say that the channel took the order and nothing is decided."""
    shown = evidence(f"{about(account, call)}: {text}")
    return Outcome(OutcomeClass.PENDING, money=money, next_action=next_action, evidence=shown)


def transaction_outcome(account: Account, transaction: Transaction) -> Outcome:
    """Tell what a transaction proves of its charge."""
    shown = Outcome(
        OutcomeClass.PENDING,
        money=transaction.money,
        channel_number=transaction.channel_number,
        evidence=_shown(account, transaction),
    )
    match transaction.state:
        case "SUCCESS" | "REFUND":
            return replace(shown, outcome=OutcomeClass.SUCCESS)
        case "CLOSED" | "REVOKED":
            failure = replace(CLOSED, channel_code=transaction.state)
            return replace(shown, outcome=OutcomeClass.FAILED, closed=True, failure=failure)
        case "PAYERROR":
            return replace(shown, outcome=OutcomeClass.FAILED, failure=_unpaid(transaction))
        case _:
            return shown


def cancel_outcome(account: Account, transaction: Transaction) -> Outcome:
    """Tell what a transaction proves of the cancel of its charge.

    One that is paid came too late for it, also where a reversal would give the money back: the
    charge is booked as paid, so it must not be reversed by a send that comes after.
    """
    shown = Outcome(
        OutcomeClass.SUCCESS,
        money=transaction.money,
        channel_number=transaction.channel_number,
        evidence=_shown(account, transaction),
    )
    if transaction.state in ("CLOSED", "REVOKED"):
        return shown
    if transaction.state in PAID_STATES:
        return replace(shown, outcome=OutcomeClass.FAILED, failure=PAID)
    if transaction.state == "PAYERROR":
        return replace(shown, outcome=OutcomeClass.FAILED, failure=_unpaid(transaction))
    return replace(shown, outcome=OutcomeClass.UNKNOWN, not_found=True)


def refund_outcome(account: Account, refund: Refund) -> Outcome:
    """Tell what a refund proves of its attempt. ABNORMAL is neither done nor undone."""
    shown = Outcome(
        OutcomeClass.PENDING,
        money=refund.money,
        channel_number=refund.channel_number,
        abnormal=refund.state == "ABNORMAL",
        evidence=evidence(
            f"{account.names.channel} refund {refund.number} of {refund.charge_number}: "
            f"{refund.state}, {refund.channel_number}, {refund.money}"
        ),
    )
    match refund.state:
        case "SUCCESS":
            return replace(shown, outcome=OutcomeClass.SUCCESS)
        case "CLOSED":
            return replace(shown, outcome=OutcomeClass.FAILED, failure=REFUND_CLOSED)
        case _:
            return shown


def _unpaid(transaction: Transaction) -> Failure:
    words = transaction.description or UNPAID
    return Failure(FailureReason.DECLINED, words, transaction.state)


def _shown(account: Account, transaction: Transaction) -> str:
    return evidence(
        f"{account.names.channel} transaction {transaction.number}: {transaction.state}, "
        f"{transaction.channel_number or 'no number'}, {transaction.money or 'no amount'}"
    )
