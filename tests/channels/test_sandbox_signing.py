"""Nothing is believed that the sandbox did not sign, for this request or for this moment."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.connector import HttpReply
from gateway.channels.sandbox.signing import SecretKey
from gateway.domain.channel import NotificationRefused, OutcomeClass
from tests.channels.wire import (
    CONNECTOR,
    KEY,
    NOTIFY_PATH,
    NOW,
    call,
    notification,
    reply_to,
    request,
    resource,
)

BODY = (
    b'{"number":"0000010123456789ABCDEFGHIJKL","channel_number":"CH1","state":"SUCCEEDED",'
    b'"amount":1250,"currency":"CNY","captured":1250,"refunded":0,"capture":"AUTOMATIC",'
    b'"action":null,"decline_code":null,"decline_message":null,"create_time":1767222000000,'
    b'"update_time":1767222000000,"version":2}'
)
REPLY = HttpReply(
    200,
    {
        "sandbox-timestamp": "1767222001",
        "sandbox-nonce": "SANDBOXNONCE0001",
        "sandbox-signature": "7e1b4dab7713bc048e32b5c58bbcf879fc9cc36e71ec930b0095823043607930",
    },
    BODY,
)
NOTIFICATION = b'{"kind":"charge","charge":' + BODY + b"}"
NOTIFICATION_HEADERS = REPLY.headers | {
    "sandbox-signature": "b679d4bb704343c02d654b8d2fdf6504b3c9e401b349ade50a623128c4c9da22"
}
SIGNED_HEADERS = tuple(REPLY.headers)
CALL = call()


def _class_of(reply: HttpReply) -> OutcomeClass:
    return CONNECTOR.parse(CALL, reply).outcome


def _changed(content: bytes, place: int, bit: int) -> bytes:
    at = place % len(content)
    return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


PLACES = st.integers(0, 10_000)
BITS = st.integers(0, 7)


def test_golden_reply() -> None:
    """A reply with the signature that the openssl command made is believed."""
    assert _class_of(REPLY) is OutcomeClass.SUCCESS


@given(place=PLACES, bit=BITS)
def test_reply_with_one_bit_changed(place: int, bit: int) -> None:
    """No bit of the body can be changed."""
    assert _class_of(replace(REPLY, body=_changed(BODY, place, bit))) is OutcomeClass.UNKNOWN


@given(name=st.sampled_from(SIGNED_HEADERS), place=PLACES, bit=BITS)
def test_reply_with_one_bit_of_a_header_changed(name: str, place: int, bit: int) -> None:
    """No bit of timestamp, nonce or signature can be changed."""
    text = _changed(REPLY.headers[name].encode(), place, bit).decode("latin-1")
    changed = replace(REPLY, headers={**REPLY.headers, name: text})
    assert _class_of(changed) is OutcomeClass.UNKNOWN


@pytest.mark.parametrize("name", SIGNED_HEADERS)
@pytest.mark.parametrize("value", [None, "", "x, x", "\udcff", "\u00e9" * 64])
def test_reply_without_a_header(name: str, value: str | None) -> None:
    """A header that is missing, given twice or not even ASCII leaves the reply unproven."""
    headers = {**REPLY.headers, name: value}
    kept = {key: text for key, text in headers.items() if text is not None}
    assert _class_of(replace(REPLY, headers=kept)) is OutcomeClass.UNKNOWN


def test_reply_with_another_status() -> None:
    """The status is signed too."""
    assert _class_of(replace(REPLY, status=201)) is OutcomeClass.UNKNOWN


def test_reply_to_another_request() -> None:
    """A genuine reply to a request with another nonce proves nothing for this one."""
    other = replace(CALL, nonce="0" * 32)
    assert CONNECTOR.parse(other, REPLY).outcome is OutcomeClass.UNKNOWN


@pytest.mark.parametrize("status", [200, 400, 401, 404, 409, 429, 500, 503])
def test_unsigned_replies_prove_nothing(status: int) -> None:
    """Whatever an unsigned reply says, the outcome is unknown and not even "not found"."""
    for body in (BODY, b'{"error":{"code":"NOT_FOUND","message":""}}', b"<html>", b""):
        outcome = CONNECTOR.parse(CALL, HttpReply(status, {}, body))
        assert outcome.outcome is OutcomeClass.UNKNOWN
        assert not outcome.not_found
        assert outcome.evidence.startswith(f"sandbox CHARGE {CALL.request.number}: reply {status}")


def test_golden_notification() -> None:
    """A notification with the signature that the openssl command made is believed."""
    notice = CONNECTOR.read_notification(NOTIFY_PATH, NOTIFICATION_HEADERS, NOTIFICATION, NOW)
    assert (notice.number, notice.outcome.outcome) == (CALL.request.number, OutcomeClass.SUCCESS)


@given(place=PLACES, bit=BITS)
def test_notification_with_one_bit_changed(place: int, bit: int) -> None:
    """No bit of a notification's body can be changed."""
    body = _changed(NOTIFICATION, place, bit)
    with pytest.raises(NotificationRefused):
        CONNECTOR.read_notification(NOTIFY_PATH, NOTIFICATION_HEADERS, body, NOW)


@given(name=st.sampled_from(SIGNED_HEADERS), place=PLACES, bit=BITS)
def test_notification_with_one_bit_of_a_header_changed(name: str, place: int, bit: int) -> None:
    """No bit of a notification's timestamp, nonce or signature can be changed."""
    text = _changed(NOTIFICATION_HEADERS[name].encode(), place, bit).decode("latin-1")
    headers = {**NOTIFICATION_HEADERS, name: text}
    with pytest.raises(NotificationRefused):
        CONNECTOR.read_notification(NOTIFY_PATH, headers, NOTIFICATION, NOW)


@pytest.mark.parametrize(
    "path", ["/notify/sandbox?", "/notify/sandbox/", "/notify/other", "\udcff"]
)
def test_notification_to_another_path(path: str) -> None:
    """A notification is bound to the path that it was sent to, query included."""
    with pytest.raises(NotificationRefused):
        CONNECTOR.read_notification(path, NOTIFICATION_HEADERS, NOTIFICATION, NOW)


def test_reply_is_no_notification() -> None:
    """A genuine reply cannot be replayed as a notification."""
    with pytest.raises(NotificationRefused):
        CONNECTOR.read_notification(NOTIFY_PATH, REPLY.headers, BODY, NOW)


@pytest.mark.parametrize(
    ("age_s", "fresh"), [(300, True), (301, False), (-300, True), (-301, False)]
)
def test_notifications_grow_stale(age_s: int, fresh: bool) -> None:
    """A genuine notification counts for 300 seconds around its time, and not one more."""
    headers, body = notification("charge", resource(request(), "PROCESSING"), 1767222000 - age_s)
    if fresh:
        assert CONNECTOR.read_notification(NOTIFY_PATH, headers, body, NOW)
    else:
        with pytest.raises(NotificationRefused, match="stale"):
            CONNECTOR.read_notification(NOTIFY_PATH, headers, body, NOW)


def test_time_does_not_excuse_a_forgery() -> None:
    """Whether a notification is stale is not told to who cannot sign."""
    headers = {**NOTIFICATION_HEADERS, "sandbox-signature": "0" * 64}
    late = NOW + timedelta(days=1)
    with pytest.raises(NotificationRefused, match="wrong signature"):
        CONNECTOR.read_notification(NOTIFY_PATH, headers, NOTIFICATION, late)


def test_the_key_never_shows() -> None:
    """Neither repr, str nor format of a key or its connector show the key."""
    key = SecretKey(KEY)
    shown = f"{key} {key!r} {CONNECTOR!r} {vars(CONNECTOR)!r}"
    assert KEY.decode() not in shown
    assert repr(key) == "SecretKey(***)"


def test_short_keys_are_refused() -> None:
    """A key of fewer than 16 bytes is refused without being shown."""
    with pytest.raises(ValueError, match="at least 16 bytes") as refusal:
        SecretKey(b"fifteen bytes..")
    assert "fifteen" not in str(refusal.value)


def test_acknowledgements() -> None:
    """The sandbox gets exactly the bytes that it waits for, and other ones if we did not accept."""
    accepted, refused = (CONNECTOR.acknowledge(accepted=each) for each in (True, False))
    assert (accepted.status, accepted.body) == (200, b'{"acknowledged":true}')
    assert (refused.status, refused.body) == (401, b'{"acknowledged":false}')
    assert accepted.content_type == refused.content_type == "application/json"


def test_malformed_but_signed() -> None:
    """Bytes that are signed and still no message of the protocol prove nothing."""
    outcome = CONNECTOR.parse(CALL, reply_to(CALL, b'{"number":'))
    assert outcome.outcome is OutcomeClass.UNKNOWN
    assert outcome.evidence.endswith("proves nothing: not JSON of the protocol")
