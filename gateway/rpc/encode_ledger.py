"""From accounts and entries to answers about the ledger."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from gateway.domain.ids import to_text
from gateway.domain.ledger import AccountRef, AccountSum, Entry
from gateway.domain.payment import Purpose
from gateway.domain.wallet import payer_of
from gateway.rpc.enums import ACCOUNT_KIND, BOOK
from gateway.rpc.values import PAYMENT_PREFIX, put_moment
from paymentgateway.v1 import ledger_pb2
from paymentgateway.v1.ledger_service_pb2 import (
    GetTrialBalanceResponse,
    ListAccountsResponse,
    ListEntriesResponse,
)
from paymentgateway.v1.wallet_service_pb2 import ListWalletEntriesResponse

_PREFIXES: Final = {
    "payment_captured": "cap",
    "hold_released": "can",
    "late_success": "ret",
    "return": "ret",
}
"""Prefix of the operation's id by the event, or by its first word; all others are of refunds."""


def list_accounts(found: Iterable[AccountSum]) -> ListAccountsResponse:
    """Write the answer of ListAccounts."""
    response = ListAccountsResponse()
    for item in found:
        _put_account(item, response.accounts.add())
    return response


def list_entries(found: Iterable[Entry]) -> ListEntriesResponse:
    """Write the answer of ListEntries."""
    response = ListEntriesResponse()
    for item in found:
        _put_entry(item, response.entries.add())
    return response


def list_wallet_entries(shown: Iterable[Entry], next_page_token: str) -> ListWalletEntriesResponse:
    """Write the answer of ListWalletEntries."""
    response = ListWalletEntriesResponse(next_page_token=next_page_token)
    for item in shown:
        _put_entry(item, response.entries.add())
    return response


def get_trial_balance(found: Sequence[AccountSum], read_time: datetime) -> GetTrialBalanceResponse:
    """Write the answer of GetTrialBalance."""
    response = GetTrialBalanceResponse(balanced=_balanced(found))
    for item in found:
        _put_account(item, response.accounts.add())
    put_moment(read_time, response.read_time)
    return response


def _balanced(accounts: Iterable[AccountSum]) -> bool:
    """Tell whether debits equal credits in every book and currency."""
    differences: Counter[tuple[str, str]] = Counter()
    for item in accounts:
        differences[item.account.book, item.currency] += item.debits - item.credits
    return not any(differences.values())


def _put_account(source: AccountSum, target: ledger_pb2.Account) -> None:
    _put_name(source.account, target.name)
    target.kind = ACCOUNT_KIND[source.account.rule.kind]
    target.currency_code = source.currency
    target.debit_minor_units = source.debits
    target.credit_minor_units = source.credits
    target.balance_minor_units = source.balance


def _put_entry(source: Entry, target: ledger_pb2.Entry) -> None:
    target.entry_id = to_text("ent", source.entry_id)
    target.event = source.event
    if source.payment_id:
        target.payment_id = to_text(PAYMENT_PREFIX[_purpose(source)], source.payment_id)
    if source.operation_id:
        target.operation_id = to_text(_prefix(source.event), source.operation_id)
    for transfer in source.transfers:
        added = target.transfers.add(currency_code=source.currency, minor_units=transfer.amount)
        _put_name(transfer.debit, added.debit)
        _put_name(transfer.credit, added.credit)
    put_moment(source.create_time, target.create_time)


def _purpose(entry: Entry) -> Purpose:
    """Say what the payment of an entry is for; what is a payer's own is a top-up or withdrawal."""
    if payer_of(entry.owner_id) is None:
        return Purpose.PURCHASE
    return Purpose.WITHDRAWAL if "withdrawal" in entry.event else Purpose.TOP_UP


def _prefix(event: str) -> str:
    return _PREFIXES.get(event) or _PREFIXES.get(event.partition("_")[0], "ref")


def _put_name(source: AccountRef, target: ledger_pb2.AccountName) -> None:
    target.book = BOOK[source.book]
    target.code = source.code
    target.key = source.key
