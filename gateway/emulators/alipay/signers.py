"""Buyers who sign agreements, played by hand: on the merchant's page, or without one."""

import secrets
from functools import partial
from typing import Any, Final

from aiohttp import web

from gateway.emulators.alipay import agreeing, rows
from gateway.emulators.alipay.agreements import Agreement
from gateway.emulators.alipay.allowlists import AGREEMENT_NUMBER, CODE
from gateway.emulators.alipay.channel import Channel
from gateway.emulators.alipay.money import yuan
from gateway.emulators.alipay.play import Play, read_buyer
from gateway.emulators.alipay.records import View, new_buyer, new_number
from gateway.emulators.core.book import Book, Transaction
from gateway.emulators.core.control import Conflict, Missing, answer, read_fields
from gateway.emulators.core.fields import Fields

PRODUCT_DEFAULT: Final = "GENERAL_WITHHOLDING_P"
SCENE_DEFAULT: Final = "INDUSTRY|DEFAULT"
PAYMENTS_MAX: Final = 10_000


class Signers:
    """The handlers."""

    def __init__(self, book: Book, channel: Channel) -> None:
        self._book = book
        self._channel = channel

    def routes(self) -> list[web.RouteDef]:
        """Every route."""
        agreement = "/control/agreements/{name}"
        return [
            web.post("/control/agreements", self.make),
            web.post(f"{agreement}/sign", self.sign),
            web.post(f"{agreement}/terminate", self.terminate),
        ]

    async def make(self, request: web.Request) -> web.Response:
        """A buyer signed somewhere, without the page of the merchant."""
        fields = await read_fields(request)
        asked, buyer_id = self._read(fields), _buyer(fields)
        fields.finish()
        unit = partial(self._make, asked=asked, buyer_id=buyer_id)
        return answer(await self._book.run(unit))

    async def sign(self, request: web.Request) -> web.Response:
        """The buyer signs what the merchant's page showed."""
        fields = await read_fields(request)
        buyer_id = _buyer(fields)
        fields.finish()
        name = request.match_info["name"]
        unit = partial(self._sign, name=name, buyer_id=buyer_id)
        return answer(await self._book.run(unit))

    async def terminate(self, request: web.Request) -> web.Response:
        """The buyer ends an agreement."""
        (await read_fields(request)).finish()
        unit = partial(self._terminate, name=request.match_info["name"])
        return answer(await self._book.run(unit))

    def _read(self, fields: Fields) -> dict[str, Any]:
        """What an agreement shall be, by what was said and what is usual. Raises InvalidField."""
        apps = self._channel.keys.apps
        app_id = fields.text("app_id", 32) if fields.has("app_id") else min(apps)
        if app_id not in apps:
            raise Missing("There is no such app.")
        readers = {
            "number": ("external_agreement_no", AGREEMENT_NUMBER),
            "product_code": ("personal_product_code", CODE),
            "single_max": ("single_amount", yuan),
            "total_max": ("total_amount", yuan),
            "payments_max": (
                "total_payments",
                lambda fields, name: fields.integer(name, 1, PAYMENTS_MAX),
            ),
        }
        usual = {"number": secrets.token_hex(14), "product_code": PRODUCT_DEFAULT}
        found: dict[str, Any] = {
            member: read(fields, name)
            for member, (name, read) in readers.items()
            if fields.has(name)
        }
        return {"app_id": app_id, **usual, **found}

    def _make(self, txn: Transaction, asked: dict[str, Any], buyer_id: str) -> View:
        now = self._channel.clock.now_ms()
        if rows.by_number(txn, Agreement, asked["app_id"], asked["number"]) is not None:
            raise Conflict("The number was used for another agreement.")
        agreement = Agreement(
            **asked,
            agreement_no=new_number(now, 12),
            sign_scene=SCENE_DEFAULT,
            state="TEMP",
            create_time=now,
            update_time=now,
            request="{}",
            play=Play().to_text(),
        )
        kept = rows.insert(txn, agreement)
        return dict(agreeing.sign(txn, self._channel, kept, buyer_id, now).told())

    def _sign(self, txn: Transaction, name: str, buyer_id: str) -> View:
        agreement = _find(txn, name)
        if agreement.state != "TEMP":
            raise Conflict(f"The agreement is {agreement.state}.")
        now = self._channel.clock.now_ms()
        return dict(agreeing.sign(txn, self._channel, agreement, buyer_id, now).told())

    def _terminate(self, txn: Transaction, name: str) -> View:
        agreement = _find(txn, name)
        if agreement.state != "NORMAL":
            raise Conflict(f"The agreement is {agreement.state}.")
        now = self._channel.clock.now_ms()
        return dict(agreeing.finish(txn, self._channel, agreement, now).told())


def _buyer(fields: Fields) -> str:
    return read_buyer(fields, "buyer_id") if fields.has("buyer_id") else new_buyer()


def _find(txn: Transaction, name: str) -> Agreement:
    agreement = rows.find(txn, Agreement, name)
    if agreement is None:
        raise Missing("There is no such agreement.")
    return agreement
