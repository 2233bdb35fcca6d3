"""The other people, played by hand: buyers, their banks, and whoever signs an agreement.

Everything a buyer does on a phone is one control request here. What the phone itself would check is
checked: a code that has run out does not open, a trade that is over cannot be paid, and money does
not come from where the merchant will not have it from.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, get_args

from aiohttp import web

from gateway.emulators.alipay import authorizing, funding, rows, settlement, telling
from gateway.emulators.alipay.authorizations import Authorization
from gateway.emulators.alipay.channel import Channel
from gateway.emulators.alipay.codes import Code
from gateway.emulators.alipay.errors import Refusal
from gateway.emulators.alipay.play import FundChannel, Late, Notify, Play, read_buyer
from gateway.emulators.alipay.records import View
from gateway.emulators.alipay.refunds import Refund
from gateway.emulators.alipay.trades import Trade
from gateway.emulators.core.book import Book, Transaction
from gateway.emulators.core.control import Conflict, Missing, answer, read_fields
from gateway.emulators.core.fields import Fields

CODE_LENGTH_MAX: Final = 256

Act = Callable[[Transaction, str, int], View]


class Buyers:
    """The handlers."""

    def __init__(self, book: Book, channel: Channel) -> None:
        self._book = book
        self._channel = channel

    def routes(self) -> list[web.RouteDef]:
        """Every route."""
        trade, refund, authorization = (
            f"/control/{kind}/{{name}}" for kind in ("trades", "refunds", "authorizations")
        )
        return [
            web.post("/control/scan", self.scan),
            web.post(f"{trade}/confirm", self.confirm),
            web.post(f"{trade}/refuse", self.refuse),
            web.post(f"{trade}/pay-late", self.pay_late),
            web.post(f"{trade}/notify", partial(self.notify, self._notify_trade)),
            web.post(f"{refund}/settle", self.settle_refund),
            web.post(f"{refund}/notify", partial(self.notify, self._notify_refund)),
            web.post(f"{authorization}/confirm", partial(self.decide, frozen=True)),
            web.post(f"{authorization}/refuse", partial(self.decide, frozen=False)),
        ]

    async def scan(self, request: web.Request) -> web.Response:
        """Open a code: now there is a trade."""
        fields = await read_fields(request)
        qr_code = fields.text("qr_code", CODE_LENGTH_MAX)
        buyer_id = _buyer(fields)
        fields.finish()
        now = self._channel.clock.now_ms()
        unit = partial(_scan, qr_code=qr_code, buyer_id=buyer_id, now=now)
        return answer(await self._book.run(unit))

    async def confirm(self, request: web.Request) -> web.Response:
        """The buyer pays; who has not scanned yet does so."""
        fields = await read_fields(request)
        buyer_id = _buyer(fields)
        fund: FundChannel | None = None
        if fields.has("fund_channel"):
            fund = fields.choice("fund_channel", get_args(FundChannel))
        fields.finish()
        return await self._play(request, partial(self._confirm, buyer_id, fund))

    async def refuse(self, request: web.Request) -> web.Response:
        """The buyer will not, or the bank: a trade closes, but a code that was scanned stays."""
        (await read_fields(request)).finish()
        return await self._play(request, self._refuse)

    async def pay_late(self, request: web.Request) -> web.Response:
        """Money comes for a closed trade; `then` says whether it stands or goes back."""
        fields = await read_fields(request)
        then = fields.choice("then", get_args(Late)[1:])
        fields.finish()
        return await self._play(request, partial(self._pay_late, then))

    async def notify(
        self, tell: Callable[[Play, Transaction, str, int], View], request: web.Request
    ) -> web.Response:
        """Tell the merchant once more, in any way that notifications can be played."""
        fields = await read_fields(request)
        mode: Notify = fields.choice("as", get_args(Notify)) if fields.has("as") else "ONCE"
        fields.finish()
        return await self._play(request, partial(tell, Play(notify=mode)))

    async def settle_refund(self, request: web.Request) -> web.Response:
        """The bank decides about a refund now."""
        fields = await read_fields(request)
        state = fields.choice("state", ("SUCCESS", "FAILED"))
        fields.finish()
        return await self._play(request, partial(self._settle_refund, state))

    async def decide(self, request: web.Request, *, frozen: bool) -> web.Response:
        """The buyer confirms a freezing, or will not."""
        (await read_fields(request)).finish()
        return await self._play(request, partial(self._decide, frozen))

    async def _play(self, request: web.Request, act: Act) -> web.Response:
        name, now = request.match_info["name"], self._channel.clock.now_ms()
        return answer(await self._book.run(lambda txn: act(txn, name, now)))

    def _confirm(
        self,
        buyer_id: str | None,
        fund: FundChannel | None,
        txn: Transaction,
        name: str,
        now: int,
    ) -> View:
        trade = _waiting(txn, name, now, buyer_id)
        wanted = fund or trade.played.fund_channel or funding.choose(trade.asked)
        if funding.excludes(trade.asked, wanted):
            raise Conflict(f"The merchant will not have money from {wanted}.")
        try:
            return settlement.pay(
                txn, self._channel, trade, now, buyer_id=buyer_id, fund_channel=wanted
            ).view()
        except Refusal as refusal:
            raise Conflict(refusal.message) from refusal

    def _refuse(self, txn: Transaction, name: str, now: int) -> View:
        trade = _waiting(txn, name, now)
        if trade.way == "QR":
            return trade.view()
        return settlement.close(txn, self._channel, trade, now).view()

    def _pay_late(self, then: str, txn: Transaction, name: str, now: int) -> View:
        trade = _find(txn, name)
        if trade.state != "TRADE_CLOSED" or rows.effects_of(txn, trade)["charge"]:
            raise Conflict(f"It is too late only once, for a closed trade: this is {trade.state}.")
        returned = then == "REFUNDED"
        try:
            return settlement.pay_late(txn, self._channel, trade, now, returned=returned).view()
        except Refusal as refusal:
            raise Conflict(refusal.message) from refusal

    def _notify_trade(self, play: Play, txn: Transaction, name: str, now: int) -> View:
        trade = _find(txn, name)
        told = trade.told()
        sent = telling.tell(txn, self._channel, trade, settlement.TRADE, told, now=now, play=play)
        return {"notifications": len(sent)}

    def _notify_refund(self, play: Play, txn: Transaction, name: str, now: int) -> View:
        refund = _find_refund(txn, name)
        trade = rows.by_seq(txn, Trade, refund.trade_seq)
        told = settlement.told_of_refund(refund, trade)
        sent = telling.tell(txn, self._channel, refund, settlement.TRADE, told, now=now, play=play)
        return {"notifications": len(sent)}

    def _settle_refund(self, state: str, txn: Transaction, name: str, now: int) -> View:
        refund = _find_refund(txn, name)
        if refund.state != "PROCESSING":
            raise Conflict(f"The refund is {refund.state}.")
        settled = settlement.settle_refund(txn, self._channel, refund, state, now)
        return {"out_request_no": settled.number, "state": settled.state}

    def _decide(self, frozen: bool, txn: Transaction, name: str, now: int) -> View:  # noqa: FBT001 bound by partial
        authorization = rows.find(txn, Authorization, name)
        if authorization is None:
            raise Missing("There is no authorisation with this number.")
        if authorization.state != "INIT":
            raise Conflict(f"The authorisation is {authorization.state}.")
        decided = authorizing.decide(txn, self._channel, authorization, now, frozen=frozen)
        return {"auth_no": decided.auth_no, "state": decided.state}


def _buyer(fields: Fields) -> str | None:
    return read_buyer(fields, "buyer_id") if fields.has("buyer_id") else None


def _scan(txn: Transaction, qr_code: str, buyer_id: str | None, now: int) -> View:
    code = rows.code_by_qr(txn, qr_code)
    if code is None:
        raise Missing("There is no such code.")
    if code.state == "OPEN":
        return _open(txn, code, now, buyer_id).view()
    return _waiting(txn, code.number, now).view()


def _open(txn: Transaction, code: Code, now: int, buyer_id: str | None) -> Trade:
    if now >= code.expire_time:
        raise Conflict("The code has run out: the merchant must ask for a new one.")
    return settlement.scan(txn, code, now, buyer_id)


def _waiting(txn: Transaction, name: str, now: int, buyer_id: str | None = None) -> Trade:
    """The trade that waits for its buyer. Raises Missing, Conflict."""
    trade, code = rows.find(txn, Trade, name), rows.find(txn, Code, name)
    if trade is None and code is not None and code.state == "OPEN":
        return _open(txn, code, now, buyer_id)
    if trade is None:
        raise Missing("There is no such trade.")
    if not trade.is_waiting or now >= trade.expire_time:
        raise Conflict(f"The buyer has nothing to do: the trade is {trade.state}.")
    return trade


def _find(txn: Transaction, name: str) -> Trade:
    trade = rows.find(txn, Trade, name)
    if trade is None:
        raise Missing("There is no such trade.")
    return trade


def _find_refund(txn: Transaction, name: str) -> Refund:
    refund = rows.find(txn, Refund, name)
    if refund is None:
        raise Missing("There is no refund with this number.")
    return refund
