"""A payout is believed only as the sandbox signed it, to the bit, and for its own request alone."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway.channels.connector import Action, HttpReply
from gateway.domain.channel import AttemptKind, NotificationRefused, OutcomeClass
from gateway.domain.money import Money
from tests.channels.wire import CONNECTOR, NOTIFY_PATH, NOW, NUMBER, call

PAYOUT = AttemptKind.PAYOUT
BODY = (
    b'{"number":"0000010123456789ABCDEFGHIJKL","channel_number":"PO1","state":"SUCCEEDED",'
    b'"amount":1250,"currency":"CNY","decline_code":null,"decline_message":null,'
    b'"create_time":1767222000000,"update_time":1767222000000,"version":2}'
)
REPLY = HttpReply(
    200,
    {
        "sandbox-timestamp": "1767222001",
        "sandbox-nonce": "SANDBOXNONCE0001",
        "sandbox-signature": "05ad0ce78ed7bdd1d0d4a84bd1028a54825ffb9860fd617bdeeebafd703b8fbe",
    },
    BODY,
)
NOTIFICATION = b'{"kind":"payout","payout":' + BODY + b"}"
NOTIFICATION_HEADERS = REPLY.headers | {
    "sandbox-signature": "0f2fee4a756d668283e465f88ebb885dfa5e986cb0d449f0e7708007cd71933a"
}
CALL = call(kind=PAYOUT)


def _one_bit_changed(content: bytes) -> Iterator[bytes]:
    for place, byte in enumerate(content):
        for bit in range(8):
            yield content[:place] + bytes([byte ^ 1 << bit]) + content[place + 1 :]


@pytest.mark.parametrize("action", list(Action))
def test_golden_reply(action: Action) -> None:
    """With the signature that the openssl command made, a payout's success is believed."""
    outcome = CONNECTOR.parse(replace(CALL, action=action), REPLY)
    assert (outcome.outcome, outcome.money) == (OutcomeClass.SUCCESS, Money("CNY", 1250))
    assert outcome.channel_number == "PO1"


def test_golden_notification() -> None:
    """With the signature that the openssl command made, a payout's notification is believed."""
    notice = CONNECTOR.read_notification(NOTIFY_PATH, NOTIFICATION_HEADERS, NOTIFICATION, NOW)
    assert (notice.kind, notice.number) == (PAYOUT, NUMBER)
    assert notice.outcome.outcome is OutcomeClass.SUCCESS
    assert notice.outcome.money == Money("CNY", 1250)


def test_no_bit_of_a_reply_can_be_changed() -> None:
    """Whichever bit of the body is changed, the reply proves nothing."""
    for body in _one_bit_changed(BODY):
        outcome = CONNECTOR.parse(CALL, replace(REPLY, body=body))
        assert outcome.outcome is OutcomeClass.UNKNOWN


def test_no_bit_of_a_notification_can_be_changed() -> None:
    """Whichever bit of the body is changed, the notification is refused."""
    for body in _one_bit_changed(NOTIFICATION):
        with pytest.raises(NotificationRefused):
            CONNECTOR.read_notification(NOTIFY_PATH, NOTIFICATION_HEADERS, body, NOW)


@pytest.mark.parametrize("name", list(REPLY.headers))
def test_no_bit_of_a_header_can_be_changed(name: str) -> None:
    """Timestamp, nonce and signature are as fixed as the body, in both directions."""
    for value in _one_bit_changed(REPLY.headers[name].encode()):
        headers = {**REPLY.headers, name: value.decode("latin-1")}
        outcome = CONNECTOR.parse(CALL, replace(REPLY, headers=headers))
        assert outcome.outcome is OutcomeClass.UNKNOWN
    for value in _one_bit_changed(NOTIFICATION_HEADERS[name].encode()):
        headers = {**NOTIFICATION_HEADERS, name: value.decode("latin-1")}
        with pytest.raises(NotificationRefused):
            CONNECTOR.read_notification(NOTIFY_PATH, headers, NOTIFICATION, NOW)


@pytest.mark.parametrize("action", list(Action))
def test_forged_replies(action: Action) -> None:
    """Unsigned, signed by another, for another request or with another status: all unknown."""
    made = replace(CALL, action=action)
    strangers = REPLY.headers | {"sandbox-signature": "0" * 64}
    for asked, reply in (
        (made, replace(REPLY, headers={})),
        (made, replace(REPLY, headers=strangers)),
        (made, replace(REPLY, status=201)),
        (made, replace(REPLY, body=BODY[: len(BODY) // 2])),
        (made, replace(REPLY, headers=NOTIFICATION_HEADERS, body=NOTIFICATION)),
        (replace(made, nonce="0" * 32), REPLY),
    ):
        outcome = CONNECTOR.parse(asked, reply)
        assert (outcome.outcome, outcome.money) == (OutcomeClass.UNKNOWN, None)


@pytest.mark.parametrize("kind", [AttemptKind.CHARGE, AttemptKind.CAPTURE, AttemptKind.REFUND])
def test_a_payout_is_nothing_else(kind: AttemptKind) -> None:
    """A genuine payout under the very number does not pass for a charge, capture or refund."""
    made = call(kind=kind, number=NUMBER)
    assert CONNECTOR.parse(made, REPLY).outcome is OutcomeClass.UNKNOWN


def test_a_reply_is_no_notification() -> None:
    """A genuine reply cannot be replayed as a notification, nor a notification as a reply."""
    with pytest.raises(NotificationRefused):
        CONNECTOR.read_notification(NOTIFY_PATH, REPLY.headers, BODY, NOW)
    replayed = HttpReply(200, NOTIFICATION_HEADERS, NOTIFICATION)
    assert CONNECTOR.parse(CALL, replayed).outcome is OutcomeClass.UNKNOWN
