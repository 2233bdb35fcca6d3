"""What lists may be asked for: pages, spans of creation, states, merchants, in either order."""

import re
from collections.abc import Callable
from typing import Any, Final

from gateway.emulators.carrier import times
from gateway.emulators.carrier.commands import Command, ListPayments, ListRefunds
from gateway.emulators.carrier.errors import Refusal
from gateway.emulators.carrier.incoming import Incoming
from gateway.emulators.core.fields import Fields, InvalidField
from gateway.emulators.core.shapes import Shape, choice, may, text

PER_PAGE_DEFAULT: Final = 10
PER_PAGE_MAX: Final = 1_000
PAYMENT_STATES: Final = (
    "processing",
    "pending_validation",
    "denied",
    "reserved",
    "succeeded",
    "cancelled",
)
REFUND_STATES: Final = ("processing", "denied", "succeeded")
_INTEGER: Final = re.compile("-?[0-9]{1,9}", re.ASCII)


def list_payments(incoming: Incoming) -> Command:
    """Payments of the client."""
    return ListPayments(**_read(incoming, "payment", PAYMENT_STATES))


def list_refunds(incoming: Incoming) -> Command:
    """Refunds of one payment."""
    found = _read(incoming, "refund", REFUND_STATES)
    return ListRefunds(payment_id=incoming.path["paymentId"], **found)


def _read(incoming: Incoming, kind: str, states: tuple[str, ...]) -> dict[str, Any]:
    date, state = f"{kind}CreationDate", f"{kind}Status"
    shape: Shape = {
        "page": may(_position(10**9), 1),
        "perPage": may(_position(PER_PAGE_MAX), PER_PAGE_DEFAULT),
        f"{date}.gte": may(times.moment),
        f"{date}.lte": may(times.moment),
        "order": may(choice("desc", "asc"), "desc"),
        state: may(_states(states)),
        "merchantIdentifier": may(text(128)),
    }
    found = incoming.read_query(shape, several=frozenset((state,)))
    return {
        "page": found["page"],
        "per_page": found["perPage"],
        "from_time": found.get(f"{date}.gte"),
        "to_time": found.get(f"{date}.lte"),
        "order": found["order"],
        "states": found.get(state),
        "merchant": found.get("merchantIdentifier"),
    }


def _position(highest: int) -> Callable[[Fields, str], int]:
    def read(fields: Fields, name: str) -> int:
        number = int(fields.matching(name, _INTEGER, "an integer"))
        if not 1 <= number <= highest:
            raise Refusal("OUT_OF_RANGE", f"{name} must be from 1 to {highest}.")
        return number

    return read


def _states(known: tuple[str, ...]) -> Callable[[Fields, str], tuple[str, ...]]:
    def read(fields: Fields, name: str) -> tuple[str, ...]:
        found = fields.take(name)
        if any(state not in known for state in found):
            raise InvalidField(fields.path(name), f"must be some of {', '.join(known)}")
        return tuple(found)

    return read
