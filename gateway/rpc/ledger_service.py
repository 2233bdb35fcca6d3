"""LedgerService: decode, call, encode."""

from gateway.rpc import decode
from gateway.rpc.call import Call, Desk
from gateway.rpc.encode_ledger import account, balanced, entry
from gateway.rpc.values import to_timestamp
from paymentgateway.v1.ledger_service_pb2 import (
    GetTrialBalanceRequest,
    GetTrialBalanceResponse,
    ListAccountsRequest,
    ListAccountsResponse,
    ListEntriesRequest,
    ListEntriesResponse,
)


async def list_accounts(
    desk: Desk, _call: Call, request: ListAccountsRequest
) -> ListAccountsResponse:
    """Read a merchant's accounts."""
    found = await desk.services.list_accounts(request.merchant_id)
    return ListAccountsResponse(accounts=map(account, found))


async def list_entries(desk: Desk, _call: Call, request: ListEntriesRequest) -> ListEntriesResponse:
    """Read a payment's entries."""
    payment_id = decode.payment_id(request.payment_id)
    found = await desk.services.list_entries(request.merchant_id, payment_id)
    return ListEntriesResponse(entries=map(entry, found))


async def get_trial_balance(
    desk: Desk, _call: Call, request: GetTrialBalanceRequest
) -> GetTrialBalanceResponse:
    """Add up the books."""
    found, read_time = await desk.services.trial_balance(request.merchant_id), desk.clock.now()
    return GetTrialBalanceResponse(
        accounts=map(account, found), balanced=balanced(found), read_time=to_timestamp(read_time)
    )
