"""The control endpoints that read the book as an oracle, and those of clients and house rules.

Money is added up from the effects, not from the records, so that the two can be held against each
other, and against the lists.
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aiohttp import web

from gateway.emulators.carrier import house, listfaults, operations, rows, tokens
from gateway.emulators.carrier.explaining import Missing
from gateway.emulators.carrier.house import TOKEN_LIFE_S_MAX
from gateway.emulators.carrier.oauth import Client
from gateway.emulators.carrier.payments import Payment
from gateway.emulators.carrier.people import PHONE
from gateway.emulators.carrier.records import Kind, Record, View
from gateway.emulators.carrier.routes import SCOPES
from gateway.emulators.core import beijing, outbox, visits
from gateway.emulators.core.book import Book, Transaction
from gateway.emulators.core.clock import Clock
from gateway.emulators.core.control import answer, read_day, read_fields, read_page
from gateway.emulators.core.fields import Fields

KINDS: Final[tuple[Kind, ...]] = ("payment", "refund")
_SECRETS: Final = frozenset(("sink_token",))
_SCOPE_LENGTH_MAX: Final = 512


class Control:
    """The handlers."""

    def __init__(self, book: Book, clock: Clock, clients: Mapping[str, Client]) -> None:
        self._book = book
        self._clock = clock
        self._clients = {client.label: client.client_id for client in clients.values()}

    def routes(self) -> list[web.RouteDef]:
        """Every route."""
        return [
            web.get("/control/summary", self.summary),
            *(web.get(f"/control/{kind}s", partial(self.page, kind)) for kind in KINDS),
            web.get("/control/book", self.money),
            web.post("/control/list-faults", self.add_list_fault),
            web.get("/control/house", self.tell_house),
            web.post("/control/house", self.change_house),
            web.post("/control/tokens", self.issue_token),
            web.post("/control/tokens/expire", self.expire_tokens),
        ]

    async def summary(self, _request: web.Request) -> web.Response:
        """Totals over the whole book."""
        unit = partial(_summary, clients=self._clients)
        return answer({**await self._book.run(unit), "time_ms": self._clock.now_ms()})

    async def page(self, kind: Kind, request: web.Request) -> web.Response:
        """One page of records in order of arrival."""
        after, size = read_page(request)
        unit = partial(_page, kind=kind, after=after, size=size)
        return answer(await self._book.run(unit))

    async def money(self, request: web.Request) -> web.Response:
        """What really moved on a day, in all and one by one."""
        day, client = read_day(request.query.get("day", "")), self._client(request.query)
        begin = beijing.midnight(day)
        unit = partial(_money, client=client, begin=begin, end=begin + beijing.DAY_MS)
        return answer({"day": day.isoformat(), **await self._book.run(unit)})

    async def add_list_fault(self, request: web.Request) -> web.Response:
        """Let the lists differ from the book."""
        fault = listfaults.read_fault(await read_fields(request))
        client = self._client({"client": fault.client} if fault.client else {})
        unit = partial(listfaults.apply, fault=fault, client=client, now=self._clock.now_ms())
        return answer({"number": await self._book.run(unit)})

    async def tell_house(self, _request: web.Request) -> web.Response:
        """The house rules in force."""
        return answer(vars(await self._book.run(house.rules_of)))

    async def change_house(self, request: web.Request) -> web.Response:
        """Switch some house rules."""
        changes = house.read_changes(await read_fields(request))
        return answer(vars(await self._book.run(partial(house.change, changes=changes))))

    async def issue_token(self, request: web.Request) -> web.Response:
        """A token that a subscriber gave a client (3-legged), or one of any life and scope."""
        fields = await read_fields(request)
        phone = None
        if fields.has("phone_number"):
            phone = fields.matching("phone_number", PHONE, "a number of E.164 with +")
        scopes = _read_scopes(fields)
        life_s = fields.integer("life_s", 0, TOKEN_LIFE_S_MAX) if fields.has("life_s") else 3_600
        label = {"client": fields.text("client", 64)} if fields.has("client") else {}
        fields.finish()
        client, expire_s = self._client(label), self._clock.wire_s() + life_s
        token = await self._book.run(lambda txn: tokens.issue(txn, client, scopes, phone, expire_s))
        return answer({"access_token": token})

    async def expire_tokens(self, request: web.Request) -> web.Response:
        """Let every token be dead."""
        (await read_fields(request)).finish()
        return answer({"expired": await self._book.run(tokens.expire_all)})

    def _client(self, given: Mapping[str, str]) -> str:
        label = given.get("client", next(iter(self._clients)))
        if label not in self._clients:
            raise Missing("There is no such client.")
        return self._clients[label]


def _summary(txn: Transaction, clients: Mapping[str, str]) -> View:
    return {
        **rows.count_records(txn),
        "moved": {label: rows.sum_effects(txn, client) for label, client in clients.items()},
        "requests": visits.read_counters(txn, operations.REQUESTS),
        "notifications": outbox.read_fates(txn),
    }


def _page(txn: Transaction, kind: Kind, after: int, size: int) -> View:
    found = rows.read_page(txn, kind, after, size + 1)
    page = found[:size]
    more = page[-1].seq if len(found) > size else None
    return {f"{kind}s": [_entry(txn, record) for record in page], "next": more}


def _entry(txn: Transaction, record: Record) -> View:
    members = {name: value for name, value in vars(record).items() if name not in _SECRETS}
    entry: View = {**members, "request": record.asked, "play": json.loads(record.play)}
    if isinstance(record, Payment):
        entry["effects"] = rows.effects_of(txn, record.seq)
    return entry


def _money(txn: Transaction, client: str, begin: int, end: int) -> dict[str, Any]:
    totals = rows.sum_effects(txn, client, begin, end)
    return {**totals, "movements": rows.read_movements(txn, client, begin, end)}


def _read_scopes(fields: Fields) -> frozenset[str]:
    if not fields.has("scope"):
        return SCOPES
    return frozenset(fields.text("scope", _SCOPE_LENGTH_MAX).split())
