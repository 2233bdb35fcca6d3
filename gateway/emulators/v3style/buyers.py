"""The other people, played by hand: buyers, their banks, and whoever signs a contract.

Everything a buyer does on a phone is one control request here. What the phone itself would check is
checked: a code that has run out does not open, and a call to the cashier must be signed by the
merchant, over exactly the four lines that the channel prescribes.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, get_args

from aiohttp import web

from gateway.emulators.core.book import Book, Transaction
from gateway.emulators.core.control import Conflict, Missing, answer, read_fields
from gateway.emulators.core.fields import Fields
from gateway.emulators.v3style import rows, settlement
from gateway.emulators.v3style.cashier import read_call_up, verify
from gateway.emulators.v3style.contracts import Contract
from gateway.emulators.v3style.names import Channel
from gateway.emulators.v3style.orders import Order, new_openid
from gateway.emulators.v3style.play import Late, Notify, Play
from gateway.emulators.v3style.records import View
from gateway.emulators.v3style.refunds import Refund

URL_LENGTH_MAX: Final = 512
OPENID_LENGTH_MAX: Final = 128

Act = Callable[[Transaction, str, int], View]


class Buyers:
    """The handlers."""

    def __init__(self, book: Book, channel: Channel) -> None:
        self._book = book
        self._channel = channel

    def routes(self) -> list[web.RouteDef]:
        """Every route."""
        order, refund, contract = (
            f"/control/{kind}/{{name}}" for kind in ("orders", "refunds", "contracts")
        )
        return [
            web.post("/control/scan", self.scan),
            web.post(f"{order}/confirm", self.confirm),
            web.post(f"{order}/refuse", self.refuse),
            web.post(f"{order}/pay-late", self.pay_late),
            web.post(f"{order}/notify", partial(self.notify, rows.find_order)),
            web.post(f"{refund}/notify", partial(self.notify, rows.find_refund)),
            web.post(f"{refund}/settle", self.settle_refund),
            web.post(f"{contract}/sign", self.sign),
            web.post(f"{contract}/terminate", self.terminate),
        ]

    async def scan(self, request: web.Request) -> web.Response:
        """Open a code, a link, or a cashier that a front end calls up: what is to be paid."""
        fields = await read_fields(request)
        if fields.has("call_up"):
            call_up = read_call_up(Fields(fields.take("call_up"), "call_up"))
            unit = partial(verify, channel=self._channel, call_up=call_up)
            credential = await self._book.run(unit)
        else:
            credential = fields.text(
                "code_url" if fields.has("code_url") else "h5_url", URL_LENGTH_MAX
            )
        fields.finish()
        now = self._channel.clock.now_ms()
        return answer(await self._book.run(partial(_open, credential=credential, now=now)))

    async def confirm(self, request: web.Request) -> web.Response:
        """The buyer pays."""
        openid = await _read_openid(request)
        return await self._play(request, partial(self._confirm, openid))

    async def refuse(self, request: web.Request) -> web.Response:
        """The buyer will not, or the bank; a payment by code fails, a code stays open."""
        (await read_fields(request)).finish()
        return await self._play(request, self._refuse)

    async def pay_late(self, request: web.Request) -> web.Response:
        """Money comes for a closed order; `then` says whether it stands or goes back."""
        fields = await read_fields(request)
        then = fields.choice("then", get_args(Late)[1:])
        fields.finish()
        return await self._play(request, partial(self._pay_late, then))

    async def notify(
        self, find: Callable[[Transaction, str], Order | Refund | None], request: web.Request
    ) -> web.Response:
        """Tell the merchant once more, in any way that notifications can be played."""
        fields = await read_fields(request)
        mode: Notify = fields.choice("as", get_args(Notify)) if fields.has("as") else "ONCE"
        fields.finish()
        return await self._play(request, partial(self._notify, find, mode))

    async def settle_refund(self, request: web.Request) -> web.Response:
        """The bank decides about a refund now."""
        fields = await read_fields(request)
        state = fields.choice("state", ("SUCCESS", "ABNORMAL", "CLOSED"))
        fields.finish()
        return await self._play(request, partial(self._settle_refund, state))

    async def sign(self, request: web.Request) -> web.Response:
        """The buyer signs a contract."""
        openid = await _read_openid(request)
        return await self._play(request, partial(self._sign, openid))

    async def terminate(self, request: web.Request) -> web.Response:
        """The buyer ends a contract."""
        (await read_fields(request)).finish()
        return await self._play(request, self._terminate)

    async def _play(self, request: web.Request, act: Act) -> web.Response:
        name, now = request.match_info["name"], self._channel.clock.now_ms()
        return answer(await self._book.run(lambda txn: act(txn, name, now)))

    def _confirm(self, openid: str | None, txn: Transaction, number: str, now: int) -> View:
        order = _waiting(txn, number)
        _require_open(order, now)
        return settlement.pay(txn, self._channel, order, now, openid).view()

    def _refuse(self, txn: Transaction, number: str, now: int) -> View:
        order = _waiting(txn, number)
        if order.kind == "PREPAY":
            return order.view()
        return settlement.fail(txn, self._channel, order, now).view()

    def _pay_late(self, then: str, txn: Transaction, number: str, now: int) -> View:
        order = _found(rows.find_order(txn, number))
        if order.state != "CLOSED" or rows.effects_of(txn, order.seq)["charge"]:
            raise Conflict(f"It is too late only once, for a closed order: this is {order.state}.")
        returned = then == "REFUNDED"
        return settlement.pay_late(txn, self._channel, order, now, returned=returned).view()

    def _notify(
        self,
        find: Callable[[Transaction, str], Order | Refund | None],
        mode: Notify,
        txn: Transaction,
        number: str,
        now: int,
    ) -> View:
        record = find(txn, number)
        if record is None:
            raise Missing("There is nothing with this number.")
        play = Play(notify=mode)
        return {"notifications": settlement.renotify(txn, self._channel, record, play, now)}

    def _settle_refund(self, state: str, txn: Transaction, number: str, now: int) -> View:
        refund = rows.find_refund(txn, number)
        if refund is None:
            raise Missing("There is no refund with this number.")
        if not refund.may_become(state):
            raise Conflict(f"The refund is {refund.state}.")
        return settlement.settle_refund(txn, self._channel, refund, state, now).view()

    def _sign(self, openid: str | None, txn: Transaction, name: str, now: int) -> View:
        contract = _contract(txn, name)
        if contract.state != "UNSIGNED":
            raise Conflict(f"The contract is {contract.state}.")
        signed = rows.update(txn, contract, contract.sign(now, openid or new_openid()))
        return {"contract_id": signed.contract_id, "openid": signed.openid}

    def _terminate(self, txn: Transaction, name: str, now: int) -> View:
        contract = _contract(txn, name)
        if contract.state != "SIGNED":
            raise Conflict(f"The contract is {contract.state}.")
        rows.update(txn, contract, contract.terminate(now, "USER", ""))
        return {"contract_id": contract.contract_id}


async def _read_openid(request: web.Request) -> str | None:
    fields = await read_fields(request)
    openid = fields.text("openid", OPENID_LENGTH_MAX) if fields.has("openid") else None
    fields.finish()
    return openid


def _open(txn: Transaction, credential: str, now: int) -> View:
    order = _found(rows.read_order_by_credential(txn, credential))
    if order.state != "NOTPAY":
        raise Conflict(f"There is nothing to pay: the order is {order.state}.")
    _require_open(order, now)
    return {
        "out_trade_no": order.number,
        "mchid": order.mchid,
        "total": order.total,
        "description": order.asked["description"],
    }


def _require_open(order: Order, now: int) -> None:
    if order.credential_expire_time is not None and now >= order.credential_expire_time:
        raise Conflict("The code has run out: the merchant must ask for a new one.")


def _waiting(txn: Transaction, number: str) -> Order:
    """The order that waits for its buyer. Raises Missing, Conflict."""
    order = _found(rows.find_order(txn, number))
    if order.state not in ("NOTPAY", "USERPAYING") or order.kind == "DEDUCT":
        raise Conflict(f"The buyer has nothing to do: the order is {order.state}.")
    return order


def _found(order: Order | None) -> Order:
    if order is None:
        raise Missing("There is no such order.")
    return order


def _contract(txn: Transaction, name: str) -> Contract:
    contract = rows.find_contract(txn, name)
    if contract is None:
        raise Missing("There is no such contract.")
    return contract
