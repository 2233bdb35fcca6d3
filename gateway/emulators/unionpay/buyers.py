"""The other people, played by hand: buyers with their phones, and banks."""

from collections.abc import Callable
from typing import Final, get_args

from aiohttp import web

from gateway.emulators.core.book import Book, Transaction
from gateway.emulators.core.control import Conflict, Missing, answer, read_fields
from gateway.emulators.unionpay import rows, settlement
from gateway.emulators.unionpay.channel import Channel
from gateway.emulators.unionpay.codes import LATE_MONEY, SUCCESS, SUCCESSES
from gateway.emulators.unionpay.orders import Order, View
from gateway.emulators.unionpay.play import NOTIFY, Late, Play, read_code

TN_LENGTH: Final = 21
NO_MONEY: Final = "64"

Act = Callable[[Transaction, Order, int], View]


class Buyers:
    """The handlers."""

    def __init__(self, book: Book, channel: Channel) -> None:
        self._book = book
        self._channel = channel

    def routes(self) -> list[web.RouteDef]:
        """Every route."""
        order = "/control/orders/{number}"
        return [
            web.post("/control/scan", self.scan),
            web.post(f"{order}/confirm", self.confirm),
            web.post(f"{order}/refuse", self.refuse),
            web.post(f"{order}/pay-late", self.pay_late),
            web.post(f"{order}/settle", self.settle),
            web.post(f"{order}/notify", self.notify),
        ]

    async def scan(self, request: web.Request) -> web.Response:
        """Open a tn: what is to be paid."""
        fields = await read_fields(request)
        tn = fields.text("tn", TN_LENGTH)
        fields.finish()
        return answer(await self._book.run(lambda txn: _open(txn, tn)))

    async def confirm(self, request: web.Request) -> web.Response:
        """The buyer pays, or authorises."""
        (await read_fields(request)).finish()
        return await self._play(request, _confirm)

    async def refuse(self, request: web.Request) -> web.Response:
        """The buyer's try fails, as a code says; until the time is over there may be another."""
        fields = await read_fields(request)
        code = read_code(fields, "code") if fields.has("code") else NO_MONEY
        fields.finish()
        if code in SUCCESSES:
            raise Conflict("A success is no refusal.")
        return await self._play(request, lambda txn, order, now: _refuse(txn, order, code, now))

    async def pay_late(self, request: web.Request) -> web.Response:
        """Money comes after the time is over; `then` says whether it stands or goes back."""
        fields = await read_fields(request)
        returned = fields.choice("then", get_args(Late)[1:]) == "REFUNDED"
        fields.finish()
        return await self._play(
            request, lambda txn, order, now: _pay_late(txn, order, now, returned=returned)
        )

    async def settle(self, request: web.Request) -> web.Response:
        """The bank decides about what it accepted, now."""
        fields = await read_fields(request)
        code = read_code(fields, "code") if fields.has("code") else SUCCESS
        fields.finish()
        return await self._play(request, lambda txn, order, now: _settle(txn, order, code, now))

    async def notify(self, request: web.Request) -> web.Response:
        """Tell the merchant once more, in any way that notifications can be played."""
        fields = await read_fields(request)
        mode = fields.choice("as", NOTIFY) if fields.has("as") else "ONCE"
        fields.finish()
        return await self._play(request, lambda txn, order, now: _notify(txn, order, mode, now))

    async def _play(self, request: web.Request, act: Act) -> web.Response:
        number, now = request.match_info["number"], self._channel.clock.now_ms()
        return answer(await self._book.run(lambda txn: act(txn, _found(txn, number), now)))


def view(order: Order) -> View:
    """How an order stands, for people."""
    return {
        "order_id": order.order_id,
        "txn_time": order.txn_time,
        "mer_id": order.mer_id,
        "txn_type": order.txn_type,
        "state": order.state,
        "code": order.code,
        "amount": order.amount,
        "query_id": order.query_id,
    }


def _found(txn: Transaction, number: str) -> Order:
    order = rows.find(txn, number)
    if order is None:
        raise Missing("There is no such order.")
    return order


def _open(txn: Transaction, tn: str) -> View:
    order = rows.read_by_tn(txn, tn)
    if order is None:
        raise Missing("There is no such tn.")
    _require_waiting(order)
    return {**view(order), "description": order.asked.get("orderDesc", "")}


def _require_waiting(order: Order) -> None:
    if order.state != "WAITING":
        raise Conflict(f"The buyer has nothing to do: the order is {order.state}.")


def _confirm(txn: Transaction, order: Order, now: int) -> View:
    _require_waiting(order)
    return view(settlement.succeed(txn, order, now))


def _refuse(txn: Transaction, order: Order, code: str, now: int) -> View:
    _require_waiting(order)
    return view(settlement.decide(txn, order, code, now))


def _pay_late(txn: Transaction, order: Order, now: int, *, returned: bool) -> View:
    if order.state != "EXPIRED" or order.code == LATE_MONEY:
        raise Conflict(f"It is too late only once, for an expired order: this is {order.state}.")
    return view(settlement.pay_late(txn, order, now, returned=returned))


def _settle(txn: Transaction, order: Order, code: str, now: int) -> View:
    if order.state != "ACCEPTED":
        raise Conflict(f"There is nothing to decide: the order is {order.state}.")
    return view(settlement.decide(txn, order, code, now))


def _notify(txn: Transaction, order: Order, mode: str, now: int) -> View:
    if order.state in ("WAITING", "ACCEPTED"):
        raise Conflict(f"There is nothing to tell: the order is {order.state}.")
    return {"notifications": settlement.renotify(txn, order, Play(notify=mode), now)}
