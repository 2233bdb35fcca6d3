"""Payments and refunds as the channel shows them, read strictly, and found by our number.

Our number stands in `referenceCode`, which every answer repeats, and in `clientCorrelator`, which
makes a repetition harmless. The phone number, which answers repeat too, is never read.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gateway.channels.carrier.fields import Record
from gateway.channels.carrier.limits import LIST_LENGTH_MAX
from gateway.channels.connector import HttpReply
from gateway.channels.fields import Malformed
from gateway.domain.money import Money
from gateway.domain.payment import ActionKind, NextAction

TOTAL_COUNT = "x-total-count"
PAYMENT_STATES = (
    "processing",
    "pending_validation",
    "denied",
    "reserved",
    "succeeded",
    "cancelled",
)
REFUND_STATES = ("processing", "denied", "succeeded")

CHANNEL_NUMBER = re.compile(r"(?!\.{1,2}$)[!-~]{1,64}")
"""The channel's own number: it stands in paths, so it is no step up in one."""

REFERENCE = re.compile(r"[!-~]{1,128}")

_AUTHORIZATION = re.compile(r"[!-~]{1,256}")
_URL = re.compile(r"https?://[!-~]{1,2000}")
_COUNT = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Payment:
    """What the channel holds under a charge's number."""

    number: str
    channel_number: str
    state: str
    money: Money
    action: NextAction | None


@dataclass(frozen=True, slots=True)
class Refund:
    """What the channel holds under a refund's number. `money` is None for the whole payment."""

    number: str
    channel_number: str
    state: str
    money: Money | None


def read_payment(fields: Record, number: str, expire_time: datetime) -> Payment:
    """Read the payment of this number; what the payer must do ends at the time given.

    Raises:
        Malformed: it is none, or is another's.
    """
    transaction = fields.inner("amountTransaction")
    state = fields.one_of("paymentStatus", PAYMENT_STATES)
    asks = state == "pending_validation" and fields.has("validationInfo")
    return Payment(
        number=same_number(transaction, number),
        channel_number=fields.text("paymentId", CHANNEL_NUMBER),
        state=state,
        money=transaction.inner("paymentAmount").inner("chargingInformation").money(),
        action=_action(fields.inner("validationInfo"), expire_time) if asks else None,
    )


def read_refund(fields: Record, number: str) -> Refund:
    """Read the refund of this number.

    Raises:
        Malformed: it is none, or is another's.
    """
    transaction = fields.inner("amountTransaction")
    partial = fields.one_of("type", ("total", "partial")) == "partial"
    amount = transaction.inner("refundAmount").inner("chargingInformation") if partial else None
    return Refund(
        number=same_number(transaction, number),
        channel_number=fields.text("refundId", CHANNEL_NUMBER),
        state=fields.one_of("refundStatus", REFUND_STATES),
        money=amount.money() if amount else None,
    )


def same_number(transaction: Record, number: str) -> str:
    """Check that both places that name our number name this one. Raises Malformed."""
    if transaction.text("referenceCode", REFERENCE) != number:
        raise Malformed("referenceCode is not what was asked about")
    if transaction.has("clientCorrelator") and transaction.text("clientCorrelator") != number:
        raise Malformed("clientCorrelator is not what was asked about")
    return number


def listed(records: Iterable[Record], number: str) -> Record | None:
    """Find what a list shows under our number; whose the others are does not matter.

    Raises:
        Malformed: it shows several: the channel did not keep its promise about clientCorrelator,
            and a person must look.
    """
    found = [record for record in records if _names(record, number)]
    if len(found) > 1:
        raise Malformed(f"{len(found)} have the number {number}")
    return found[0] if found else None


def is_whole(reply: HttpReply, count: int) -> bool:
    """Whether a list of so many shows all that there is; one as long as allowed may not."""
    total = reply.headers.get(TOTAL_COUNT, str(count))
    if not _COUNT.fullmatch(total):
        raise Malformed(f"{TOTAL_COUNT} is no number")
    return count < LIST_LENGTH_MAX and int(total) <= count


def _names(record: Record, number: str) -> bool:
    if not record.has("amountTransaction"):
        return False
    transaction = record.inner("amountTransaction")
    named = (transaction.message("referenceCode"), transaction.message("clientCorrelator"))
    return number in named


def _action(info: Record, expire_time: datetime) -> NextAction:
    """Say how the payer proves to have the phone: on a page, or by a code that was sent to it."""
    if info.one_of("action", ("open", "validate")) == "open":
        url = info.text("validationURL", _URL)
        return NextAction(ActionKind.REDIRECT, url, expire_time)
    asked = {"authorizationId": info.text("authorizationId", _AUTHORIZATION)}
    return NextAction(ActionKind.CHALLENGE, json.dumps(asked), expire_time)
