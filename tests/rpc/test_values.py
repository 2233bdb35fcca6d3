"""Moments, amounts and payment methods, there and back."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.payment import PaymentMethod
from gateway.domain.wallet import WALLET_CHANNEL
from gateway.rpc.values import put_method, put_moment, put_money, to_method, to_moment
from paymentgateway.v1 import payment_pb2

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS_MAX = 253_402_300_799 * 1_000_000


@given(st.integers(0, MICROSECONDS_MAX))
def test_moments_keep_every_microsecond(microseconds: int) -> None:
    """Every moment that a request may name comes back as it was."""
    moment, written = EPOCH + timedelta(microseconds=microseconds), Timestamp()
    put_moment(moment, written)
    assert to_moment(written) == moment
    assert written.ToMicroseconds() == microseconds


def test_the_first_moment_is_not_none() -> None:
    """A moment of all zeros is sent, and so is an amount of zero."""
    payment = payment_pb2.Payment()
    put_moment(EPOCH, payment.capture_time)
    put_money("CNY", 0, payment.refunded)
    assert payment.HasField("capture_time")
    assert payment_pb2.Payment.FromString(payment.SerializeToString()).HasField("refunded")


def _script(**fields: Any) -> payment_pb2.PaymentMethod:
    method = payment_pb2.PaymentMethod()
    method.sandbox.charge.CopyFrom(payment_pb2.SandboxScript(**fields))
    method.sandbox.refund.SetInParent()
    return method


@pytest.mark.parametrize(
    ("message", "details"),
    [
        (payment_pb2.PaymentMethod(sandbox={}), {}),
        (_script(), {"charge": {}, "refund": {}}),
        (
            _script(
                outcome=payment_pb2.SANDBOX_OUTCOME_ANSWER_LATER,
                fault=payment_pb2.SANDBOX_FAULT_BUSY,
                fault_always=True,
                settle_delay_ms=3_600_000,
                decline_code="X",
            ),
            {
                "charge": {
                    "outcome": "SANDBOX_OUTCOME_ANSWER_LATER",
                    "fault": "SANDBOX_FAULT_BUSY",
                    "fault_always": True,
                    "settle_delay_ms": 3_600_000,
                    "decline_code": "X",
                },
                "refund": {},
            },
        ),
    ],
)
def test_a_method_is_a_plain_dict_below(
    message: payment_pb2.PaymentMethod, details: dict[str, Any]
) -> None:
    """Its field names the channel, its content is JSON, and it comes back as it was."""
    method = to_method(message)
    assert method == PaymentMethod("sandbox", details)
    assert json.loads(json.dumps(method.details)) == details
    back = payment_pb2.PaymentMethod()
    put_method(method, back)
    assert back == message


def test_a_wallet_is_a_method_without_details() -> None:
    """Paying from a wallet needs no more than its name, and comes back as it was."""
    message = payment_pb2.PaymentMethod(wallet={})
    assert to_method(message) == PaymentMethod("wallet", {})
    back = payment_pb2.PaymentMethod()
    put_method(PaymentMethod("wallet", {}), back)
    assert back == message
    assert WALLET_CHANNEL in payment_pb2.PaymentMethod.DESCRIPTOR.fields_by_name


def test_numbers_of_a_method_are_numbers() -> None:
    """JSON of protobuf writes 64-bit integers as text; no method may have one unnoticed."""
    wide = {
        field.full_name
        for message in (payment_pb2.SandboxMethod, payment_pb2.SandboxScript)
        for field in message.DESCRIPTOR.fields
        if field.cpp_type in (field.CPPTYPE_INT64, field.CPPTYPE_UINT64)
    }
    assert not wide


def test_details_of_a_newer_release_are_left_out() -> None:
    """A payment that a newer release took can still be read by this one."""
    details = {"charge": {"outcome": "SANDBOX_OUTCOME_NEW", "fault_count": 2, "new": 1}, "new": {}}
    written = payment_pb2.PaymentMethod()
    put_method(PaymentMethod("sandbox", details), written)
    assert written.sandbox.charge == payment_pb2.SandboxScript(fault_count=2)
