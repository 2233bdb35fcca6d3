"""Notifications: who is believed, and what they prove of which attempt."""

from datetime import datetime

import pytest

from gateway.domain.channel import AttemptKind, Notice, NotificationRefused, OutcomeClass
from gateway.domain.money import Money
from tests.channels.unionpay.wire import (
    NOW,
    NUMBER,
    QUERY_ID,
    connector,
    form,
    leaf,
    notified,
    signed,
    written,
)


def _read(body: bytes, moment: datetime = NOW) -> Notice:
    return connector().read_notification("/notify/unionpay", {}, body, moment)


@pytest.mark.parametrize(
    ("transaction", "kind"),
    [
        (("01", "01"), AttemptKind.CHARGE),
        (("02", "01"), AttemptKind.CHARGE),
        (("03", "00"), AttemptKind.CAPTURE),
        (("04", "00"), AttemptKind.REFUND),
        (("31", "00"), AttemptKind.REFUND),
        (("32", "00"), AttemptKind.CANCEL),
        (("33", "00"), AttemptKind.REFUND),
    ],
)
def test_success_of_each_kind(transaction: tuple[str, str], kind: AttemptKind) -> None:
    """A notification proves the success of the attempt that its type and number name."""
    for code in ("00", "A6"):
        fields = notified(code, txnType=transaction[0], txnSubType=transaction[1])
        notice = _read(form(fields))
        assert (notice.kind, notice.number) == (kind, NUMBER)
        assert notice.outcome.outcome is OutcomeClass.SUCCESS
        assert notice.outcome.authorized == (transaction[0] == "02")
        assert notice.outcome.money == Money("CNY", 1250)
        assert notice.outcome.channel_number == QUERY_ID


def test_failures_are_final_only_where_no_payer_may_try_again() -> None:
    """A failed front end says no more than that; a failed token or refund is refused."""
    front = _read(form(notified("64"))).outcome
    assert (front.outcome, front.failure) == (OutcomeClass.PENDING, None)
    for fields in (
        notified("64", bizType="000902"),
        notified("64", txnType="04", txnSubType="00"),
    ):
        assert _read(form(fields)).outcome.outcome is OutcomeClass.FAILED
    open_yet = _read(form(notified("04", bizType="000902"))).outcome
    assert open_yet.outcome is OutcomeClass.UNKNOWN


@pytest.mark.parametrize(
    "change",
    [
        {"merId": "777290058167152"},
        {"orderId": ""},
        {"orderId": "1-2"},
        {"txnType": "12"},
        {"txnSubType": "03"},
        {"txnType": ""},
        {"respCode": ""},
        {"txnAmt": ""},
        {"currencyCode": "840"},
    ],
)
def test_notifications_about_nothing_of_ours(change: dict[str, str]) -> None:
    """However well signed, what is another merchant's or no transaction of ours is refused."""
    with pytest.raises(NotificationRefused):
        _read(form(notified(**change)))


def test_forged_and_malformed_notifications() -> None:
    """What is not signed by the channel, or no form, is refused."""
    fields = signed(notified())
    for body in (
        b"",
        b"{}",
        form(notified()) + b"&respCode=00",
        written(fields),
        written(signed(notified(), whose="stranger")),
        form(notified()).replace(b"CERTIFICATE", b"CERTIFICATES"),
    ):
        with pytest.raises(NotificationRefused):
            _read(body)


def test_certificate_must_be_good_when_it_is_read() -> None:
    """A notification under a certificate that is over is refused."""
    with pytest.raises(NotificationRefused, match="no chain"):
        _read(form(notified()), leaf().not_valid_after_utc)


def test_acknowledgement() -> None:
    """The channel waits for a 200, and sends again after anything else."""
    assert connector().acknowledge(accepted=True).status == 200
    assert connector().acknowledge(accepted=False).status != 200
