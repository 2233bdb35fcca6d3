"""What may follow an order: the rules of completions, voids and refunds. Pure.

`live` are the earlier orders about the same one that did not fail, without completions that were
taken back. One that is accepted but not decided counts like a success: its money is spoken for.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from typing import Final

from gateway.emulators.unionpay import clearing
from gateway.emulators.unionpay.codes import Refusal
from gateway.emulators.unionpay.orders import Order
from gateway.emulators.unionpay.requests import (
    AUTHORIZE,
    COMPLETE,
    CONSUME,
    REFUND,
    VOID,
    VOID_AUTHORIZATION,
    VOID_COMPLETION,
)

REFUND_MONTHS: Final = 11
AUTHORIZATION_DAYS: Final = 30
COMPLETION_PERCENT_MAX: Final = 115

VOIDS: Final = frozenset((VOID, VOID_AUTHORIZATION, VOID_COMPLETION))

Rule = Callable[[Order, Collection[Order], int, date], None]


def check(
    txn_type: str, orig: Order | None, live: Collection[Order], amount: int, today: date
) -> None:
    """Whether one more order may follow `orig` on a clearing day. Raises Refusal."""
    rule, origins = _RULES[txn_type]
    if orig is None or orig.txn_type not in origins or orig.state != "SUCCEEDED":
        raise Refusal("35", "origQryId names nothing that this can follow")
    rule(orig, live, amount, today)


def _complete(orig: Order, live: Collection[Order], amount: int, today: date) -> None:
    _refuse_voided(live)
    if _of(live, COMPLETE):
        raise Refusal("35", "the authorisation is completed")
    if amount * 100 > orig.amount * COMPLETION_PERCENT_MAX:
        raise Refusal("33", f"more than {COMPLETION_PERCENT_MAX} percent of what was authorised")
    if today - orig.settled > timedelta(days=AUTHORIZATION_DAYS):
        raise Refusal("39", f"authorised more than {AUTHORIZATION_DAYS} days ago")


def _void_authorization(orig: Order, live: Collection[Order], amount: int, _today: date) -> None:
    _refuse_voided(live)
    if _of(live, COMPLETE):
        raise Refusal("35", "the authorisation is completed")
    _require_all(orig, amount)


def _void(orig: Order, live: Collection[Order], amount: int, today: date) -> None:
    _refuse_voided(live)
    if _of(live, REFUND):
        raise Refusal("45", "it is refunded, in part or in whole")
    _require_all(orig, amount)
    if today != orig.settled:
        raise Refusal("39", "only on the same clearing day")


def _refund(orig: Order, live: Collection[Order], amount: int, today: date) -> None:
    _refuse_voided(live)
    if today > clearing.months_later(orig.settled, REFUND_MONTHS):
        raise Refusal("39", f"paid more than {REFUND_MONTHS} months ago")
    if amount + sum(order.amount for order in _of(live, REFUND)) > orig.amount:
        raise Refusal("33", "the refunds would exceed what was paid")


def _refuse_voided(live: Collection[Order]) -> None:
    if any(order.txn_type in VOIDS for order in live):
        raise Refusal("45", "it is voided")


def _require_all(orig: Order, amount: int) -> None:
    if amount != orig.amount:
        raise Refusal("36", "a void is of the whole amount")


def _of(live: Collection[Order], txn_type: str) -> list[Order]:
    return [order for order in live if order.txn_type == txn_type]


_RULES: Final[Mapping[str, tuple[Rule, frozenset[str]]]] = {
    COMPLETE: (_complete, frozenset((AUTHORIZE,))),
    VOID_AUTHORIZATION: (_void_authorization, frozenset((AUTHORIZE,))),
    REFUND: (_refund, frozenset((CONSUME, COMPLETE))),
    VOID: (_void, frozenset((CONSUME,))),
    VOID_COMPLETION: (_void, frozenset((COMPLETE,))),
}
