"""Enums of the contract and the domain say the same."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from gateway.domain.payment import Purpose
from gateway.rpc import enums
from gateway.rpc.encode import OPERATION_PREFIX
from gateway.rpc.values import PAYMENT_PREFIX
from paymentgateway.v1 import ledger_pb2, merchant_pb2, payment_pb2, payment_service_pb2, refund_pb2


@pytest.mark.parametrize(
    ("numbers", "contract"),
    [
        (enums.PAYMENT_STATE, payment_pb2.PaymentState),
        (enums.CAPTURE_MODE, payment_pb2.CaptureMode),
        (enums.SCENE, payment_pb2.Scene),
        (enums.FAILURE_REASON, payment_pb2.FailureReason),
        (enums.OPERATION_STATE, refund_pb2.OperationState),
        (enums.EVENT_TYPE, payment_service_pb2.PaymentEventType),
        (enums.ORDER_POLICY, merchant_pb2.OrderPolicy),
        (enums.REFUND_POLICY, merchant_pb2.RefundPolicy),
        (enums.BOOK, ledger_pb2.Book),
        (enums.ACCOUNT_KIND, ledger_pb2.AccountKind),
    ],
    ids=lambda value: getattr(getattr(value, "DESCRIPTOR", None), "name", ""),
)
def test_both_sides_have_the_same_names(numbers: Mapping[StrEnum, int], contract: Any) -> None:
    """Each value of the contract but zero has its name in the domain, and the reverse."""
    offered = {value.number for value in contract.DESCRIPTOR.values} - {0}
    assert set(numbers.values()) == offered
    assert len(numbers) == len(offered)


def test_ids_tell_what_a_payment_is_for() -> None:
    """Each purpose has a prefix of its own for its ids."""
    assert PAYMENT_PREFIX.keys() == set(Purpose)
    assert len(set(PAYMENT_PREFIX.values())) == len(Purpose)


def test_events_about_operations_name_them() -> None:
    """Only events that are about no operation lack a prefix for one."""
    without = {name.name for name in enums.EVENT_TYPE if name not in OPERATION_PREFIX}
    assert without == {"CREATED", "CHANGED"}
