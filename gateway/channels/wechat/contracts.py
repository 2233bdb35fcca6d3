"""WeChat Pay's contracts of deduction: sign, query, end.

States are SIGNED and TERMINATED.
"""

from datetime import datetime

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

CONTRACTS = "/v3/papay/sign/contracts"
STATE_NAME = "contract_state"


def pre_entrust_request(
    account: Account, contract: NewContract, moment: datetime, nonce: str
) -> HttpRequest:
    """Ask for the number with which the payer is led to sign; read by `read_pre_entrust`."""
    fields = {
        "appid": account.settings.appid,
        "plan_id": int(contract.name.plan_id),
        "out_contract_code": contract.name.code,
        "contract_display_account": bounded(contract.display_account, DISPLAY_BYTES_MAX),
        "contract_notify_url": account.notify_url,
        "out_user_code": contract.payer_pseudonym,
    }
    return account.post(f"{CONTRACTS}/pre-entrust-sign", fields, moment, nonce)


def query_request(
    account: Account, name: ContractName, moment: datetime, nonce: str
) -> HttpRequest:
    """Ask what became of a contract."""
    return account.get(_path(name), moment, nonce)


def terminate_request(
    account: Account, name: ContractName, remark: str, moment: datetime, nonce: str
) -> HttpRequest:
    """End a contract; whether it ended is asked by a query."""
    fields = {"contract_termination_remark": bounded(remark, REMARK_BYTES_MAX)}
    return account.post(f"{_path(name)}/terminate", fields, moment, nonce)


def read_contract(
    account: Account, name: ContractName, reply: HttpReply, now: datetime
) -> Contract:
    """Read the answer to a query. Raises ContractRefused."""
    return read_any(account, name, STATE_NAME, reply, now)


def _path(name: ContractName) -> str:
    return f"{CONTRACTS}/plan-id/{name.plan_id}/out-contract-code/{name.code}"
