"""Moments, amounts and payment methods, there and back."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import protovalidate
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.payment import PaymentMethod
from gateway.domain.wallet import WALLET_CHANNEL
from gateway.rpc.values import put_method, put_moment, put_money, to_method, to_moment
from paymentgateway.v1 import payment_pb2

STRING = FieldDescriptor.TYPE_STRING
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


METHODS: dict[str, dict[str, Any]] = {
    "wechat native": {"wechat": {"native": {}}},
    "wechat jsapi": {"wechat": {"jsapi": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}}},
    "wechat code": {"wechat": {"code": {"auth_code": "134567890123456789"}}},
    "wechat papay": {"wechat": {"papay": {"contract_id": "Wx15463511252015071056489715"}}},
    "douyin native": {"douyin": {"native": {}}},
    "douyin jsapi": {"douyin": {"jsapi": {"openid": "o-1"}}},
    "douyin deduct": {"douyin": {"deduct": {"contract_id": "c-1"}}},
    "alipay precreate": {"alipay": {"precreate": {}}},
    "alipay code": {"alipay": {"code": {"auth_code": "281234567890123456"}, "instalments": 12}},
    "alipay agreement": {
        "alipay": {"agreement": {"agreement_no": "20170322450983769228"}, "disable_pay_later": True}
    },
    "alipay freeze": {"alipay": {"auth_code_freeze": {"auth_code": "281234567890123456"}}},
    "unionpay app": {"unionpay": {"app": {}}},
    "unionpay back": {"unionpay": {"back": {"account_token": "6235240000020757577"}}},
    "carrier": {"carrier": {"phone_number": "+8613800138000"}},
}
"""Every way of paying outside, as connectors are given it: one key of the details names it."""


@pytest.mark.parametrize("name", METHODS)
def test_each_way_of_paying_goes_there_and_back(name: str) -> None:
    """The field names the channel, the details are what connectors read, and no rule is broken."""
    ((channel, details),) = METHODS[name].items()
    message = ParseDict(METHODS[name], payment_pb2.PaymentMethod())

    method, back = to_method(message), payment_pb2.PaymentMethod()
    put_method(method, back)

    assert method == PaymentMethod(channel, details)
    assert back == message
    assert protovalidate.collect_violations(message) == []


def test_every_way_of_paying_is_tried() -> None:
    """A way that joins the contract has to be given its row here."""
    tried = {(channel, way) for row in METHODS.values() for channel, d in row.items() for way in d}
    offered = {
        (channel.name, way.name)
        for channel in payment_pb2.PaymentMethod.DESCRIPTOR.fields
        for way in channel.message_type.fields
        if channel.name not in ("sandbox", "wallet")
    }
    assert tried == offered


def test_what_names_a_payer_at_a_channel_is_marked() -> None:
    """Every text of these methods says of itself that no log may show it."""
    texts = [
        field for message in _method_messages() for field in message.fields if field.type == STRING
    ]
    marked = {field.full_name for field in texts if field.GetOptions().debug_redact}
    assert marked == {field.full_name for field in texts}


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
    messages = [*_method_messages(), payment_pb2.SandboxScript.DESCRIPTOR]
    wide = {
        field.full_name
        for message in messages
        for field in message.fields
        if field.cpp_type in (field.CPPTYPE_INT64, field.CPPTYPE_UINT64)
    }
    assert len(messages) > len(payment_pb2.PaymentMethod.DESCRIPTOR.fields)
    assert not wide


def _method_messages() -> list[Descriptor]:
    """Every message of the methods for outside channels, the ways within them too."""
    channels = [field.message_type for field in payment_pb2.PaymentMethod.DESCRIPTOR.fields]
    outside = [channel for channel in channels if channel.name != "SandboxMethod"]
    ways = [way.message_type for channel in outside for way in channel.fields]
    return [*outside, *(way for way in ways if way is not None)]


def test_details_of_a_newer_release_are_left_out() -> None:
    """A payment that a newer release took can still be read by this one."""
    details = {"charge": {"outcome": "SANDBOX_OUTCOME_NEW", "fault_count": 2, "new": 1}, "new": {}}
    written = payment_pb2.PaymentMethod()
    put_method(PaymentMethod("sandbox", details), written)
    assert written.sandbox.charge == payment_pb2.SandboxScript(fault_count=2)
