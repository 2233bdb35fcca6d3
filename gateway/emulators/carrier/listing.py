"""Lists: the only statement of a day that the protocol has. Each function is one request.

A list shows what its caller may see, page by page, and in two headers how many match and where the
page ends. It can be made to differ from the book, record by record, for those who reconcile.
"""

from gateway.emulators.carrier import rows
from gateway.emulators.carrier.answers import Answer
from gateway.emulators.carrier.commands import Listing, ListPayments, ListRefunds
from gateway.emulators.carrier.errors import CB, CBR, Refusal
from gateway.emulators.carrier.payments import Payment
from gateway.emulators.carrier.records import Kind
from gateway.emulators.carrier.refunds import Refund
from gateway.emulators.carrier.turns import Turn
from gateway.emulators.core.book import Value


def list_payments(turn: Turn, asked: ListPayments) -> Answer:
    """Payments of the client; with a subscriber's token those of that subscriber."""
    owner: dict[str, Value] = {"client": turn.caller.client_id, "phone": turn.caller.phone}
    return _page(turn, "payment", asked, owner, CB)


def list_refunds(turn: Turn, asked: ListRefunds) -> Answer:
    """Refunds of one payment."""
    payment = turn.own_payment(asked.payment_id)
    return _page(turn, "refund", asked, {"payment_seq": payment.seq}, CBR)


def _page(turn: Turn, kind: Kind, asked: Listing, owner: dict[str, Value], prefix: str) -> Answer:
    if asked.from_time is not None:
        to_time = turn.now if asked.to_time is None else asked.to_time
        if asked.from_time > to_time:
            raise Refusal(f"{prefix}INVALID_DATE_RANGE", "The span ends before it begins.")
    found, total = rows.read_list(turn.txn, kind, asked, owner, turn.house.matching_max)
    if total > turn.house.matching_max:
        message = "Too many matching records found. Specify additional criteria."
        raise Refusal(f"{prefix}TOO_MANY_MATCHING_RECORDS", message)
    skipped = (asked.page - 1) * asked.per_page
    if asked.page > 1 and skipped >= total:
        raise Refusal("OUT_OF_RANGE", f"There is no page {asked.page}.")
    views = [entry.listed_view() for entry in found if isinstance(entry, Payment | Refund)]
    headers = {"X-Total-Count": str(total), "Content-Last-Key": str(skipped + len(views))}
    return Answer(view=views, headers=headers)
