"""From what a caller asks for to what is kept of it: what the key stands for, and the payment.

A key stands for every economically significant field; the payer's context and the caller's name may
differ between tries.
"""

from datetime import datetime, timedelta

from gateway.clock import Clock
from gateway.domain.channel import Capabilities
from gateway.domain.errors import InvalidRequest, Reason, Refused
from gateway.domain.fees import terms_for
from gateway.domain.idempotency import Claim, ClaimKind, Field, fingerprint
from gateway.domain.merchant import Merchant, OrderPolicy
from gateway.domain.payment import CaptureMode, Payer, Payment, PaymentState, Purpose, Scene
from gateway.domain.value import replace, value
from gateway.domain.wallet import owner_of
from gateway.usecases.commands import PayCommand, TopUpCommand, WithdrawCommand


@value(frozen=True, slots=True)
class ExpiryTerms:
    """How long a payment stays open unpaid: by default, and at most.

    `channel_longest` is how long its channel waits at most, None where it does not say.
    """

    default: timedelta
    longest: timedelta
    channel_longest: timedelta | None = None

    def within(self, can: Capabilities) -> "ExpiryTerms":
        """Give the terms for a channel."""
        return replace(self, channel_longest=can.expiry_max) if can.expiry_max else self

    def expire_time(self, wanted: datetime | None, now: datetime) -> datetime:
        """Give the moment at which a payment expires. Raises InvalidRequest, Refused."""
        most = self.longest if self.channel_longest is None else self.channel_longest
        if wanted is None:
            return now + min(self.default, most)
        if wanted > now + self.longest:
            words = f"is more than {self.longest} ahead"
            raise InvalidRequest(
                Reason.INVALID_REQUEST,
                "expire_time is too far ahead.",
                violations={"expire_time": words},
            )
        if wanted > now + most:
            words = f"The channel waits {most} at most: name an earlier expire_time, or none."
            raise Refused(Reason.EXPIRY_NOT_ENABLED, words)
        return wanted


def pay_claim(command: PayCommand, clock: Clock) -> Claim:
    """Say what the key of a merchant's payment stands for."""
    fields: dict[str, Field] = {
        "order_id": command.order_id,
        "currency": command.amount.currency,
        "minor_units": command.amount.minor_units,
        "channel": command.method.channel,
        "details": command.method.details,
        "capture_mode": command.capture_mode.value,
        "payer_id": command.payer.payer_id,
        "scene": command.scene.value,
        "description": command.description,
        "attributes": command.attributes,
        "expire_time": command.expire_time,
    }
    return _claim(ClaimKind.PAY, command.merchant_id, command, fields, clock)


def top_up_claim(command: TopUpCommand, clock: Clock) -> Claim:
    """Say what the key of a top-up stands for; it belongs to the payer."""
    fields: dict[str, Field] = {
        "currency": command.amount.currency,
        "minor_units": command.amount.minor_units,
        "channel": command.method.channel,
        "details": command.method.details,
        "scene": command.scene.value,
        "description": command.description,
        "expire_time": command.expire_time,
    }
    return _claim(ClaimKind.TOP_UP, owner_of(command.payer.payer_id), command, fields, clock)


def withdraw_claim(command: WithdrawCommand, clock: Clock) -> Claim:
    """Say what the key of a withdrawal stands for; it belongs to the payer."""
    fields: dict[str, Field] = {
        "currency": command.amount.currency,
        "minor_units": command.amount.minor_units,
        "channel": command.method.channel,
        "details": command.method.details,
        "description": command.description,
    }
    return _claim(ClaimKind.WITHDRAW, owner_of(command.payer_id), command, fields, clock)


def purchase(command: PayCommand, merchant: Merchant, claim: Claim, expiry: ExpiryTerms) -> Payment:
    """Make the payment that a merchant asks for. Raises InvalidRequest, Refused."""
    amount, now = command.amount, claim.create_time
    return Payment(
        merchant_id=command.merchant_id,
        payment_id=claim.object_id,
        idempotency_key=command.idempotency_key,
        order_id=command.order_id,
        amount=amount,
        method=command.method,
        capture_mode=command.capture_mode,
        payer=command.payer,
        scene=command.scene,
        description=command.description,
        attributes=command.attributes,
        state=PaymentState.PROCESSING,
        create_time=now,
        update_time=now,
        expire_time=expiry.expire_time(command.expire_time, now),
        one_per_order=merchant.order_policy is OrderPolicy.ONE_PAYMENT,
        fee_terms=terms_for(
            merchant.fee_schedules,
            command.method.channel,
            amount.currency,
            amount.minor_units,
            now,
        ),
        caller_id=command.caller_id,
    )


def top_up(command: TopUpCommand, claim: Claim, expiry: ExpiryTerms) -> Payment:
    """Make the payment that brings money into a payer's wallet. Raises InvalidRequest, Refused."""
    return _transfer(
        Purpose.TOP_UP,
        command,
        claim,
        payer=command.payer,
        scene=command.scene,
        expire_time=expiry.expire_time(command.expire_time, claim.create_time),
    )


def withdrawal(command: WithdrawCommand, claim: Claim, expiry: ExpiryTerms) -> Payment:
    """Make the payment that takes money out of a payer's wallet; nobody waits for the payer."""
    return _transfer(
        Purpose.WITHDRAWAL,
        command,
        claim,
        payer=Payer(command.payer_id),
        scene=Scene.OFF_SESSION,
        expire_time=expiry.expire_time(None, claim.create_time),
    )


def _transfer(
    purpose: Purpose,
    command: TopUpCommand | WithdrawCommand,
    claim: Claim,
    *,
    payer: Payer,
    scene: Scene,
    expire_time: datetime,
) -> Payment:
    """Make a payment of the payer's own: no merchant, no order but its key, no fee."""
    return Payment(
        merchant_id=claim.owner_id,
        payment_id=claim.object_id,
        idempotency_key=command.idempotency_key,
        order_id=command.idempotency_key,
        amount=command.amount,
        method=command.method,
        capture_mode=CaptureMode.AUTOMATIC,
        payer=payer,
        scene=scene,
        description=command.description,
        attributes={},
        state=PaymentState.PROCESSING,
        create_time=claim.create_time,
        update_time=claim.create_time,
        expire_time=expire_time,
        one_per_order=False,
        fee_terms=None,
        caller_id=command.caller_id,
        purpose=purpose,
    )


def _claim(
    kind: ClaimKind,
    owner_id: str,
    command: PayCommand | TopUpCommand | WithdrawCommand,
    fields: dict[str, Field],
    clock: Clock,
) -> Claim:
    return Claim(
        owner_id=owner_id,
        idempotency_key=command.idempotency_key,
        kind=kind,
        fingerprint=fingerprint(kind, fields),
        object_id=clock.new_id(),
        create_time=clock.now(),
        caller_id=command.caller_id,
    )
