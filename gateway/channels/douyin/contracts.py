"""Douyin Pay's contracts of deduction: sign, query, end. Its states are not documented."""

from datetime import datetime
from typing import Any

from gateway.channels.connector import HttpReply, HttpRequest
from gateway.channels.requests import bounded
from gateway.channels.v3style.account import Account
from gateway.channels.v3style.contracts import (
    DISPLAY_BYTES_MAX,
    REMARK_BYTES_MAX,
    Contract,
    ContractName,
    NewContract,
)
from gateway.channels.v3style.contracts import read_contract as read_any

STATE_NAME = "contract_status"


def pre_entrust_request(
    account: Account, contract: NewContract, moment: datetime, nonce: str
) -> HttpRequest:
    """Ask for the number with which the payer is led to sign; read by `read_pre_entrust`."""
    fields = _named(account, contract.name) | {
        "request_serial": contract.serial,
        "contract_display_account": bounded(contract.display_account, DISPLAY_BYTES_MAX),
        "notify_url": account.notify_url,
    }
    return account.post("/v1/agreementauth/preentrustweb", fields, moment, nonce)


def query_request(
    account: Account, name: ContractName, moment: datetime, nonce: str
) -> HttpRequest:
    """Ask what became of a contract."""
    return account.post("/v1/member/querycontract", _named(account, name), moment, nonce)


def terminate_request(
    account: Account, name: ContractName, remark: str, moment: datetime, nonce: str
) -> HttpRequest:
    """End a contract; whether it ended is asked by a query."""
    remarked = {"contract_termination_remark": bounded(remark, REMARK_BYTES_MAX)}
    fields = _named(account, name) | remarked
    return account.post("/v1/member/deletecontract", fields, moment, nonce)


def read_contract(
    account: Account, name: ContractName, reply: HttpReply, now: datetime
) -> Contract:
    """Read the answer to a query. Raises ContractRefused."""
    return read_any(account, name, STATE_NAME, reply, now)


def _named(account: Account, name: ContractName) -> dict[str, Any]:
    return {
        "appid": account.settings.appid,
        "mchid": account.settings.mchid,
        "out_contract_code": name.code,
        "plan_id": name.plan_id,
    }
