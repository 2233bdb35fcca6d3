"""Where bills are downloaded: whoever has the link has the bill, for as long as it works."""

import asyncio
from functools import partial
from typing import Final

from aiohttp import web

from gateway.emulators.alipay import billing
from gateway.emulators.alipay.methods import BILL_DOWNLOAD
from gateway.emulators.alipay.operations import REQUESTS
from gateway.emulators.alipay.play import FAULT, NO_FAULT, Fault
from gateway.emulators.alipay.replies import break_off
from gateway.emulators.core import rules, visits
from gateway.emulators.core.book import Book, Transaction
from gateway.emulators.core.clock import Clock
from gateway.emulators.core.wire import send_half

GONE: Final = "<html><body>The link does not work any more.</body></html>"


class Downloads:
    """The handler."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Hand a bill over, unless a fault comes between."""
        file_id, now = request.query.get("fileId", ""), self._clock.now_ms()
        content, fault = await self._book.run(partial(_fetch, file_id=file_id, now=now))
        if fault.delay_ms:
            await asyncio.sleep(fault.delay_ms / 1000)
        broken = break_off(request, fault.name)
        if broken is not None:
            return broken
        if content is None:
            return web.Response(status=404, text=GONE, content_type="text/html")
        if fault.name == "TRUNCATED":
            return await send_half(request, 200, content)
        return web.Response(body=content, content_type="application/zip")


def _fetch(txn: Transaction, file_id: str, now: int) -> tuple[bytes | None, Fault]:
    visits.count(txn, REQUESTS, BILL_DOWNLOAD)
    content = rules.take(txn, FAULT, BILL_DOWNLOAD, {"fileId": file_id})
    fault = NO_FAULT if content is None else Fault(**content)
    if content is not None:
        visits.record_hit(txn, BILL_DOWNLOAD, BILL_DOWNLOAD, fault.name, now)
    return billing.fetch(txn, file_id, now), fault
