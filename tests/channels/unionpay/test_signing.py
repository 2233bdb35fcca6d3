"""Signatures of what comes in: who is believed, and that every byte counts."""

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.channels.connector import Action, HttpReply
from gateway.channels.keys import MerchantKey, SignatureRefused
from gateway.channels.unionpay.signing import VERSION, sign, verify
from gateway.domain.channel import NotificationRefused, OutcomeClass
from tests.channels.unionpay.wire import (
    NOW,
    answered,
    call,
    certificate,
    connector,
    digest,
    form,
    found,
    notified,
    private_key,
    reply,
    signed,
    trust,
)


def test_what_we_sign_is_what_the_channel_verifies() -> None:
    """Version, method and certificate are added and signed; the double hash is the channel's."""
    message = sign({"b": "2", "a": "成功"}, MerchantKey("FF", private_key("merchant")))
    assert (message["version"], message["signMethod"], message["certId"]) == (VERSION, "01", "255")
    signature = base64.b64decode(message["signature"])
    key = private_key("merchant").public_key()
    key.verify(signature, digest(message), PKCS1v15(), SHA256())


def test_channel_is_believed() -> None:
    """A message is believed if a certificate of the channel signed it."""
    verify(signed(answered("00")), trust(), NOW)


def test_every_byte_counts() -> None:
    """A bit of any byte of an answer or notification makes it prove nothing, or be refused."""
    ours = connector()
    asked = call(Action.ASK)
    answer, notification = reply(found("00")).body, form(notified())
    assert ours.parse(asked, HttpReply(200, {}, answer)).outcome is OutcomeClass.SUCCESS
    assert ours.read_notification("/", {}, notification, NOW).outcome.money
    for place in range(len(answer)):
        changed = _flipped(answer, place)
        assert ours.parse(asked, HttpReply(200, {}, changed)).outcome is OutcomeClass.UNKNOWN
    for place in range(len(notification)):
        with pytest.raises(NotificationRefused):
            ours.read_notification("/", {}, _flipped(notification, place), NOW)


def _flipped(data: bytes, place: int) -> bytes:
    """Flip a bit of one byte: now one that makes a neighbour of it, now one that changes case."""
    bit = (0x01, 0x20, 0x04)[place % 3] if not chr(data[place]).isalpha() else 0x20
    return data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]


@pytest.mark.parametrize(
    "change",
    [
        {"version": "5.0.0"},
        {"version": ""},
        {"signMethod": "11"},
        {"signMethod": ""},
    ],
)
def test_other_ways_to_sign_are_refused(change: dict[str, str]) -> None:
    """However well it is signed, an older or other way is not believed."""
    with pytest.raises(SignatureRefused, match="not signed in the way"):
        verify(signed(answered("00") | change), trust(), NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"signature": ""},
        {"signature": "AAAA"},
        {"signPubKeyCert": ""},
        {"signPubKeyCert": "nonsense"},
        {"signPubKeyCert": "A" * 8_193},
        {"respCode": "A6"},
        {"added": "1"},
    ],
)
def test_altered_fields_are_refused(change: dict[str, str]) -> None:
    """A changed, missing or added field is refused."""
    with pytest.raises(SignatureRefused):
        verify(signed(answered("00")) | change, trust(), NOW)


def test_signature_of_another_key_is_refused() -> None:
    """The certificate must be that of the key that signed."""
    with pytest.raises(SignatureRefused, match="wrong signature"):
        verify(signed(answered("00"), whose="merchant"), trust(), NOW)


def test_signature_has_one_spelling() -> None:
    """Base64 whose unused bits are set means the same signature, and is refused."""
    message = signed(answered("00"))
    changed = message["signature"][:-3] + chr(ord(message["signature"][-3]) + 1) + "=="
    assert base64.b64decode(changed) == base64.b64decode(message["signature"])
    with pytest.raises(SignatureRefused, match="wrong signature"):
        verify(message | {"signature": changed}, trust(), NOW)


def test_renewed_certificate_is_believed_unannounced() -> None:
    """The channel may sign with a new key at any time: the chain stands for it."""
    renewed = certificate(
        "renewed",
        "intermediate",
        common_name="042@1@中国银联股份有限公司@2",
        authority=False,
        start=NOW - timedelta(minutes=1),
    )
    verify(signed(answered("00"), whose="renewed", shown=renewed), trust(), NOW)
