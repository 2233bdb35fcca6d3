"""What people see of wallets, and of money on its way into them and out of them."""

from paymentgateway.payctl.views import (
    Fields,
    action_text,
    amount_text,
    failure_text,
    payment_state,
    time_text,
)
from paymentgateway.v1.wallet_pb2 import TopUp, Wallet, Withdrawal


def wallet_fields(wallet: Wallet) -> Fields:
    """Everything about a wallet."""
    return [
        ("payer", wallet.payer_id),
        ("available", amount_text(wallet.available)),
        ("held", amount_text(wallet.held)),
        ("opened", time_text(wallet.create_time)),
        ("updated", time_text(wallet.update_time)),
    ]


def top_up_fields(top_up: TopUp) -> Fields:
    """Everything about a top-up that a person asks for."""
    return [
        ("top-up", top_up.top_up_id),
        ("state", payment_state(top_up.state)),
        ("failure", failure_text(top_up.failure)),
        ("next action", action_text(top_up.next_action)),
        ("amount", amount_text(top_up.amount)),
        *_transfer_fields(top_up),
        ("expires", time_text(top_up.expire_time)),
    ]


def withdrawal_fields(withdrawal: Withdrawal) -> Fields:
    """Everything about a withdrawal that a person asks for."""
    return [
        ("withdrawal", withdrawal.withdrawal_id),
        ("state", payment_state(withdrawal.state)),
        ("failure", failure_text(withdrawal.failure)),
        ("amount", amount_text(withdrawal.amount)),
        *_transfer_fields(withdrawal),
    ]


def _transfer_fields(transfer: TopUp | Withdrawal) -> Fields:
    return [
        ("payer", transfer.payer_id),
        ("description", transfer.description),
        ("key", transfer.idempotency_key),
        ("channel", transfer.channel),
        ("attempt", transfer.attempt_number),
        ("channel number", transfer.channel_number),
        ("created", time_text(transfer.create_time)),
        ("updated", time_text(transfer.update_time)),
    ]
