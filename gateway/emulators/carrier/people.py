"""The other people, played by hand: subscribers, their limits and codes, and the operator's staff.

Everything here is one control request and one unit of the book. A name in a path is an id of the
operator or the client's own correlator.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Final, get_args

from aiohttp import web

from gateway.emulators.carrier import rows, settlement, subscribers
from gateway.emulators.carrier.amounts import UNIT, to_text
from gateway.emulators.carrier.explaining import Conflict, Missing
from gateway.emulators.carrier.payments import Payment
from gateway.emulators.carrier.play import SETTLEMENTS, Notify, Play
from gateway.emulators.carrier.records import View
from gateway.emulators.carrier.refunds import Refund
from gateway.emulators.carrier.subscribers import KINDS, Subscriber
from gateway.emulators.core.book import Book, Transaction
from gateway.emulators.core.clock import Clock
from gateway.emulators.core.control import answer, read_fields
from gateway.emulators.core.fields import Fields, InvalidField

PHONE: Final = re.compile(r"\+[1-9][0-9]{4,14}", re.ASCII)
SETTLED: Final = ("SUCCEEDED", "RESERVED", "PENDING_VALIDATION", "DENIED")
_AMOUNT: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?", re.ASCII)
_CURRENCY: Final = re.compile("[A-Z]{3}")

Act = Callable[[Transaction, str, int], View]
Find = Callable[[Transaction, str], Payment | Refund | None]


class People:
    """The handlers."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Every route."""
        payment, refund = (f"/control/{kind}/{{name}}" for kind in ("payments", "refunds"))
        return [
            web.get("/control/subscribers", self.list_subscribers),
            web.post("/control/subscribers", self.put_subscriber),
            web.post(f"{payment}/validate", self.validate),
            web.post(f"{payment}/settle", partial(self.settle, rows.find_payment)),
            web.post(f"{payment}/notify", partial(self.notify, rows.find_payment)),
            web.post(f"{refund}/settle", partial(self.settle, rows.find_refund)),
            web.post(f"{refund}/notify", partial(self.notify, rows.find_refund)),
        ]

    async def list_subscribers(self, request: web.Request) -> web.Response:
        """Everybody of whom something is known, and what each spent of a currency this month."""
        currency = request.query.get("currency", "CNY")
        if not _CURRENCY.fullmatch(currency):
            raise InvalidField("currency", "must be three capital letters")
        unit = partial(_subscribers, currency=currency, now=self._clock.now_ms())
        return answer({"subscribers": await self._book.run(unit)})

    async def put_subscriber(self, request: web.Request) -> web.Response:
        """Know a subscriber anew: what is not said is not so any more."""
        fields = await read_fields(request)
        subscriber = Subscriber(
            phone=fields.matching("phone_number", PHONE, "a number of E.164 with +"),
            kind=fields.choice("kind", KINDS) if fields.has("kind") else "ACTIVE",
            payment_max=_read_amount(fields, "payment_max"),
            spending_limit=_read_amount(fields, "spending_limit"),
        )
        fields.finish()
        await self._book.run(partial(subscribers.put, subscriber=subscriber))
        return answer(_subscriber_view(subscriber))

    async def validate(self, request: web.Request) -> web.Response:
        """The subscriber agrees (types the right code, opens the page), or does not."""
        fields = await read_fields(request)
        agrees = fields.flag("agrees") if fields.has("agrees") else True
        fields.finish()
        return await self._play(request, partial(_validate, agrees))

    async def settle(self, find: Find, request: web.Request) -> web.Response:
        """The operator's systems decide now."""
        fields = await read_fields(request)
        state = fields.choice("state", SETTLED)
        fields.finish()
        return await self._play(request, partial(_settle, find, state))

    async def notify(self, find: Find, request: web.Request) -> web.Response:
        """Tell the client once more, in any way that notifications can be played."""
        fields = await read_fields(request)
        mode: Notify = fields.choice("as", get_args(Notify)) if fields.has("as") else "ONCE"
        fields.finish()
        return await self._play(request, partial(_notify, find, mode))

    async def _play(self, request: web.Request, act: Act) -> web.Response:
        name, now = request.match_info["name"], self._clock.now_ms()
        return answer(await self._book.run(lambda txn: act(txn, name, now)))


def _validate(agrees: bool, txn: Transaction, name: str, now: int) -> View:  # noqa: FBT001 partial
    payment = _found(rows.find_payment, txn, name)
    assert isinstance(payment, Payment)
    if payment.state != "pending_validation" or now >= payment.expire_time:
        raise Conflict(f"There is nothing to validate: the payment is {payment.state}.")
    if agrees:
        return settlement.reach_payment(txn, payment, "reserved", now).view()
    reason = "The subscriber did not agree."
    return settlement.reach_payment(txn, payment, "denied", now, reason).view()


def _settle(find: Find, state: str, txn: Transaction, name: str, now: int) -> View:
    record = _found(find, txn, name)
    step = "refund"
    if isinstance(record, Payment):
        step = "prepare" if record.is_preparing else "create"
    if record.state != "processing" or state not in SETTLEMENTS[step]:
        raise Conflict(f"It cannot become {state}: it is {record.state}.")
    return settlement.settle(txn, record, state, now).view()


def _notify(find: Find, mode: Notify, txn: Transaction, name: str, now: int) -> View:
    record = _found(find, txn, name)
    return {"notifications": settlement.tell_again(txn, record, Play(notify=mode), now)}


def _found(find: Find, txn: Transaction, name: str) -> Payment | Refund:
    record = find(txn, name)
    if record is None:
        raise Missing("There is nothing with this number.")
    return record


def _subscribers(txn: Transaction, currency: str, now: int) -> list[View]:
    return [
        {
            **_subscriber_view(subscriber),
            "spent": to_text(subscribers.spent(txn, subscriber.phone, currency, now)),
        }
        for subscriber in subscribers.read_all(txn)
    ]


def _subscriber_view(subscriber: Subscriber) -> View:
    view: View = {"phone_number": subscriber.phone, "kind": subscriber.kind}
    for name in ("payment_max", "spending_limit"):
        amount: int | None = getattr(subscriber, name)
        view[name] = None if amount is None else to_text(amount)
    return view


def _read_amount(fields: Fields, name: str) -> int | None:
    if not fields.has(name):
        return None
    return read_amount(fields.matching(name, _AMOUNT, 'text like "12.50"'))


def read_amount(text: str) -> int:
    """The thousandths of an amount in decimal text of at most three decimals."""
    whole, _, rest = text.partition(".")
    return int(whole) * UNIT + int(rest.ljust(3, "0"))
