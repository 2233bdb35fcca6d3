"""The control endpoints that every stand-in of a real channel has: time, rules, and what was seen.

They are unsigned and meant for people, tests and campaigns; whoever can reach them can do anything.
What they say comes from the same book as everything else.

    GET  /healthz                  200 when the book answers
    GET  /control/clock            virtual time
    POST /control/clock            let it jump ahead: by a span, or to a time
    GET  /control/rules            what waits to strike; POST adds one, DELETE takes all back
    DELETE /control/rules/{id}     takes one back
    GET  /control/faults/{number}  what struck one number, in order
    GET  /control/fields           every field name that ever arrived
"""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial

from aiohttp import web

from gateway.emulators.core import rules, seen, switches, visits
from gateway.emulators.core.book import Book, Transaction
from gateway.emulators.core.clock import ADVANCE_MS_MAX, Clock
from gateway.emulators.core.fields import Fields, InvalidField, read_json
from gateway.emulators.core.rules import Rule
from gateway.emulators.core.wire import json_bytes, read_body, reply

PAGE_SIZE_MAX = 1_000
PAGE_SIZE_DEFAULT = 100
HEALTH_TIMEOUT_S = 2.0

_DIGITS = re.compile("[0-9]{1,18}")
_TIME_LENGTH_MAX = 40

View = dict[str, object]


class Missing(Exception):
    """A control request names nothing that is there."""


class Conflict(Exception):
    """A control request asks for what cannot happen now."""


class CoreControl:
    """The handlers, over a book and its clock; `read_rule` reads a rule of the stand-in's own."""

    def __init__(self, book: Book, clock: Clock, read_rule: Callable[[Fields], Rule]) -> None:
        self._book = book
        self._clock = clock
        self._read_rule = read_rule

    def routes(self) -> list[web.RouteDef]:
        """Every route."""
        return [
            web.get("/healthz", self.health),
            web.get("/control/clock", self.tell_time),
            web.post("/control/clock", self.pass_time),
            web.get("/control/rules", self.list_rules),
            web.post("/control/rules", self.add_rule),
            web.delete("/control/rules", self.delete_rules),
            web.delete("/control/rules/{id:[0-9]+}", self.delete_rules),
            web.get("/control/faults/{number}", self.faults),
            web.get("/control/fields", self.fields),
        ]

    async def health(self, _request: web.Request) -> web.Response:
        """200 when the book answers, 503 when it does not within HEALTH_TIMEOUT_S."""
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S):
                await self._book.run(_nothing)
        except TimeoutError:
            return reply(503, json_bytes({"ok": False}))
        return answer({"ok": True})

    async def tell_time(self, _request: web.Request) -> web.Response:
        """Virtual time, and how far it is ahead."""
        return answer(self._time())

    async def pass_time(self, request: web.Request) -> web.Response:
        """Virtual time jumps ahead, kept across restarts; what became due has then happened."""
        fields = await read_fields(request)
        advance_ms = self._read_jump(fields)
        fields.finish()
        shift_ms = await self._book.run(partial(switches.advance, advance_ms=advance_ms))
        await self._clock.jump(shift_ms)
        return answer(self._time())

    async def list_rules(self, _request: web.Request) -> web.Response:
        """The rules that wait, oldest first."""
        return answer({"rules": await self._book.run(rules.read_all)})

    async def add_rule(self, request: web.Request) -> web.Response:
        """Let a rule wait."""
        rule = self._read_rule(await read_fields(request))
        return answer({"id": await self._book.run(partial(rules.add, rule=rule))})

    async def delete_rules(self, request: web.Request) -> web.Response:
        """Take one rule back, or all."""
        text = request.match_info.get("id")
        unit = partial(rules.delete, rule_id=None if text is None else int(text))
        return answer({"deleted": await self._book.run(unit)})

    async def faults(self, request: web.Request) -> web.Response:
        """What struck a number."""
        unit = partial(visits.read_hits, number=request.match_info["number"])
        hits, total = await self._book.run(unit)
        return answer({"faults": hits, "total": total})

    async def fields(self, _request: web.Request) -> web.Response:
        """Every field name that ever arrived, by operation and place."""
        return answer({"fields": await self._book.run(seen.read_all)})

    def _time(self) -> View:
        now = self._clock.now_ms()
        text = datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec="milliseconds")
        return {"time": text, "time_ms": now, "shift_ms": self._clock.shift_ms}

    def _read_jump(self, fields: Fields) -> int:
        if not fields.has("time"):
            return fields.integer("advance_ms", 0, ADVANCE_MS_MAX)
        text = fields.text("time", _TIME_LENGTH_MAX)
        advance_ms = _read_time_ms(text) - self._clock.now_ms()
        if not 0 <= advance_ms <= ADVANCE_MS_MAX:
            raise InvalidField("time", "must lie ahead of virtual time, by at most ten years")
        return advance_ms


async def read_fields(request: web.Request) -> Fields:
    """The members of a control request's body; one without a body has none."""
    body = await read_body(request)
    return Fields(read_json(body) if body else {})


def read_page(request: web.Request) -> tuple[int, int]:
    """After which place a page shall begin, and how many entries it shall have."""
    after = _read_number(request, "after", 0, 10**18)
    return after, _read_number(request, "limit", PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX) or 1


def read_day(text: str) -> date:
    """Read a day. Raises InvalidField."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidField("day", "must be a day like 2026-01-31") from None
    if not timedelta(0) <= day - date(2000, 1, 1) <= timedelta(days=100 * 366):
        raise InvalidField("day", "must be a day of this century")
    return day


def answer(view: View) -> web.Response:
    """The reply of a control endpoint."""
    return reply(200, json_bytes(view))


def _nothing(_txn: Transaction) -> None:
    """Prove that the writer commits."""


def _read_number(request: web.Request, name: str, default: int, highest: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not _DIGITS.fullmatch(text) or int(text) > highest:
        raise InvalidField(name, f"must be an integer up to {highest}")
    return int(text)


def _read_time_ms(text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidField("time", "must be a time as of RFC 3339") from None
    if time.tzinfo is None:
        raise InvalidField("time", "must have an offset from UTC")
    return round(time.timestamp() * 1000)
