"""LedgerService: decode, call, encode."""

from gateway.rpc import decode, encode_ledger
from gateway.rpc.call import Call, Desk
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
    return encode_ledger.list_accounts(found)


async def list_entries(desk: Desk, _call: Call, request: ListEntriesRequest) -> ListEntriesResponse:
    """Read a payment's entries."""
    payment_id = decode.payment_id(request.payment_id)
    found = await desk.services.list_entries(request.merchant_id, payment_id)
    return encode_ledger.list_entries(found)


async def get_trial_balance(
    desk: Desk, _call: Call, request: GetTrialBalanceRequest
) -> GetTrialBalanceResponse:
    """Add up the books."""
    found = await desk.services.trial_balance(request.merchant_id)
    return encode_ledger.get_trial_balance(found, desk.clock.now())
