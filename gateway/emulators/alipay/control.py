"""The control endpoints that read the book as an oracle, and those about keys and bills.

Money is added up from the effects, not from the records, so that the two can be held against each
other.
"""

import asyncio
import json
from collections.abc import Mapping
from functools import partial
from typing import Final

from aiohttp import web

from gateway.emulators.alipay import operations, rows
from gateway.emulators.alipay.authorizations import Authorization
from gateway.emulators.alipay.channel import Channel
from gateway.emulators.alipay.keyfiles import KeyFiles, Kind
from gateway.emulators.alipay.records import Kind as RecordKind
from gateway.emulators.alipay.records import Record, View
from gateway.emulators.alipay.settings import describe
from gateway.emulators.alipay.trades import Trade
from gateway.emulators.core import beijing, outbox, visits
from gateway.emulators.core.book import Book, Transaction, Value
from gateway.emulators.core.control import Missing, answer, read_day, read_fields, read_page

KINDS: Final[tuple[RecordKind, ...]] = ("code", "trade", "refund", "authorization", "agreement")
BILL_FAULT_AMOUNT_MAX: Final = 10**12
_DATE_LENGTH: Final = 10
_WHAT: Final[dict[str, Kind]] = {
    "ALIPAY_PUBLIC_KEY": "public",
    "ALIPAY_CERTIFICATE": "certificate",
    "APP_CERTIFICATE": "app",
}


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
            *(web.get(f"/control/{kind}s", partial(self.page, kind)) for kind in KINDS),
            web.get("/control/book", self.money),
            web.post("/control/bill-faults", self.add_bill_fault),
            web.get("/control/keys", self.keys),
            web.post("/control/keys/rotate", self.rotate),
        ]

    async def summary(self, _request: web.Request) -> web.Response:
        """Totals over the whole book."""
        unit = partial(_summary, app_ids=tuple(self._channel.keys.apps))
        return answer({**await self._book.run(unit), "time_ms": self._channel.clock.now_ms()})

    async def page(self, kind: RecordKind, request: web.Request) -> web.Response:
        """One page of records in order of arrival."""
        after, size = read_page(request)
        unit = partial(_page, kind=kind, after=after, size=size)
        return answer(await self._book.run(unit))

    async def money(self, request: web.Request) -> web.Response:
        """What really moved on a day, by kind."""
        day, app_id = read_day(request.query.get("day", "")), self._app(request.query)
        begin = beijing.midnight(day)
        unit = partial(
            rows.sum_effects, app_id=app_id, from_time=begin, to_time=begin + beijing.DAY_MS
        )
        return answer({"day": day.isoformat(), "app_id": app_id, **await self._book.run(unit)})

    async def add_bill_fault(self, request: web.Request) -> web.Response:
        """Let the bill of a day differ from the book."""
        fields = await read_fields(request)
        app_id = {"app_id": fields.text("app_id", 32)} if fields.has("app_id") else {}
        values: dict[str, Value] = {
            "app_id": self._app(app_id),
            "day": read_day(fields.text("day", _DATE_LENGTH)).isoformat(),
            "kind": fields.choice("kind", ("MISSING", "EXTRA", "AMOUNT", "FEE")),
            "number": fields.text("number", 64, length_min=1),
            "amount": 0,
        }
        if values["kind"] != "MISSING":
            lowest = 1 if values["kind"] == "EXTRA" else -BILL_FAULT_AMOUNT_MAX
            values["amount"] = fields.integer("amount", lowest, BILL_FAULT_AMOUNT_MAX)
        fields.finish()
        await self._book.run(lambda txn: txn.write(rows.SQL["insert_bill_fault"], values))
        return answer({"ok": True})

    async def keys(self, request: web.Request) -> web.Response:
        """Which keys are in force, and what a gateway needs to connect."""
        keys, app_id = self._channel.keys, self._app(request.query)
        view: View = {
            "alipay_certificates": [key.sn for key in keys.certificates],
            "alipay_public_keys": len(keys.public_keys),
            "app_certificates": list(keys.apps[app_id].public_keys),
            "settings": describe(self._files, keys, app_id),
        }
        return answer(view)

    async def rotate(self, request: web.Request) -> web.Response:
        """Make a new key; the older ones stay in force unless they are retired."""
        fields = await read_fields(request)
        what = _WHAT[fields.choice("what", tuple(_WHAT))]
        retires = fields.flag("retire_older") if fields.has("retire_older") else False
        fields.finish()
        app_id = self._app(request.query)
        await asyncio.to_thread(self._files.add, what, app_id, retires=retires)
        fresh, keys = await asyncio.to_thread(self._files.read), self._channel.keys
        keys.apps, keys.public_keys = fresh.apps, fresh.public_keys
        keys.certificates = fresh.certificates
        return await self.keys(request)

    def _app(self, given: Mapping[str, str]) -> str:
        apps = self._channel.keys.apps
        app_id = given.get("app_id", min(apps))
        if app_id not in apps:
            raise Missing("There is no such app.")
        return app_id


def _summary(txn: Transaction, app_ids: tuple[str, ...]) -> View:
    return {
        **rows.count_records(txn),
        "moved": {app_id: rows.sum_effects(txn, app_id) for app_id in app_ids},
        "requests": visits.read_counters(txn, operations.REQUESTS),
        "notifications": outbox.read_fates(txn),
    }


def _page(txn: Transaction, kind: RecordKind, after: int, size: int) -> View:
    found = rows.read_page(txn, kind, after, size + 1)
    page = found[:size]
    more = page[-1].seq if len(found) > size else None
    return {f"{kind}s": [_entry(txn, record) for record in page], "next": more}


def _entry(txn: Transaction, record: Record) -> View:
    entry: View = {**vars(record), "request": record.asked, "play": json.loads(record.play)}
    if isinstance(record, Trade | Authorization):
        entry["effects"] = rows.effects_of(txn, record)
    if isinstance(record, Authorization):
        entry["operations"] = [vars(each) for each in rows.operations_of(txn, record)]
    return entry
