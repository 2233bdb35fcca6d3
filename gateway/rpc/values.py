"""Values that many messages share, both ways: moments, amounts, and how a payer pays.

Domain moments are UTC in whole microseconds; what a Timestamp has below that is cut off. How a
payer pays is a plain dict below this room: the fields of the channel's own message by their proto
names, enums by name, defaults left out, so it can be stored and digested as JSON.

What is written is written in place: a message that is made first and put into another one later
is copied, which for a payment costs more than all the rest. What is empty or zero is not written at
all: it would not be sent either.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.domain.money import Money
from gateway.domain.payment import PaymentMethod, Purpose
from gateway.domain.wallet import WALLET_CHANNEL
from paymentgateway.v1 import money_pb2, payment_pb2

PAYMENT_PREFIX: Final[Mapping[Purpose, str]] = {
    Purpose.PURCHASE: "pay",
    Purpose.TOP_UP: "top",
    Purpose.WITHDRAWAL: "wdr",
}
"""What the id of a payment begins with outside."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S: Final = 86_400
_WALLET: Final = PaymentMethod(WALLET_CHANNEL)


def to_moment(timestamp: Timestamp) -> datetime:
    """Read a checked Timestamp; nanoseconds are cut to microseconds."""
    return _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1_000)


def put_moment(moment: datetime, target: Timestamp) -> None:
    """Write a moment into its message."""
    span = moment - _EPOCH
    target.seconds = span.days * _DAY_S + span.seconds
    target.nanos = span.microseconds * 1_000


def to_money(message: money_pb2.Money) -> Money:
    """Read a checked amount."""
    return Money(message.currency_code, message.minor_units)


def put_money(currency: str, minor_units: int, target: money_pb2.Money) -> None:
    """Write an amount into its message."""
    target.currency_code = currency
    if minor_units:
        target.minor_units = minor_units


def to_method(message: payment_pb2.PaymentMethod) -> PaymentMethod:
    """Read how the payer pays: the field that is set names the channel."""
    if message.HasField("wallet"):
        return _WALLET
    channel = message.WhichOneof("method") or ""
    details = MessageToDict(getattr(message, channel), preserving_proto_field_name=True)
    return PaymentMethod(channel, details)


def put_method(method: PaymentMethod, target: payment_pb2.PaymentMethod) -> None:
    """Write how the payer pays. Details that a newer release stored are left out."""
    details = getattr(target, method.channel)
    details.SetInParent()
    if method.details:
        ParseDict(dict(method.details), details, ignore_unknown_fields=True)
