"""Transactions and refunds as the channel shows them, read strictly, and found to be ours."""

import re
from dataclasses import dataclass

from gateway.channels.fields import Fields, Malformed
from gateway.channels.v3style.account import Account
from gateway.domain.money import Money

AMOUNT_MAX = 2**53 - 1
"""Largest amount of a message, in fen."""

CURRENCY = "CNY"
"""The only currency, and what is meant where a message names none."""

NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
CHANNEL_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,64}")

TRANSACTION_STATES = (
    "SUCCESS",
    "REFUND",
    "NOTPAY",
    "ACCEPT",
    "USERPAYING",
    "CLOSED",
    "REVOKED",
    "PAYERROR",
)
"""REFUND is a paid transaction of which something was refunded; ACCEPT one to be deducted later."""

PAID_STATES = frozenset({"SUCCESS", "REFUND"})
REFUND_STATES = ("PROCESSING", "SUCCESS", "CLOSED", "ABNORMAL")


@dataclass(frozen=True, slots=True)
class Transaction:
    """What the channel holds under a charge's number. `money` is None where it names none."""

    number: str
    channel_number: str
    state: str
    description: str
    money: Money | None


@dataclass(frozen=True, slots=True)
class Refund:
    """What the channel holds under a refund's number."""

    number: str
    charge_number: str
    channel_number: str
    state: str
    money: Money


def read_transaction(account: Account, fields: Fields) -> Transaction:
    """Read a transaction of ours.

    Raises:
        Malformed: it is none, is another merchant's or app's, or is paid without an amount.
    """
    account.ours(fields, "mchid", "appid")
    state = fields.one_of("trade_state", TRANSACTION_STATES)
    paid = state in PAID_STATES
    return Transaction(
        number=fields.text("out_trade_no", NUMBER),
        channel_number=_channel_number(fields, "transaction_id", needed=paid),
        state=state,
        description=fields.message("trade_state_desc"),
        money=read_money(fields, "total") if paid or _tells_total(fields) else None,
    )


def read_refund(account: Account, fields: Fields) -> Refund:
    """Read a refund of ours. A notification calls its state `refund_status`, an answer `status`.

    Raises:
        Malformed: it is none, or is another merchant's.
    """
    if fields.has("mchid"):
        account.ours(fields, "mchid")
    names = [name for name in ("status", "refund_status") if fields.has(name)]
    if len(names) != 1:
        raise Malformed("status is not told once")
    return Refund(
        number=fields.text("out_refund_no", NUMBER),
        charge_number=fields.text("out_trade_no", NUMBER),
        channel_number=_channel_number(fields, "refund_id", needed=True),
        state=fields.one_of(names[0], REFUND_STATES),
        money=read_money(fields, "refund"),
    )


def read_money(fields: Fields, name: str) -> Money:
    """Read one of the amounts of a message.

    Raises:
        Malformed: it is none, or in a currency that the gateway does not know.
    """
    amount = fields.inner("amount")
    try:
        return Money(amount.optional("currency") or CURRENCY, amount.integer(name, 1, AMOUNT_MAX))
    except ValueError as error:
        raise Malformed("currency is not one of the contract") from error


def _tells_total(fields: Fields) -> bool:
    return fields.has("amount") and fields.inner("amount").has("total")


def _channel_number(fields: Fields, name: str, *, needed: bool) -> str:
    read = fields.text if needed else fields.optional
    return read(name, CHANNEL_NUMBER)
