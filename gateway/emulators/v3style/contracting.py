"""Contracts: asked for, looked up, ended, and deductions announced. One request, one unit."""

from gateway.emulators.core.book import Transaction
from gateway.emulators.v3style import contracts, rows
from gateway.emulators.v3style.answers import NO_CONTENT, Answer
from gateway.emulators.v3style.commands import (
    AnnounceDeduction,
    EndContract,
    NewContract,
    QueryContract,
)
from gateway.emulators.v3style.contracts import Contract
from gateway.emulators.v3style.errors import Refusal
from gateway.emulators.v3style.names import Channel
from gateway.emulators.v3style.ordering import require_app, signed_contract
from gateway.emulators.v3style.records import new_number
from gateway.emulators.v3style.sealing import new_token

PRE_ID_LENGTH = 28


def make(txn: Transaction, channel: Channel, asked: NewContract, now: int) -> Answer:
    """Something for the buyer to sign, or the same again."""
    appid = asked.appid or min(channel.keys.merchants[asked.mchid].appids)
    require_app(channel, asked.mchid, appid)
    kept = rows.read_contract(txn, asked.mchid, asked.plan_id, asked.number)
    if kept is None:
        kept = rows.insert(txn, _new(asked, appid, now))
    elif kept.request != asked.text:
        raise Refusal("INVALID_REQUEST", "The contract's code was used with other parameters.")
    elif kept.state != "UNSIGNED":
        raise Refusal("INVALID_REQUEST", "The contract was signed: a new one needs a new code.")
    return Answer(view={"pre_entrustweb_id": kept.pre_entrustweb_id})


def query(txn: Transaction, channel: Channel, asked: QueryContract) -> Answer:
    """How a contract stands."""
    return Answer(view=channel.names.contract_view(_signed(txn, asked)))


def end(txn: Transaction, channel: Channel, asked: EndContract, now: int) -> Answer:
    """The merchant ends a contract."""
    contract = _signed(txn, asked)
    if contract.state == "SIGNED":
        ended = contract.terminate(now, "MERCHANT", asked.remark)
        contract = rows.update(txn, contract, ended)
    return Answer(view=channel.names.ended_view(contract))


def announce(txn: Transaction, channel: Channel, asked: AnnounceDeduction, now: int) -> Answer:
    """The buyer is told that money will be deducted."""
    require_app(channel, asked.mchid, asked.appid)
    contract = signed_contract(txn, asked.mchid, asked.contract_id)
    rows.insert_pre_notice(txn, contracts.announce(contract, asked.amount, asked.days, now))
    view = channel.names.announced_view
    return Answer(status=NO_CONTENT) if view is None else Answer(view=view)


def _signed(txn: Transaction, asked: QueryContract) -> Contract:
    if asked.contract_id is not None:
        contract = rows.read_contract_by_id(txn, asked.mchid, asked.contract_id)
    else:
        assert asked.plan_id is not None
        contract = rows.read_contract(txn, asked.mchid, asked.plan_id, asked.number)
    if contract is None or contract.state == "UNSIGNED":
        raise Refusal("RESOURCE_NOT_EXISTS", "Nobody signed such a contract.")
    return contract


def _new(asked: NewContract, appid: str, now: int) -> Contract:
    return Contract(
        mchid=asked.mchid,
        state="UNSIGNED",
        appid=appid,
        plan_id=asked.plan_id,
        code=asked.number,
        contract_id=new_number("", now, 18),
        pre_entrustweb_id=new_token(PRE_ID_LENGTH),
        create_time=now,
        update_time=now,
        request=asked.text,
    )
