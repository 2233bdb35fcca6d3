"""Subscribers: who is unknown, blocked or not served, and how much each may spend.

Whoever was not spoken of is an ordinary subscriber without limits. The limit of a month counts what
is charged, reserved or on its way in one currency since the month began, Beijing time; money that
was given back does not come off it.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from gateway.emulators.carrier import rows, times
from gateway.emulators.carrier.errors import CB, Refusal
from gateway.emulators.core.book import Transaction, Value

SubscriberKind = Literal["ACTIVE", "UNKNOWN", "BLOCKED", "UNSUPPORTED"]
KINDS: Final[tuple[SubscriberKind, ...]] = get_args(SubscriberKind)
SUBSCRIBERS_PER_ANSWER_MAX: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class Subscriber:
    """One of whom something special is known; amounts in thousandths, None: no limit."""

    phone: str
    kind: SubscriberKind = "ACTIVE"
    payment_max: int | None = None
    spending_limit: int | None = None


def put(txn: Transaction, subscriber: Subscriber) -> None:
    """Know a subscriber anew, in place of what was known."""
    txn.write(rows.SQL["put_subscriber"], vars(subscriber))


def read(txn: Transaction, phone: str) -> Subscriber:
    """What is known of a number."""
    row = txn.one(rows.SQL["read_subscriber"], {"phone": phone})
    return Subscriber(phone=phone) if row is None else Subscriber(**dict(row))


def read_all(txn: Transaction) -> list[Subscriber]:
    """Everybody of whom something is known, at most SUBSCRIBERS_PER_ANSWER_MAX."""
    found = txn.all(rows.SQL["read_subscribers"], {"count_max": SUBSCRIBERS_PER_ANSWER_MAX})
    return [Subscriber(**dict(row)) for row in found]


def spent(txn: Transaction, phone: str, currency: str, now: int) -> int:
    """What counts towards the limit of this month, in thousandths."""
    month: dict[str, Value] = {
        "phone": phone,
        "currency": currency,
        "from_time": times.month_of(now),
    }
    row = txn.one(rows.SQL["sum_spent"], month)
    assert row is not None
    return int(row["amount"])


def check(txn: Transaction, phone: str, amount: int, currency: str, now: int) -> None:
    """Whether a subscriber can be asked for that much. Raises Refusal."""
    subscriber = read(txn, phone)
    match subscriber.kind:
        case "UNKNOWN":
            raise Refusal("IDENTIFIER_NOT_FOUND", "The phone number is not known.")
        case "UNSUPPORTED":
            message = "The service is not available for the provided identifier."
            raise Refusal("SERVICE_NOT_APPLICABLE", message)
        case "BLOCKED":
            raise Refusal(f"{CB}PAYMENT_DENIED", "Payment denied by business.")
    if subscriber.payment_max is not None and amount > subscriber.payment_max:
        raise Refusal(f"{CB}UNAUTHORIZED_AMOUNT", "Unauthorized amount requested.")
    limit = subscriber.spending_limit
    if limit is not None and spent(txn, phone, currency, now) + amount > limit:
        message = "Accumulated user mobile payments overpass account amount threshold."
        raise Refusal(f"{CB}USER_AMOUNT_THRESHOLD_OVERPASSED", message)
