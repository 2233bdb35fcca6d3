"""A statement instead of a bill: CAMARA has none, so one is made of what its lists show.

Charges are listed by the time of their creation; refunds hang below their payment and can be listed
in no other way, so they are asked for payment by payment. A list is read in pieces that begin where
the last one ended: its pages are numbered in ways that operators read differently, and a time means
one thing. What stands in two pieces counts once. There are no totals to hold the lines against and
no fees; both are in the operator's own invoice.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from gateway.channels.bill import Bill, BillLine, BillLineKind, BillRefused, BillTotals
from gateway.channels.carrier.fields import Record, read_records
from gateway.channels.carrier.limits import LIST_LENGTH_MAX
from gateway.channels.carrier.requests import payments_between
from gateway.channels.carrier.resources import CHANNEL_NUMBER, REFERENCE, is_whole
from gateway.channels.carrier.settings import PAYMENTS, REFUNDS, Account, answered, rfc3339
from gateway.channels.connector import HttpReply, HttpRequest
from gateway.channels.fields import Malformed
from gateway.domain.money import Money

HTTP_OK = 200
SUCCEEDED = "succeeded"


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of a list, oldest first. The next piece begins at `resume_time`; None: there is none.

    Lists are in the order of creation, and a line's time is that of the payment, so the time to
    resume at is not always that of a line.
    """

    lines: tuple[BillLine, ...]
    resume_time: datetime | None


def payments_request(
    account: Account, start: datetime, end: datetime, moment: datetime, nonce: str
) -> HttpRequest:
    """Ask for the payments created from start to end that succeeded, as many as fit."""
    query = payments_between(start, end, paymentStatus=SUCCEEDED)
    return account.get(f"{PAYMENTS}?{query}", moment, nonce)


def read_payments(reply: HttpReply, nonce: str, start: datetime) -> Piece:
    """Read the answer for payments from this start on.

    Raises:
        BillRefused: it is no answer to that, or says less than a statement needs.
    """
    return _piece(reply, nonce, start, "paymentCreationDate", _charge)


def refunds_request(
    account: Account, charge: BillLine, start: datetime, moment: datetime, nonce: str
) -> HttpRequest:
    """Ask for the refunds of a payment created from start on that succeeded, as many as fit."""
    query = urlencode(
        {
            "perPage": LIST_LENGTH_MAX,
            "order": "asc",
            "refundCreationDate.gte": rfc3339(start),
            "refundStatus": SUCCEEDED,
        }
    )
    path = f"{REFUNDS}/{quote(charge.channel_number, safe='')}/refunds?{query}"
    return account.get(path, moment, nonce)


def read_refunds(charge: BillLine, reply: HttpReply, nonce: str, start: datetime) -> Piece:
    """Read the answer for refunds of a charge from this start on.

    Raises:
        BillRefused: it is no answer to that, or says less than a statement needs.
    """

    def line(fields: Record) -> BillLine:
        return _refund(charge, fields)

    return _piece(reply, nonce, start, "refundCreationDate", line)


def make_bill(lines: Iterable[BillLine]) -> Bill:
    """Put the pieces together, each movement once, in the order of their times.

    Raises:
        BillRefused: two pieces contradict each other.
    """
    found: dict[tuple[BillLineKind, str], BillLine] = {}
    for line in lines:
        if found.setdefault((line.kind, line.channel_number), line) != line:
            raise BillRefused("Two lists of a statement show one movement differently.")
    ordered = sorted(found.values(), key=lambda line: (line.time, line.channel_number))
    return Bill(tuple(ordered), BillTotals())


def _piece(
    reply: HttpReply,
    nonce: str,
    start: datetime,
    creation: str,
    line: Callable[[Record], BillLine],
) -> Piece:
    try:
        answered(reply, nonce)
        if reply.status != HTTP_OK:
            raise BillRefused(f"The channel answered {reply.status} for a list of a statement.")
        records = list(read_records(reply.body, LIST_LENGTH_MAX))
        times = [record.time(creation) for record in records]
        whole = is_whole(reply, len(records))
        resume_time = None if whole else _resumed(times, start)
        return Piece(tuple(line(record) for record in records), resume_time)
    except Malformed as error:
        raise BillRefused(f"A list of a statement is malformed: {error}") from error


def _resumed(times: list[datetime], start: datetime) -> datetime:
    """Begin the next piece with the last moment of this one, which may be shown in part."""
    if times != sorted(times) or not times or times[-1] <= start:
        raise BillRefused("A list of a statement cannot be read on: too many in one moment.")
    return times[-1]


def _charge(fields: Record) -> BillLine:
    transaction = fields.inner("amountTransaction")
    fields.one_of("paymentStatus", (SUCCEEDED,))
    number = transaction.text("referenceCode", REFERENCE)
    paid = "paymentDate" if fields.has("paymentDate") else "paymentCreationDate"
    return BillLine(
        kind=BillLineKind.CHARGE,
        number=number,
        charge_number=number,
        channel_number=fields.text("paymentId", CHANNEL_NUMBER),
        money=transaction.inner("paymentAmount").inner("chargingInformation").money(),
        fee=None,
        time=fields.time(paid),
    )


def _refund(charge: BillLine, fields: Record) -> BillLine:
    transaction = fields.inner("amountTransaction")
    fields.one_of("refundStatus", (SUCCEEDED,))
    paid = "refundDate" if fields.has("refundDate") else "refundCreationDate"
    return BillLine(
        kind=BillLineKind.REFUND,
        number=transaction.text("referenceCode", REFERENCE),
        charge_number=charge.number,
        channel_number=fields.text("refundId", CHANNEL_NUMBER),
        money=_refunded(charge, fields, transaction),
        fee=None,
        time=fields.time(paid),
    )


def _refunded(charge: BillLine, fields: Record, transaction: Record) -> Money:
    """Read what was given back; a total refund names no amount, and means all of it."""
    if fields.one_of("type", ("total", "partial")) == "total":
        return charge.money
    return transaction.inner("refundAmount").inner("chargingInformation").money()
