"""WalletService: decode, call, encode."""

from gateway.domain.payment import Purpose
from gateway.rpc import decode_wallet, encode_ledger, encode_wallet
from gateway.rpc.call import Call, Desk
from paymentgateway.v1.wallet_service_pb2 import (
    GetTopUpRequest,
    GetTopUpResponse,
    GetWalletRequest,
    GetWalletResponse,
    GetWithdrawalRequest,
    GetWithdrawalResponse,
    ListWalletEntriesRequest,
    ListWalletEntriesResponse,
    OpenWalletRequest,
    OpenWalletResponse,
    TopUpRequest,
    TopUpResponse,
    WithdrawRequest,
    WithdrawResponse,
)


async def open_wallet(desk: Desk, _call: Call, request: OpenWalletRequest) -> OpenWalletResponse:
    """Make a wallet."""
    opened = await desk.services.open_wallet(decode_wallet.wallet_ref(request))
    return encode_wallet.open_wallet(opened)


async def get_wallet(desk: Desk, _call: Call, request: GetWalletRequest) -> GetWalletResponse:
    """Read one wallet."""
    found = await desk.services.get_wallet(decode_wallet.wallet_ref(request))
    return encode_wallet.get_wallet(found)


async def top_up(desk: Desk, call: Call, request: TopUpRequest) -> TopUpResponse:
    """Take money into a wallet."""
    command = decode_wallet.top_up(request, call.caller)
    response = encode_wallet.top_up(await desk.services.top_up(command, call.deadline))
    call.fields["top_up_id"] = response.top_up.top_up_id
    return response


async def get_top_up(desk: Desk, _call: Call, request: GetTopUpRequest) -> GetTopUpResponse:
    """Read one top-up."""
    lookup = decode_wallet.top_up_lookup(request)
    return encode_wallet.get_top_up(await desk.services.get_transfer(lookup, Purpose.TOP_UP))


async def withdraw(desk: Desk, call: Call, request: WithdrawRequest) -> WithdrawResponse:
    """Pay money out of a wallet."""
    command = decode_wallet.withdraw(request, call.caller)
    response = encode_wallet.withdraw(await desk.services.withdraw(command, call.deadline))
    call.fields["withdrawal_id"] = response.withdrawal.withdrawal_id
    return response


async def get_withdrawal(
    desk: Desk, _call: Call, request: GetWithdrawalRequest
) -> GetWithdrawalResponse:
    """Read one withdrawal."""
    lookup = decode_wallet.withdrawal_lookup(request)
    found = await desk.services.get_transfer(lookup, Purpose.WITHDRAWAL)
    return encode_wallet.get_withdrawal(found)


async def list_wallet_entries(
    desk: Desk, _call: Call, request: ListWalletEntriesRequest
) -> ListWalletEntriesResponse:
    """Read a page of a wallet's entries."""
    page, ref = desk.pages.open(request), decode_wallet.wallet_ref(request)
    found = await desk.services.list_wallet_entries(ref, page.start_id, page.limit)
    shown, token = page.cut(found, lambda last: last.entry_id.bytes)
    return encode_ledger.list_wallet_entries(shown, token)
