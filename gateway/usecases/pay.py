"""Pay: take money from a payer for a merchant, once per key, for ever.

The key comes before whatever time or state can change. Asking for the key first would cost every
payment a round trip, so it is asked only when the payment is about to be refused; if nothing
refuses it, the first commit itself finds an older claim.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gateway.clock import Deadline
from gateway.domain.change import Aggregate, Change, Funds
from gateway.domain.decisions.opening import open_payment
from gateway.domain.errors import GatewayError, InvalidRequest, Reason, Refused
from gateway.domain.fees import terms_for
from gateway.domain.idempotency import Claim, ClaimKind, Field, fingerprint
from gateway.domain.merchant import Merchant, OrderPolicy
from gateway.domain.payment import CaptureMode, Payment, PaymentState
from gateway.domain.ports import Channel
from gateway.usecases.commands import PayCommand, PaymentAnswer
from gateway.usecases.execution import Begun, Execution, admitted, in_time
from gateway.usecases.merchants import MerchantBook
from gateway.usecases.replay import replay


@dataclass(frozen=True, slots=True)
class ExpiryTerms:
    """How long a payment stays open unpaid: by default, and at most."""

    default: timedelta
    longest: timedelta


class Pay:
    """The use case."""

    def __init__(self, execution: Execution, merchants: MerchantBook, expiry: ExpiryTerms) -> None:
        self._execution = execution
        self._merchants = merchants
        self._expiry = expiry

    async def __call__(self, command: PayCommand, deadline: Deadline) -> PaymentAnswer:
        """Make the payment, or answer what its key made before. Raises GatewayError."""
        now, payment_id = self._execution.clock.now(), self._execution.clock.new_id()
        claim = _claim(command, payment_id, now)
        try:
            merchant = await in_time(self._merchants.get(command.merchant_id), deadline)
            channel = self._channel(command, merchant)
            payment = self._payment(command, merchant, payment_id, now)
            place = admitted(channel)
        except GatewayError as refusal:
            begun = await in_time(self._replay_or_raise(claim, refusal), deadline)
        else:
            begun = await self._execute(claim, payment, merchant, place, deadline)
        return PaymentAnswer(begun.aggregate.payment, begun.replayed)

    async def _execute(
        self,
        claim: Claim,
        payment: Payment,
        merchant: Merchant,
        place: AbstractContextManager[object],
        deadline: Deadline,
    ) -> Begun:
        async def begin() -> Begun:
            moment = self._execution.moment(payment.method.channel)
            change = open_payment(payment, merchant, moment)
            existing = await self._execution.payments.open_payment(claim, change)
            if existing:
                return await replay(self._execution.payments, claim, existing, existing.object_id)
            self._execution.observer.changed(change.payment)
            return _opened(change, merchant)

        return await self._execution.answer(begin, place, deadline)

    async def _replay_or_raise(self, claim: Claim, refusal: GatewayError) -> Begun:
        payments = self._execution.payments
        existing = await payments.find_claim(claim.owner_id, claim.idempotency_key)
        if existing is None:
            raise refusal
        return await replay(payments, claim, existing, existing.object_id)

    def _channel(self, command: PayCommand, merchant: Merchant) -> Channel:
        channel = self._execution.channels.get(command.method.channel)
        if merchant.disabled:
            words = "The merchant takes no new payments."
            raise Refused(Reason.MERCHANT_DISABLED, words)
        if command.amount.currency not in merchant.currencies:
            words = f"The merchant is not set up for {command.amount.currency}."
            raise Refused(Reason.CURRENCY_NOT_ENABLED, words)
        if channel is None or command.method.channel not in merchant.channels:
            words = f"The channel {command.method.channel} is not set up for this merchant."
            raise Refused(Reason.CHANNEL_NOT_ENABLED, words)
        _check_capabilities(command, channel)
        return channel

    def _payment(
        self, command: PayCommand, merchant: Merchant, payment_id: UUID, now: datetime
    ) -> Payment:
        amount, channel = command.amount, command.method.channel
        return Payment(
            merchant_id=command.merchant_id,
            payment_id=payment_id,
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
            expire_time=self._expire_time(command, now),
            one_per_order=merchant.order_policy is OrderPolicy.ONE_PAYMENT,
            fee_terms=terms_for(
                merchant.fee_schedules, channel, amount.currency, amount.minor_units, now
            ),
            caller_id=command.caller_id,
        )

    def _expire_time(self, command: PayCommand, now: datetime) -> datetime:
        if command.expire_time is None:
            return now + self._expiry.default
        if command.expire_time > now + self._expiry.longest:
            words = f"is more than {self._expiry.longest} ahead"
            raise InvalidRequest(
                Reason.INVALID_REQUEST,
                "expire_time is too far ahead.",
                violations={"expire_time": words},
            )
        return command.expire_time


def _check_capabilities(command: PayCommand, channel: Channel) -> None:
    can = channel.capabilities
    if command.amount.currency not in can.currencies:
        words = f"The channel {can.channel} does not take {command.amount.currency}."
        raise Refused(Reason.CURRENCY_NOT_ENABLED, words)
    if command.capture_mode is CaptureMode.MANUAL and not can.manual_capture:
        words = f"The channel {can.channel} has no manual capture."
        raise Refused(Reason.CHANNEL_NOT_ENABLED, words)
    if command.amount.minor_units > can.amount_max:
        words = f"The channel {can.channel} takes at most {can.amount_max} minor units."
        raise Refused(Reason.CHANNEL_NOT_ENABLED, words)


def _claim(command: PayCommand, payment_id: UUID, now: datetime) -> Claim:
    """Say what the key stands for: all but the payer's context, which may differ between tries."""
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
    return Claim(
        owner_id=command.merchant_id,
        idempotency_key=command.idempotency_key,
        kind=ClaimKind.PAY,
        fingerprint=fingerprint(ClaimKind.PAY, fields),
        object_id=payment_id,
        create_time=now,
        caller_id=command.caller_id,
    )


def _opened(change: Change, merchant: Merchant) -> Begun:
    attempts = {attempt.attempt_id: attempt for attempt in change.attempts}
    aggregate = Aggregate(change.payment, {}, attempts, merchant.serial, Funds())
    attempt = change.attempts[0] if change.attempts else None
    return Begun(aggregate, attempt, change.payment.payment_id, replayed=False)
