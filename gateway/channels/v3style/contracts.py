"""A contract under which a payer lets the merchant deduct, as either channel tells of it.

The payer signs in the channel's own app; what the channel answers there is only where to go. The
contract is known by our code until it is signed, and by the channel's number after that.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from gateway.channels.connector import HttpReply
from gateway.channels.fields import Fields, Malformed, read_object, same
from gateway.channels.keys import SignatureRefused
from gateway.channels.v3style.account import Account, request_id
from gateway.channels.v3style.errors import code_of

HTTP_OK = 200

DISPLAY_BYTES_MAX = 32
"""Bytes in UTF-8 of the name under which the payer's account with us is shown."""

REMARK_BYTES_MAX = 128
"""Bytes in UTF-8 of the reason for which a contract is ended."""

SERIAL_MAX = 2**63 - 1

_CODE = re.compile(r"[0-9A-Za-z_\-|*]{1,32}")
_PLAN_ID = re.compile(r"[0-9]{1,28}")
_CHANNEL_TEXT = re.compile(r"[!-~]{1,256}")


class ContractRefused(Exception):
    """The answer proves nothing, or the channel refused. Says which, without a secret."""


@dataclass(frozen=True, slots=True)
class ContractName:
    """How we name a contract: the merchant's plan at the channel, and our own code.

    Raises:
        ValueError: one of them could not stand in a path.
    """

    plan_id: str
    code: str

    def __post_init__(self) -> None:
        """Refuse what could be taken for another path."""
        if not _PLAN_ID.fullmatch(self.plan_id) or not _CODE.fullmatch(self.code):
            raise ValueError("A plan is a number, and a contract's code letters, digits, -_|*.")


@dataclass(frozen=True, slots=True)
class NewContract:
    """A contract that a payer is to sign.

    Attributes:
        display_account: how the payer's account with us is shown; no personal data.
        payer_pseudonym: how we name the payer to this channel.
        serial: our number of the request, 1 to SERIAL_MAX, larger than those before.

    Raises:
        ValueError: the serial is out of range.
    """

    name: ContractName
    display_account: str
    payer_pseudonym: str
    serial: int

    def __post_init__(self) -> None:
        """Refuse a serial that the channel would refuse."""
        if not 1 <= self.serial <= SERIAL_MAX:
            raise ValueError("The serial of a contract is out of range.")


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract as the channel has it. A deduction names `contract_id`; `state` is its word."""

    contract_id: str
    state: str


def read_answer(account: Account, reply: HttpReply, now: datetime) -> Fields:
    """Verify and read a good answer about a contract.

    Raises:
        ContractRefused: it is not the channel's, or no good one.
    """
    try:
        account.verify(reply.headers, reply.body, now)
        fields = read_object(reply.body)
        if reply.status == HTTP_OK:
            return fields
        told = f"{reply.status} {code_of(fields)} {request_id(reply)}"
    except (SignatureRefused, Malformed) as error:
        raise ContractRefused(f"The answer about a contract proves nothing: {error}") from error
    raise ContractRefused(f"The channel refused: {told}")


def read_pre_entrust(account: Account, reply: HttpReply, now: datetime) -> str:
    """Read the number with which the front end leads the payer to sign.

    Raises:
        ContractRefused: there is none.
    """
    fields = read_answer(account, reply, now)
    try:
        return fields.text("pre_entrustweb_id", _CHANNEL_TEXT)
    except Malformed as error:
        raise ContractRefused(str(error)) from error


def read_contract(
    account: Account, name: ContractName, state_name: str, reply: HttpReply, now: datetime
) -> Contract:
    """Read a contract and find it to be the one that was asked about.

    Raises:
        ContractRefused: it is not.
    """
    fields = read_answer(account, reply, now)
    try:
        account.ours(fields, "mchid", "appid")
        same(fields, "out_contract_code", name.code)
        contract_id = fields.optional("contract_id", _CHANNEL_TEXT)
        return Contract(contract_id, fields.text(state_name, _CHANNEL_TEXT))
    except Malformed as error:
        raise ContractRefused(str(error)) from error
