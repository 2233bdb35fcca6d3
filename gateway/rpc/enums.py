"""The enums of the contract and those of the domain: the same names, matched once, at import.

Only the contract has a zero value, and a prefix. A name that one side lacks is an error at import.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper
from paymentgateway.v1 import ledger_pb2, merchant_pb2, payment_pb2, payment_service_pb2, refund_pb2

from gateway.domain.change import EventType
from gateway.domain.ledger import AccountKind, Book
from gateway.domain.merchant import OrderPolicy, RefundPolicy
from gateway.domain.operation import OperationState
from gateway.domain.payment import CaptureMode, FailureReason, PaymentState, Scene
