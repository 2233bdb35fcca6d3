"""Notifications: who may send them, what they lead to, and that none is a reason to book."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.channels.carrier.sink import SinkKey
from gateway.domain.channel import AttemptKind, Notice, NotificationRefused, OutcomeClass
from tests.channels.carrier.wire import (
    EXPIRY,
    NOW,
    NUMBER,
    OLD_SINK_KEY,
    PAYMENT_ID,
    SINK_KEY,
    body_of,
    call,
    carrier,
    event,
    sink_token,
)

PAYMENT_EVENTS = ["pending-validation", "reserved", "completed", "cancelled", "denied"]
REFUND_EVENTS = ["completed", "denied", "in-bill"]


def _read(body: bytes, authorization: str | None = None) -> Notice:
    told = authorization if authorization is not None else f"Bearer {sink_token()}"
    return carrier().read_notification("/notify/carrier", {"authorization": told}, body, NOW)


@pytest.mark.parametrize("name", PAYMENT_EVENTS)
@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_payment_event(name: str, status: str) -> None:
    """Whatever an event says of a payment, it only leads to a question about its attempt."""
    data = {"paymentId": PAYMENT_ID, "status": status, "description": "x", "denialReason": "y"}
    notice = _read(event(f"carrier-billing.v0.payment-{name}", data=data))
    assert (notice.kind, notice.number) == (AttemptKind.CHARGE, NUMBER)
    _moves_nothing(notice)


@pytest.mark.parametrize("name", REFUND_EVENTS)
def test_refund_event(name: str) -> None:
    """So does an event about a refund."""
    notice = _read(event(f"carrier-billing-refund.v0.refund-{name}"))
    assert (notice.kind, notice.number) == (AttemptKind.REFUND, NUMBER)
    _moves_nothing(notice)


def _moves_nothing(notice: Notice) -> None:
    outcome = notice.outcome
    assert outcome.outcome is OutcomeClass.PENDING
    assert (outcome.money, outcome.failure, outcome.next_action) == (None, None, None)
    flags = (outcome.authorized, outcome.closed, outcome.acted, outcome.not_found)
    assert not any(flags)


@pytest.mark.parametrize(
    "told", ["carrier-billing.v0.payment-reserved", "carrier-billing-refund.v0.refund-denied"]
)
def test_event_points_nowhere(told: str) -> None:
    """With a token that leaked, nobody points our next confirm, cancel or refund elsewhere."""
    data = {"paymentId": "another-payment", "refundId": "another-refund", "status": "succeeded"}
    outcome = _read(event(told, data=data)).outcome
    assert outcome.channel_number == ""
    assert "another-" in outcome.evidence


@pytest.mark.parametrize("kind", [AttemptKind.CHARGE, AttemptKind.REFUND])
def test_token_of_the_request_comes_back(kind: AttemptKind) -> None:
    """The token that a request gave away lets the operator notify about exactly its attempt."""
    sent = body_of(carrier().build(call(kind=kind)))
    token = sent["sinkCredential"]["accessToken"]
    assert _read(event(), f"Bearer {token}").number == NUMBER


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_scheme_has_no_case(scheme: str) -> None:
    """How HTTP lets the scheme be written does not matter."""
    assert _read(event(), f"{scheme} {sink_token()}").number == NUMBER


def test_every_flipped_byte_of_a_token_is_refused() -> None:
    """No other token than the very one is believed, whichever byte differs and however."""
    token = sink_token()
    for place in range(len(token)):
        for bit in (0x01, 0x02, 0x20, 0x40):
            changed = token[:place] + chr(ord(token[place]) ^ bit) + token[place + 1 :]
            with pytest.raises(NotificationRefused):
                _read(event(), f"Bearer {changed}")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Basic {sink_token()}",
        f"Bearer  {sink_token()}",
        f"Bearer {sink_token()}, Bearer {sink_token()}",
        f"Bearer {sink_token(key=b'another key of thirty-two bytes.')}",
        f"Bearer {sink_token(expire_time=NOW)}",
        f"Bearer {sink_token(number='0' * 27)}",
        f"Bearer {sink_token(number='ü' * 28)}",
    ],
)
def test_token_that_is_not_ours(authorization: str) -> None:
    """Without our token, or with one whose time is over, nothing is read."""
    with pytest.raises(NotificationRefused) as refused:
        _read(event(), authorization)
    assert NUMBER not in str(refused.value)


def test_rotation() -> None:
    """A token of the key before still counts, and new ones are made with the first key."""
    assert _read(event(), f"Bearer {sink_token(key=OLD_SINK_KEY)}").number == NUMBER
    sent = body_of(carrier().build(call()))["sinkCredential"]["accessToken"]
    assert sent == sink_token(expire_time=EXPIRY + timedelta(days=30), key=SINK_KEY)


def test_late_refunds_can_be_notified() -> None:
    """The token of a refund long after the payment's expiry is good for a month from then."""
    made = call(kind=AttemptKind.REFUND, expire_time=NOW - timedelta(days=90), create_time=NOW)
    told = body_of(carrier().build(made))["sinkCredential"]["accessTokenExpiresUtc"]
    assert told == "2026-03-31T04:00:00.000Z"


@pytest.mark.parametrize(
    "changes",
    [
        {"specversion": "2.0"},
        {"specversion": None},
        {"type": "org.camaraproject.carrier-billing.v1.payment-completed"},
        {"type": "org.camaraproject.sim-swap.v0.swapped"},
        {"type": None},
        {"id": None},
        {"id": ""},
        {"source": None},
        {"time": "yesterday"},
        {"time": "2026-03-01T03:59:59"},
        {"data": None},
        {"data": {"paymentId": PAYMENT_ID}},
        {"data": {"status": "succeeded"}},
        {"data": {"status": "maybe", "paymentId": PAYMENT_ID}},
        {"data": {"status": "succeeded", "paymentId": ".."}},
        {"data": {"status": "succeeded", "paymentId": "a b"}},
    ],
)
def test_event_of_other_shape(changes: dict[str, Any]) -> None:
    """What is no event of this API is refused, however good its token."""
    with pytest.raises(NotificationRefused):
        _read(event(**changes))


def test_refund_event_names_its_refund() -> None:
    """An event about a refund without the refund's number is half of one."""
    data = {"paymentId": PAYMENT_ID, "status": "succeeded", "description": "x"}
    with pytest.raises(NotificationRefused):
        _read(event("carrier-billing-refund.v0.refund-completed", data=data))


def test_acknowledgements() -> None:
    """204 takes the event, 401 does not, and nothing ever ends the notifications by 410."""
    assert carrier().acknowledge(accepted=True).status == 204
    assert carrier().acknowledge(accepted=True).body == b""
    assert carrier().acknowledge(accepted=False).status == 401


def test_short_key() -> None:
    """A key that could be guessed is refused in one sentence."""
    with pytest.raises(ValueError, match="give 32 bytes"):
        SinkKey(b"x" * 31)
    assert "example" not in repr(SinkKey(SINK_KEY))


def test_nobody_notifies_without_keys() -> None:
    """Where no token is given away, none is believed."""
    connector = carrier(sink_keys=(), notify_base_url="")
    headers = {"authorization": f"Bearer {sink_token()}"}
    with pytest.raises(NotificationRefused):
        connector.read_notification("/notify/carrier", headers, event(), NOW)
