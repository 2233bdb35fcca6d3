"""From accounts and entries to their messages."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from gateway.domain.ids import to_text
from gateway.domain.ledger import AccountRef, AccountSum, Entry, Transfer
from gateway.rpc.enums import ACCOUNT_KIND, BOOK
from gateway.rpc.values import to_timestamp
from paymentgateway.v1 import ledger_pb2

_CAPTURED: Final = "payment_captured"
"""The one event whose operation is a capture; all others with an operation are about refunds."""


def account(source: AccountSum) -> ledger_pb2.Account:
    """Write an account with its sums."""
    return ledger_pb2.Account(
        name=_name(source.account),
        kind=ACCOUNT_KIND[source.account.rule.kind],
        currency_code=source.currency,
        debit_minor_units=source.debits,
        credit_minor_units=source.credits,
        balance_minor_units=source.balance,
    )


def entry(source: Entry) -> ledger_pb2.Entry:
    """Write an entry with its transfers."""
    return ledger_pb2.Entry(
        entry_id=to_text("ent", source.entry_id),
        event=source.event,
        payment_id=to_text("pay", source.payment_id) if source.payment_id else "",
        operation_id=_operation_id(source),
        transfers=[_transfer(item, source.currency) for item in source.transfers],
        create_time=to_timestamp(source.create_time),
    )


def balanced(accounts: Sequence[AccountSum]) -> bool:
    """Tell whether debits equal credits in every book and currency."""
    differences: Counter[tuple[str, str]] = Counter()
    for item in accounts:
        differences[item.account.book, item.currency] += item.debits - item.credits
    return not any(differences.values())


def _operation_id(source: Entry) -> str:
    if source.operation_id is None:
        return ""
    return to_text("cap" if source.event == _CAPTURED else "ref", source.operation_id)


def _transfer(source: Transfer, currency: str) -> ledger_pb2.Transfer:
    return ledger_pb2.Transfer(
        debit=_name(source.debit),
        credit=_name(source.credit),
        currency_code=currency,
        minor_units=source.amount,
    )


def _name(source: AccountRef) -> ledger_pb2.AccountName:
    return ledger_pb2.AccountName(book=BOOK[source.book], code=source.code, key=source.key)
