"""The control endpoints: play the payer, pass time, and read the book as an oracle.

They are unsigned and meant for people, tests and campaigns. What they say comes from the same book
as everything else, and money is added up from the effects, not from the records, so that the two
can be held against each other. Beyond the payer's act there is one thing they can do: `POST
/control/clock {"advance_ms":n}` lets virtual time jump ahead, for good.
"""

import asyncio
import base64
import binascii
import json
import re
from functools import partial

from aiohttp import web

from gateway.emulators.core import outbox, switches, visits
from gateway.emulators.core.book import Book, Transaction
from gateway.emulators.core.clock import ADVANCE_MS_MAX, Clock
from gateway.emulators.core.fields import Fields, InvalidField, read_json
from gateway.emulators.core.wire import json_bytes, read_body, reply
from gateway.emulators.sandbox import operations, rows
from gateway.emulators.sandbox.requests import KINDS, Kind
from gateway.emulators.sandbox.rows import Entry

PAGE_SIZE_MAX = 1_000
PAGE_SIZE_DEFAULT = 100
HEALTH_TIMEOUT_S = 2.0

_DIGITS = re.compile("[0-9]{1,18}")

View = dict[str, object]


class Control:
    """The handlers, over a book and its clock."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Every control route."""
        return [
            web.get("/healthz", self.health),
            web.get("/control/summary", self.summary),
            *(web.get(f"/control/{kind}s", partial(self.page, kind)) for kind in KINDS),
            web.get("/control/faults/{number}", self.faults),
            web.post("/control/charges/{number}/act", self.act),
            web.post("/control/clock", self.pass_time),
        ]

    async def health(self, _request: web.Request) -> web.Response:
        """200 when the book answers, 503 when it does not within HEALTH_TIMEOUT_S."""
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S):
                await self._book.run(_nothing)
        except TimeoutError:
            return reply(503, json_bytes({"ok": False}))
        return _reply({"ok": True})

    async def summary(self, _request: web.Request) -> web.Response:
        """Totals over the whole book."""
        return _reply({**await self._book.run(_summary), "time": self._clock.now_ms()})

    async def page(self, kind: Kind, request: web.Request) -> web.Response:
        """One page of records in order of arrival."""
        after = _read_cursor(kind, request.query.get("after"))
        size = _page_size(request.query.get("limit"))
        unit = partial(rows.read_page, kind=kind, after=after, count_max=size + 1)
        found = await self._book.run(unit)
        page = found[:size]
        more = _cursor(kind, page[-1].seq) if len(found) > size else None
        return _reply({f"{kind}s": [_entry_view(entry) for entry in page], "next": more})

    async def faults(self, request: web.Request) -> web.Response:
        """Which scripted faults a number met."""
        unit = partial(visits.read_hits, number=request.match_info["number"])
        hits, total = await self._book.run(unit)
        return _reply({"faults": hits, "total": total})

    async def act(self, request: web.Request) -> web.Response:
        """The payer confirms or refuses."""
        fields = Fields(read_json(await read_body(request)))
        decision = fields.choice("decision", ("CONFIRM", "REFUSE"))
        fields.finish()
        unit = partial(
            operations.play_payer,
            number=request.match_info["number"],
            confirms=decision == "CONFIRM",
            now=self._clock.now_ms(),
        )
        return _reply(await self._book.run(unit))

    async def pass_time(self, request: web.Request) -> web.Response:
        """Virtual time jumps ahead, kept across restarts; what became due has then happened."""
        fields = Fields(read_json(await read_body(request)))
        advance_ms = fields.integer("advance_ms", 0, ADVANCE_MS_MAX)
        fields.finish()
        shift_ms = await self._book.run(partial(switches.advance, advance_ms=advance_ms))
        await self._clock.jump(shift_ms)
        return _reply({"time": self._clock.now_ms(), "shift_ms": self._clock.shift_ms})


def _nothing(_txn: Transaction) -> None:
    """Prove that the writer commits."""


def _summary(txn: Transaction) -> View:
    return {
        **rows.count_records(txn),
        "by_currency": rows.sum_effects(txn),
        "requests": visits.read_counters(txn, operations.REQUESTS),
        "notifications": outbox.read_fates(txn),
    }


def _entry_view(entry: Entry) -> View:
    asked = json.loads(entry.record.request) if entry.record.request else {}
    return {
        **asked,
        **entry.record.view(),
        "effects": entry.effects,
        "requests": entry.posts,
    }


def _page_size(text: str | None) -> int:
    if text is None:
        return PAGE_SIZE_DEFAULT
    if not _DIGITS.fullmatch(text) or not 1 <= int(text) <= PAGE_SIZE_MAX:
        raise InvalidField("limit", f"must be an integer from 1 to {PAGE_SIZE_MAX}")
    return int(text)


def _cursor(kind: Kind, seq: int) -> str:
    return base64.urlsafe_b64encode(f"{kind}:{seq}".encode()).decode()


def _read_cursor(kind: Kind, text: str | None) -> int:
    """The place in the order of arrival that a cursor of this kind stands for."""
    if text is None:
        return 0
    try:
        found, _, seq = base64.urlsafe_b64decode(text).decode().partition(":")
    except (binascii.Error, ValueError):
        found, seq = "", ""
    if found != kind or not _DIGITS.fullmatch(seq):
        raise InvalidField("after", "must be the `next` of a page of the same list")
    return int(seq)


def _reply(view: View) -> web.Response:
    return reply(200, json_bytes(view))
