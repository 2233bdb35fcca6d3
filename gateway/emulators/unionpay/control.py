"""The control endpoints that read the book as an oracle, and those about keys.

Money is added up from the effects, not from the orders, so that the two can be held against each
other.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Final

from aiohttp import web

from gateway.emulators.core import outbox, visits
from gateway.emulators.core.book import Book, Transaction, Value
from gateway.emulators.core.control import Missing, answer, read_day, read_fields, read_page
from gateway.emulators.unionpay import billing, operations, rows
from gateway.emulators.unionpay.channel import Channel
from gateway.emulators.unionpay.keyfiles import KeyFiles
from gateway.emulators.unionpay.orders import Order, View
from gateway.emulators.unionpay.settings import describe

BILL_FAULT_AMOUNT_MAX: Final = 10**11
_DATE_LENGTH: Final = 10
_WHAT: Final = ("SIGNING_CERTIFICATE", "MERCHANT_CERTIFICATE")


class Control:
    """The handlers."""

    def __init__(self, book: Book, channel: Channel, files: KeyFiles) -> None:
        self._book = book
        self._channel = channel
        self._files = files

    def routes(self) -> list[web.RouteDef]:
        """Every route."""
        return [
            web.get("/control/summary", self.summary),
            web.get("/control/orders", self.page),
            web.get("/control/book", self.money),
            web.post("/control/bill-faults", self.add_bill_fault),
            web.get("/control/keys", self.keys),
            web.post("/control/keys/rotate", self.rotate),
        ]

    async def summary(self, _request: web.Request) -> web.Response:
        """Totals over the whole book."""
        unit = partial(_summary, mer_ids=tuple(self._channel.keys.merchants))
        return answer({**await self._book.run(unit), "time_ms": self._channel.clock.now_ms()})

    async def page(self, request: web.Request) -> web.Response:
        """One page of orders in order of arrival."""
        after, size = read_page(request)
        return answer(await self._book.run(partial(_page, after=after, size=size)))

    async def money(self, request: web.Request) -> web.Response:
        """What really moved on a clearing day, by kind, and what the network kept of it."""
        day, mer_id = read_day(request.query.get("day", "")), self._mer_id(request.query)
        unit = partial(_money, mer_id=mer_id, day=day)
        return answer({"day": day.isoformat(), "mer_id": mer_id, **await self._book.run(unit)})

    async def add_bill_fault(self, request: web.Request) -> web.Response:
        """Let the settlement file of a day differ from the book."""
        fields = await read_fields(request)
        mer_id = {"mer_id": fields.text("mer_id", 32)} if fields.has("mer_id") else {}
        values: dict[str, Value] = {
            "mer_id": self._mer_id(mer_id),
            "day": read_day(fields.text("day", _DATE_LENGTH)).isoformat(),
            "kind": fields.choice("kind", ("MISSING", "EXTRA", "AMOUNT", "FEE")),
            "number": fields.text("number", 32, length_min=1),
            "amount": 0,
        }
        if values["kind"] != "MISSING":
            lowest = 1 if values["kind"] == "EXTRA" else -BILL_FAULT_AMOUNT_MAX
            values["amount"] = fields.integer("amount", lowest, BILL_FAULT_AMOUNT_MAX)
        fields.finish()
        await self._book.run(lambda txn: txn.write(rows.SQL["insert_bill_fault"], values))
        return answer({"ok": True})

    async def keys(self, request: web.Request) -> web.Response:
        """Which merchant's certificates are in force, and what a gateway needs to connect."""
        mer_id = self._mer_id(request.query)
        merchant = self._channel.keys.merchants[mer_id]
        view: View = {
            "merchant_certificates": list(merchant.certificates),
            "settings": describe(self._files, mer_id),
        }
        return answer(view)

    async def rotate(self, request: web.Request) -> web.Response:
        """Make a new key; a merchant's older ones stay in force unless they are retired."""
        fields = await read_fields(request)
        what = fields.choice("what", _WHAT)
        retires = fields.flag("retire_older") if fields.has("retire_older") else False
        fields.finish()
        if what == "SIGNING_CERTIFICATE":
            make = partial(self._files.add_signing, retires=retires)
        else:
            mer_id = self._mer_id(request.query)
            make = partial(self._files.add_merchant, mer_id, retires=retires)
        await asyncio.to_thread(make)
        fresh, keys = await asyncio.to_thread(self._files.read), self._channel.keys
        keys.merchants, keys.signers = fresh.merchants, fresh.signers
        return await self.keys(request)

    def _mer_id(self, given: Mapping[str, str]) -> str:
        merchants = self._channel.keys.merchants
        mer_id = given.get("mer_id", min(merchants))
        if mer_id not in merchants:
            raise Missing("There is no such merchant.")
        return mer_id


def _summary(txn: Transaction, mer_ids: tuple[str, ...]) -> View:
    return {
        "orders": rows.count(txn),
        "moved": {mer_id: rows.sum_effects(txn, mer_id) for mer_id in mer_ids},
        "requests": visits.read_counters(txn, operations.REQUESTS),
        "notifications": outbox.read_fates(txn),
    }


def _page(txn: Transaction, after: int, size: int) -> View:
    found = rows.read_page(txn, after, size + 1)
    page = found[:size]
    more = page[-1].seq if len(found) > size else None
    return {"orders": [_entry(txn, order) for order in page], "next": more}


def _entry(txn: Transaction, order: Order) -> View:
    return {
        **vars(order),
        "request": order.asked,
        "play": json.loads(order.play),
        "effects": rows.effects_of(txn, order.seq),
    }


def _money(txn: Transaction, mer_id: str, day: date) -> View:
    moved: View = {**rows.sum_effects(txn, mer_id, day.isoformat())}
    return moved | {"fee": sum(line.fee for line in billing.read_true_lines(txn, mer_id, day))}
