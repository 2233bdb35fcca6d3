"""The control endpoints of the family that read the book as an oracle, and those about keys.

Money is added up from the effects, not from the records, so that the two can be held against each
other.
"""

import asyncio
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import web

from gateway.emulators.core import beijing, outbox, switches, visits
from gateway.emulators.core.book import Book, Transaction, Value
from gateway.emulators.core.control import Missing, answer, read_day, read_fields, read_page
from gateway.emulators.core.fields import InvalidField
from gateway.emulators.v3style import operations, rows
from gateway.emulators.v3style.keyfiles import KeyFiles
from gateway.emulators.v3style.keys import KEY_MODES
from gateway.emulators.v3style.names import Channel
from gateway.emulators.v3style.orders import Order
from gateway.emulators.v3style.records import Kind, Record, View
from gateway.emulators.v3style.settings import describe

KEY_MODE: Final = "key mode"
KINDS: Final[tuple[Kind, ...]] = ("order", "refund", "contract")
BILL_FAULT_AMOUNT_MAX: Final = 10**12
_DATE_LENGTH: Final = 10
_WHAT: Final = ("PLATFORM_CERTIFICATE", "PLATFORM_PUBLIC_KEY", "MERCHANT_CERTIFICATE")


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
            web.post("/control/keys/mode", self.set_key_mode),
            web.post("/control/keys/rotate", self.rotate),
        ]

    async def summary(self, _request: web.Request) -> web.Response:
        """Totals over the whole book."""
        unit = partial(_summary, mchids=tuple(self._channel.keys.merchants))
        return answer({**await self._book.run(unit), "time_ms": self._channel.clock.now_ms()})

    async def page(self, kind: Kind, request: web.Request) -> web.Response:
        """One page of records in order of arrival."""
        after, size = read_page(request)
        unit = partial(_page, kind=kind, after=after, size=size)
        return answer(await self._book.run(unit))

    async def money(self, request: web.Request) -> web.Response:
        """What really moved on a day, by kind."""
        day, mchid = read_day(request.query.get("day", "")), self._mchid(request.query)
        begin = beijing.midnight(day)
        unit = partial(
            rows.sum_effects, mchid=mchid, from_time=begin, to_time=begin + beijing.DAY_MS
        )
        return answer({"day": day.isoformat(), "mchid": mchid, **await self._book.run(unit)})

    async def add_bill_fault(self, request: web.Request) -> web.Response:
        """Let the bill of a day differ from the book."""
        fields = await read_fields(request)
        mchid = {"mchid": fields.text("mchid", 32)} if fields.has("mchid") else {}
        values: dict[str, Value] = {
            "mchid": self._mchid(mchid),
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
        keys = self._channel.keys
        mchid = self._mchid(request.query)
        view: View = {
            "mode": keys.mode,
            "certificates": [key.serial for key in keys.certificates],
            "public_keys": [key.serial for key in keys.public_keys],
            "merchant_certificates": list(keys.merchants[mchid].certificates),
            "settings": describe(self._channel.names, self._files, keys, mchid),
        }
        return answer(view)

    async def set_key_mode(self, request: web.Request) -> web.Response:
        """Sign with the public key, with the certificate, or with both in turn."""
        fields = await read_fields(request)
        mode = fields.choice("mode", KEY_MODES)
        fields.finish()
        if mode != "CERTIFICATE" and not self._channel.names.has_public_key_mode:
            raise InvalidField("mode", "must be CERTIFICATE: this channel has no other")
        await self._book.run(partial(switches.put, name=KEY_MODE, value=mode))
        self._channel.keys.mode = mode
        return await self.keys(request)

    async def rotate(self, request: web.Request) -> web.Response:
        """Make a new key; the older ones stay in force unless they are retired."""
        fields = await read_fields(request)
        what = fields.choice("what", _WHAT)
        retires = fields.flag("retire_older") if fields.has("retire_older") else False
        fields.finish()
        folder = self._files.platform
        if what == "MERCHANT_CERTIFICATE":
            folder = self._files.merchant(self._mchid(request.query))
        await asyncio.to_thread(self._make_key, what, folder, retires=retires)
        fresh, keys = await asyncio.to_thread(self._files.read), self._channel.keys
        keys.merchants, keys.certificates = fresh.merchants, fresh.certificates
        keys.public_keys = fresh.public_keys
        return await self.keys(request)

    def _make_key(self, what: str, folder: Path, *, retires: bool) -> None:
        if what == "PLATFORM_PUBLIC_KEY":
            self._files.add_public_key()
        else:
            self._files.add_certificate(folder)
        if retires:
            self._files.retire(folder, "pub" if what == "PLATFORM_PUBLIC_KEY" else "cert")

    def _mchid(self, given: Mapping[str, str]) -> str:
        merchants = self._channel.keys.merchants
        mchid = given.get("mchid", min(merchants))
        if mchid not in merchants:
            raise Missing("There is no such merchant.")
        return mchid


def _summary(txn: Transaction, mchids: tuple[str, ...]) -> View:
    return {
        **rows.count_records(txn),
        "moved": {mchid: rows.sum_effects(txn, mchid) for mchid in mchids},
        "requests": visits.read_counters(txn, operations.REQUESTS),
        "notifications": outbox.read_fates(txn),
    }


def _page(txn: Transaction, kind: Kind, after: int, size: int) -> View:
    found = rows.read_page(txn, kind, after, size + 1)
    page = found[:size]
    more = page[-1].seq if len(found) > size else None
    return {f"{kind}s": [_entry(txn, record) for record in page], "next": more}


def _entry(txn: Transaction, record: Record) -> View:
    entry: View = {**vars(record), "request": record.asked}
    if "play" in entry:
        entry["play"] = json.loads(str(entry["play"]))
    if isinstance(record, Order):
        entry["effects"] = rows.effects_of(txn, record.seq)
    return entry
