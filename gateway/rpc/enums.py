"""The enums of the contract and those of the domain: the same names, matched once, at import.

Only the contract has a prefix and a zero value. A name of the domain that the contract lacks is an
error at import; a test says the same of the other direction.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, TypeVar

from gateway.domain.change import EventType
from gateway.domain.ledger import AccountKind, Book
from gateway.domain.merchant import OrderPolicy, RefundPolicy
from gateway.domain.operation import OperationState
from gateway.domain.payment import CaptureMode, FailureReason, PaymentState, Scene
from paymentgateway.v1 import ledger_pb2, merchant_pb2, payment_pb2, payment_service_pb2, refund_pb2

NameT = TypeVar("NameT", bound=StrEnum)
NumberT = TypeVar("NumberT", bound=int)


def _numbers(
    names: type[NameT], number_of: Callable[[str], NumberT], prefix: str
) -> Mapping[NameT, NumberT]:
    return {name: number_of(f"{prefix}_{name.name}") for name in names}


def _names(numbers: Mapping[NameT, NumberT]) -> Mapping[int, NameT]:
    return {number: name for name, number in numbers.items()}


PAYMENT_STATE: Final = _numbers(PaymentState, payment_pb2.PaymentState.Value, "PAYMENT_STATE")
CAPTURE_MODE: Final = _numbers(CaptureMode, payment_pb2.CaptureMode.Value, "CAPTURE_MODE")
SCENE: Final = _numbers(Scene, payment_pb2.Scene.Value, "SCENE")
FAILURE_REASON: Final = _numbers(FailureReason, payment_pb2.FailureReason.Value, "FAILURE_REASON")
OPERATION_STATE: Final = _numbers(
    OperationState, refund_pb2.OperationState.Value, "OPERATION_STATE"
)
EVENT_TYPE: Final = _numbers(
    EventType, payment_service_pb2.PaymentEventType.Value, "PAYMENT_EVENT_TYPE"
)
ORDER_POLICY: Final = _numbers(OrderPolicy, merchant_pb2.OrderPolicy.Value, "ORDER_POLICY")
REFUND_POLICY: Final = _numbers(RefundPolicy, merchant_pb2.RefundPolicy.Value, "REFUND_POLICY")
BOOK: Final = _numbers(Book, ledger_pb2.Book.Value, "BOOK")
ACCOUNT_KIND: Final = _numbers(AccountKind, ledger_pb2.AccountKind.Value, "ACCOUNT_KIND")

PAYMENT_STATE_NAME: Final = _names(PAYMENT_STATE)
CAPTURE_MODE_NAME: Final = _names(CAPTURE_MODE)
SCENE_NAME: Final = _names(SCENE)
OPERATION_STATE_NAME: Final = _names(OPERATION_STATE)
ORDER_POLICY_NAME: Final = _names(ORDER_POLICY)
REFUND_POLICY_NAME: Final = _names(REFUND_POLICY)
