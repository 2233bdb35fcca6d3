"""Notifications: a signed form about one transaction of ours, sent five times within minutes.

Of what happens in the channel's front end only successes are told; of what we sent, both ends are.
A failed front end is no end of its order, so such a notice would say no more than that. Nothing in
a notification is fresh: a copy of an old one is believed, and proves what it always did.
"""

from datetime import datetime

from gateway.channels.fields import Fields, Malformed
from gateway.channels.keys import SignatureRefused
from gateway.channels.unionpay.account import NAME, Account
from gateway.channels.unionpay.messages import read_form
from gateway.channels.unionpay.outcomes import NUMBER, read_told, transaction_outcome
from gateway.channels.unionpay.transactions import BACK, Transaction
from gateway.domain.channel import (
    Acknowledgement,
    AttemptKind,
    Notice,
    NotificationRefused,
    OutcomeClass,
)

TEXT = "text/plain"
ACCEPTED = Acknowledgement(200, TEXT, b"ok")
REFUSED = Acknowledgement(401, TEXT, b"not accepted")
"""Whatever is not 200 is sent again."""

KINDS = {
    Transaction.CONSUMPTION: AttemptKind.CHARGE,
    Transaction.PREAUTHORISATION: AttemptKind.CHARGE,
    Transaction.COMPLETION: AttemptKind.CAPTURE,
    Transaction.REFUND: AttemptKind.REFUND,
    Transaction.VOID: AttemptKind.REFUND,
    Transaction.PREAUTHORISATION_VOID: AttemptKind.CANCEL,
    Transaction.COMPLETION_VOID: AttemptKind.REFUND,
}


def read_notice(account: Account, body: bytes, now: datetime) -> Notice:
    """Verify a notification and tell what it says of which attempt.

    Raises:
        NotificationRefused: it is forged, malformed or about nothing of ours.
    """
    try:
        return _notice(account.believed(read_form, body, now))
    except (SignatureRefused, Malformed) as error:
        raise NotificationRefused(str(error)) from error


def _notice(fields: Fields) -> Notice:
    transaction = _transaction(fields)
    kind, number = KINDS[transaction], fields.text("orderId", NUMBER)
    told = read_told(fields, f"{NAME} notification of {kind} {number}")
    outcome = transaction_outcome(told, transaction)
    front = kind is AttemptKind.CHARGE and fields.optional("bizType") != BACK.business
    if front and outcome.outcome is OutcomeClass.FAILED:
        return Notice(kind, number, told.shown)
    return Notice(kind, number, outcome)


def _transaction(fields: Fields) -> Transaction:
    names = (fields.text("txnType"), fields.text("txnSubType"))
    for transaction in KINDS:
        if transaction.value == names:
            return transaction
    raise Malformed("a transaction of another kind")
