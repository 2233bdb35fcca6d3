"""From wallets, and from the payments that top them up or withdraw, to answers about them."""

from gateway.domain.channel import shown_number
from gateway.domain.ids import to_text
from gateway.domain.payment import Payment, Purpose
from gateway.domain.wallet import Wallet
from gateway.rpc.encode import put_failure, put_next_action
from gateway.rpc.enums import PAYMENT_STATE, SCENE
from gateway.rpc.values import PAYMENT_PREFIX, put_method, put_moment, put_money
from gateway.usecases.commands import PaymentAnswer
from paymentgateway.v1 import wallet_pb2
from paymentgateway.v1.wallet_service_pb2 import (
    GetTopUpResponse,
    GetWalletResponse,
    GetWithdrawalResponse,
    OpenWalletResponse,
    TopUpResponse,
    WithdrawResponse,
)


def open_wallet(opened: Wallet) -> OpenWalletResponse:
    """Write the answer of OpenWallet."""
    response = OpenWalletResponse()
    _put_wallet(opened, response.wallet)
    return response


def get_wallet(found: Wallet) -> GetWalletResponse:
    """Write the answer of GetWallet."""
    response = GetWalletResponse()
    _put_wallet(found, response.wallet)
    return response


def top_up(answer: PaymentAnswer) -> TopUpResponse:
    """Write the answer of TopUp."""
    response = TopUpResponse(replayed=answer.replayed)
    _put_top_up(answer.payment, response.top_up)
    return response


def get_top_up(found: Payment) -> GetTopUpResponse:
    """Write the answer of GetTopUp."""
    response = GetTopUpResponse()
    _put_top_up(found, response.top_up)
    return response


def withdraw(answer: PaymentAnswer) -> WithdrawResponse:
    """Write the answer of Withdraw."""
    response = WithdrawResponse(replayed=answer.replayed)
    _put_withdrawal(answer.payment, response.withdrawal)
    return response


def get_withdrawal(found: Payment) -> GetWithdrawalResponse:
    """Write the answer of GetWithdrawal."""
    response = GetWithdrawalResponse()
    _put_withdrawal(found, response.withdrawal)
    return response


def _put_wallet(source: Wallet, target: wallet_pb2.Wallet) -> None:
    target.payer_id = source.payer_id
    target.currency_code = source.currency
    put_money(source.currency, source.available, target.available)
    put_money(source.currency, source.held, target.held)
    put_moment(source.create_time, target.create_time)
    put_moment(source.update_time, target.update_time)


def _put_top_up(source: Payment, target: wallet_pb2.TopUp) -> None:
    target.top_up_id = to_text(PAYMENT_PREFIX[Purpose.TOP_UP], source.payment_id)
    target.scene = SCENE[source.scene]
    if source.next_action is not None:
        put_next_action(source.next_action, target.next_action)
    put_moment(source.expire_time, target.expire_time)
    _put_transfer(source, target)


def _put_withdrawal(source: Payment, target: wallet_pb2.Withdrawal) -> None:
    target.withdrawal_id = to_text(PAYMENT_PREFIX[Purpose.WITHDRAWAL], source.payment_id)
    _put_transfer(source, target)


def _put_transfer(source: Payment, target: wallet_pb2.TopUp | wallet_pb2.Withdrawal) -> None:
    """Write what both directions have."""
    target.payer_id = source.payer.payer_id
    target.idempotency_key = source.idempotency_key
    put_money(source.currency, source.amount.minor_units, target.amount)
    put_method(source.method, target.payment_method)
    target.description = source.description
    target.state = PAYMENT_STATE[source.state]
    if source.failure is not None:
        put_failure(source.failure, target.failure)
    target.channel = source.method.channel
    target.attempt_number = source.attempt_number
    target.channel_number = shown_number(source.channel_number)
    put_moment(source.create_time, target.create_time)
    put_moment(source.update_time, target.update_time)
    target.version = source.version
