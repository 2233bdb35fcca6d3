"""Digest of a payment's canonical state, kept with every event.

A receipt can prove by it what the state was. Each value is preceded by its length, in an order that
the version fixes, so different states never give the same bytes; nothing is named, because every
payment pays for this.
"""

import hashlib

from gateway.domain.payment import Payment

DIGEST_VERSION = 1


def state_digest(payment: Payment) -> bytes:
    """Digest what a receipt would state about a payment: 32 bytes.

    Version 1 covers identity, amounts, state and outcome.
    """
    values = (
        str(DIGEST_VERSION),
        payment.merchant_id,
        payment.purpose,
        payment.payment_id.hex,
        str(payment.version),
        payment.order_id,
        payment.payer.payer_id,
        payment.amount.currency,
        str(payment.amount.minor_units),
        str(payment.captured),
        str(payment.refunded),
        str(payment.fee_millionths),
        str(payment.fee_returned_millionths),
        payment.state,
        payment.failure.reason if payment.failure else "",
        payment.method.channel,
        payment.attempt_number,
        payment.channel_number,
        payment.create_time.isoformat(),
    )
    text = "".join([f"{len(value)}:{value}" for value in values])
    return hashlib.sha256(text.encode()).digest()
