"""From checked requests about wallets to what use cases take."""

from gateway.domain.errors import top_up_not_found, withdrawal_not_found
from gateway.domain.ids import from_text
from gateway.domain.payment import Purpose
from gateway.domain.wallet import WalletRef, owner_of
from gateway.rpc.call import Caller
from gateway.rpc.decode import payer
from gateway.rpc.enums import SCENE_NAME
from gateway.rpc.values import PAYMENT_PREFIX, to_method, to_moment, to_money
from gateway.usecases.commands import TopUpCommand, WithdrawCommand
from gateway.usecases.services import Lookup
from paymentgateway.v1.wallet_service_pb2 import (
    GetTopUpRequest,
    GetWalletRequest,
    GetWithdrawalRequest,
    ListWalletEntriesRequest,
    OpenWalletRequest,
    TopUpRequest,
    WithdrawRequest,
)


def wallet_ref(
    request: OpenWalletRequest | GetWalletRequest | ListWalletEntriesRequest,
) -> WalletRef:
    """Read which wallet is meant."""
    return WalletRef(owner_of(request.payer_id), request.currency_code)


def top_up(request: TopUpRequest, caller: Caller) -> TopUpCommand:
    """Read TopUp."""
    return TopUpCommand(
        payer=payer(request.payer),
        idempotency_key=request.idempotency_key,
        amount=to_money(request.amount),
        method=to_method(request.payment_method),
        scene=SCENE_NAME[request.scene],
        description=request.description,
        expire_time=to_moment(request.expire_time) if request.HasField("expire_time") else None,
        caller_id=caller.caller_id,
    )


def withdraw(request: WithdrawRequest, caller: Caller) -> WithdrawCommand:
    """Read Withdraw."""
    return WithdrawCommand(
        payer_id=request.payer_id,
        idempotency_key=request.idempotency_key,
        amount=to_money(request.amount),
        method=to_method(request.payment_method),
        description=request.description,
        caller_id=caller.caller_id,
    )


def top_up_lookup(request: GetTopUpRequest) -> Lookup:
    """Read what a top-up is looked up by. Raises NotFound for an id that can name none."""
    owner_id = owner_of(request.payer_id)
    if request.WhichOneof("by") == "idempotency_key":
        return Lookup(owner_id, idempotency_key=request.idempotency_key)
    found = from_text(PAYMENT_PREFIX[Purpose.TOP_UP], request.top_up_id)
    if found is None:
        raise top_up_not_found()
    return Lookup(owner_id, object_id=found)


def withdrawal_lookup(request: GetWithdrawalRequest) -> Lookup:
    """Read what a withdrawal is looked up by. Raises NotFound for an id that can name none."""
    owner_id = owner_of(request.payer_id)
    if request.WhichOneof("by") == "idempotency_key":
        return Lookup(owner_id, idempotency_key=request.idempotency_key)
    found = from_text(PAYMENT_PREFIX[Purpose.WITHDRAWAL], request.withdrawal_id)
    if found is None:
        raise withdrawal_not_found()
    return Lookup(owner_id, object_id=found)
