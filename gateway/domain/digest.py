"""Digest of a payment's canonical state, kept with every event.

A receipt can prove by it what the state was.
"""

import hashlib

from gateway.domain.idempotency import canonical
from gateway.domain.payment import Payment, Purpose

DIGEST_VERSION = 1


def state_digest(payment: Payment) -> bytes:
    """Digest what a receipt would state about a payment: 32 bytes.

    Version 1 covers identity, amounts, state and outcome. A purpose is stated only where it is not
    a merchant's sale, so that sales digest to what they always did.
    """
    purpose = {} if payment.purpose is Purpose.PURCHASE else {"purpose": payment.purpose.value}
    return hashlib.sha256(
        canonical(
            {
                "version": DIGEST_VERSION,
                "merchant_id": payment.merchant_id,
                "payment_id": str(payment.payment_id),
                "payment_version": payment.version,
                "order_id": payment.order_id,
                "payer_id": payment.payer.payer_id,
                "currency": payment.currency,
                "amount": payment.amount.minor_units,
                "captured": payment.captured,
                "refunded": payment.refunded,
                "fee_millionths": payment.fee_millionths,
                "fee_returned_millionths": payment.fee_returned_millionths,
                "state": payment.state.value,
                "failure": payment.failure.reason.value if payment.failure else None,
                "channel": payment.method.channel,
                "attempt_number": payment.attempt_number,
                "channel_number": payment.channel_number,
                "create_time": payment.create_time,
                **purpose,
            }
        )
    ).digest()
