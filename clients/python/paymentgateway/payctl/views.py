"""What people see of each message: which fields, under which words, in which order."""

from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp

from paymentgateway.money import EXPONENTS, money_text
from paymentgateway.payctl.output import GAP
from paymentgateway.payctl.parsing import enum_text, moment_text
from paymentgateway.v1 import (
    ledger_pb2,
    merchant_pb2,
    money_pb2,
    payment_pb2,
    payment_service_pb2,
    refund_pb2,
)

Fields = list[tuple[str, str]]

PAYMENT_HEADER = ("PAYMENT", "ORDER", "STATE", "AMOUNT", "CAPTURED", "REFUNDED", "CREATED")
REFUND_HEADER = ("REFUND", "PAYMENT", "STATE", "AMOUNT", "CREATED")
MERCHANT_HEADER = ("MERCHANT", "NAME", "STATE", "CURRENCIES", "CHANNELS", "VERSION")
ACCOUNT_HEADER = ("BOOK", "ACCOUNT", "KEY", "KIND", "DEBIT", "CREDIT", "BALANCE")
TRANSFER_HEADER = ("BOOKED", "EVENT", "BOOK", "DEBIT", "CREDIT", "AMOUNT", "ENTRY")


def payment_fields(payment: payment_pb2.Payment) -> Fields:
    """Everything about a payment that a person asks for."""
    return [
        ("payment", payment.payment_id),
        ("state", payment_state(payment.state)),
        ("failure", failure_text(payment.failure)),
        ("next action", action_text(payment.next_action)),
        ("amount", amount_text(payment.amount)),
        ("captured", amount_text(payment.captured)),
        ("refunded", amount_text(payment.refunded)),
        ("fee", _fee(payment.fee_millionths, payment.amount.currency_code)),
        ("fee returned", _fee(payment.fee_returned_millionths, payment.amount.currency_code)),
        ("merchant", payment.merchant_id),
        ("order", payment.order_id),
        ("payer", payment.payer.payer_id),
        ("description", payment.description),
        (
            "attributes",
            ", ".join(f"{key}={value}" for key, value in sorted(payment.attributes.items())),
        ),
        ("key", payment.idempotency_key),
        ("channel", payment.channel),
        ("attempt", payment.attempt_number),
        ("channel number", payment.channel_number),
        ("created", time_text(payment.create_time)),
        ("updated", time_text(payment.update_time)),
        ("expires", time_text(payment.expire_time)),
        ("authorised", time_text(payment.authorize_time)),
        ("first captured", time_text(payment.capture_time)),
        ("capture before", time_text(payment.capture_before_time)),
    ]


def payment_row(payment: payment_pb2.Payment) -> Sequence[str]:
    """One payment of a list, under PAYMENT_HEADER."""
    return (
        payment.payment_id,
        payment.order_id,
        payment_state(payment.state),
        amount_text(payment.amount),
        amount_text(payment.captured),
        amount_text(payment.refunded),
        time_text(payment.create_time),
    )


def capture_fields(capture: payment_service_pb2.Capture) -> Fields:
    """A capture, before its payment."""
    return [
        ("capture", capture.capture_id),
        ("capture state", operation_state(capture.state)),
        ("capture failure", failure_text(capture.failure)),
        ("capture amount", amount_text(capture.amount)),
    ]


def refund_fields(refund: refund_pb2.Refund) -> Fields:
    """Everything about a refund that a person asks for."""
    return [
        ("refund", refund.refund_id),
        ("state", operation_state(refund.state)),
        ("failure", failure_text(refund.failure)),
        ("under review", "yes" if refund.under_review else ""),
        ("amount", amount_text(refund.amount)),
        ("payment", refund.payment_id),
        ("merchant", refund.merchant_id),
        ("description", refund.description),
        ("key", refund.idempotency_key),
        ("attempt", refund.attempt_number),
        ("channel number", refund.channel_number),
        ("created", time_text(refund.create_time)),
        ("updated", time_text(refund.update_time)),
    ]


def refund_row(refund: refund_pb2.Refund) -> Sequence[str]:
    """One refund of a list, under REFUND_HEADER."""
    return (
        refund.refund_id,
        refund.payment_id,
        operation_state(refund.state),
        amount_text(refund.amount),
        time_text(refund.create_time),
    )


def event_line(event: payment_service_pb2.PaymentEvent) -> str:
    """One change of a payment, on one line; amounts that are zero are left out."""
    kind = enum_text(payment_service_pb2.PaymentEventType.DESCRIPTOR, event.type)
    sums = (("captured", event.captured), ("refunded", event.refunded))
    parts = [
        time_text(event.create_time),
        event.payment_id,
        kind.ljust(16),
        payment_state(event.state).ljust(15),
        amount_text(event.amount),
        *(f"{word} {amount_text(amount)}" for word, amount in sums if amount.minor_units),
        f"order {event.order_id}",
        event.operation_id,
    ]
    return GAP.join(filter(None, parts))


def merchant_fields(merchant: merchant_pb2.Merchant) -> Fields:
    """Everything about a merchant."""
    orders, refunds = merchant_pb2.OrderPolicy.DESCRIPTOR, merchant_pb2.RefundPolicy.DESCRIPTOR
    return [
        ("merchant", merchant.merchant_id),
        ("name", merchant.display_name),
        ("state", _enabled(merchant)),
        ("currencies", ", ".join(merchant.currency_codes)),
        ("channels", ", ".join(merchant.channels)),
        ("orders", enum_text(orders, merchant.order_policy)),
        ("refunds", enum_text(refunds, merchant.refund_policy)),
        *(("fee", _schedule(schedule)) for schedule in merchant.fee_schedules),
        *(("limit", _limit(limit)) for limit in merchant.payment_limits),
        ("version", str(merchant.version)),
        ("created", time_text(merchant.create_time)),
        ("updated", time_text(merchant.update_time)),
    ]


def merchant_row(merchant: merchant_pb2.Merchant) -> Sequence[str]:
    """One merchant of a list, under MERCHANT_HEADER."""
    return (
        merchant.merchant_id,
        merchant.display_name,
        _enabled(merchant),
        ",".join(merchant.currency_codes),
        ",".join(merchant.channels),
        str(merchant.version),
    )


def account_row(account: ledger_pb2.Account) -> Sequence[str]:
    """One account, under ACCOUNT_HEADER."""
    sums = (account.debit_minor_units, account.credit_minor_units, account.balance_minor_units)
    return (
        enum_text(ledger_pb2.Book.DESCRIPTOR, account.name.book),
        account.name.code,
        account.name.key,
        enum_text(ledger_pb2.AccountKind.DESCRIPTOR, account.kind),
        *(_units(account.currency_code, units) for units in sums),
    )


def transfer_rows(entry: ledger_pb2.Entry) -> Sequence[Sequence[str]]:
    """The transfers of one entry, under TRANSFER_HEADER."""
    return [
        (
            time_text(entry.create_time),
            entry.event,
            enum_text(ledger_pb2.Book.DESCRIPTOR, transfer.debit.book),
            _account(transfer.debit),
            _account(transfer.credit),
            _units(transfer.currency_code, transfer.minor_units),
            entry.entry_id,
        )
        for transfer in entry.transfers
    ]


def payment_state(state: int) -> str:
    """Name of a payment's state."""
    return enum_text(payment_pb2.PaymentState.DESCRIPTOR, state)


def operation_state(state: int) -> str:
    """Name of the state of a capture, cancel or refund."""
    return enum_text(refund_pb2.OperationState.DESCRIPTOR, state)


def failure_text(failure: payment_pb2.Failure) -> str:
    """Reason, words and the channel's code of a failure; empty where there is none."""
    if failure.reason == payment_pb2.FAILURE_REASON_UNSPECIFIED:
        return ""
    reason = enum_text(payment_pb2.FailureReason.DESCRIPTOR, failure.reason)
    code = f" (channel code {failure.channel_code})" if failure.channel_code else ""
    return f"{reason}: {failure.message}{code}" if failure.message else f"{reason}{code}"


def action_text(action: payment_pb2.NextAction) -> str:
    """What the payer must do, and until when; empty where there is nothing to do."""
    kind = action.WhichOneof("action")
    if kind is None:
        return ""
    until = f" (until {time_text(action.expire_time)})" if action.HasField("expire_time") else ""
    return f"{kind.replace('_', ' ')}: {getattr(action, kind)}{until}"


def amount_text(amount: money_pb2.Money) -> str:
    """An amount as people write it; empty where there is none."""
    return money_text(amount) if amount.currency_code else ""


def _units(currency_code: str, minor_units: int) -> str:
    return money_text(money_pb2.Money(currency_code=currency_code, minor_units=minor_units))


def _fee(millionths: int, currency_code: str) -> str:
    if millionths == 0:
        return ""
    exponent = EXPONENTS.get(currency_code)
    if exponent is None:
        return f"{millionths} millionths of a minor unit of {currency_code}"
    return f"{Decimal(millionths).scaleb(-6 - exponent).normalize():f} {currency_code}"


def _schedule(schedule: merchant_pb2.FeeSchedule) -> str:
    bounds = (
        ("+", schedule.fixed_minor_units),
        ("at least", schedule.minimum_minor_units),
        ("at most", schedule.maximum_minor_units),
        ("for amounts from", schedule.amount_from_minor_units),
        ("for amounts below", schedule.amount_to_minor_units),
    )
    rate = Decimal(schedule.rate_millionths).scaleb(-4).normalize()
    parts = [
        f"{schedule.channel} {schedule.currency_code} {rate:f} %",
        *(f"{word} {_units(schedule.currency_code, units)}" for word, units in bounds if units),
    ]
    if schedule.returned_on_refund:
        parts.append("returned on refund")
    if schedule.effective_time.seconds:
        parts.append(f"from {time_text(schedule.effective_time)} on")
    return " ".join(parts)


def _limit(limit: merchant_pb2.PaymentLimit) -> str:
    lowest = _units(limit.currency_code, limit.minimum_minor_units)
    highest = limit.maximum_minor_units
    upper = f" to {_units(limit.currency_code, highest)}" if highest else " or more"
    return f"{lowest}{upper}"


def _enabled(merchant: merchant_pb2.Merchant) -> str:
    return "disabled" if merchant.disabled else "enabled"


def _account(name: ledger_pb2.AccountName) -> str:
    return f"{name.code}:{name.key}" if name.key else name.code


def time_text(moment: Timestamp) -> str:
    """A moment, in UTC; empty where there is none."""
    if not moment.seconds and not moment.nanos:
        return ""
    return moment_text(moment.ToDatetime(tzinfo=UTC))
