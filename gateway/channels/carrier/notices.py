"""Notifications: a hint to ask. Nothing is ever booked, or done at a place, because of one.

CAMARA signs no event, and SEMANTICS takes an unsigned channel's word only as the answer to our own
authenticated request. So whatever an event claims, completed or denied, its outcome is PENDING:
without money, verdict or action, which moves nothing, and which makes the gateway ask. What proves
the outcome is the GET that follows.

Only its token is used, which only the operator was given: it says which attempt to ask about. Its
`paymentId` and `refundId` are kept as evidence, and nothing is ever sent to them: with a token that
leaked they would name another customer's payment, to be confirmed, canceled or refunded. The
channel's numbers are taken from answers that name our own number; where none came yet, from a list.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from gateway.channels.carrier.fields import Record, read_record
from gateway.channels.carrier.resources import CHANNEL_NUMBER
from gateway.channels.carrier.settings import JSON, CarrierSettings
from gateway.channels.carrier.sink import SinkRefused, notified_number
from gateway.channels.connector import evidence
from gateway.channels.fields import Malformed
from gateway.domain.channel import (
    Acknowledgement,
    AttemptKind,
    Notice,
    NotificationRefused,
    Outcome,
    OutcomeClass,
)

ACCEPTED = Acknowledgement(204, JSON, b"")
REFUSED = Acknowledgement(
    401, JSON, b'{"status":401,"code":"UNAUTHENTICATED","message":"The token is not accepted."}'
)
"""Never 410: that would end the notifications of what is still to be decided."""

SPEC_VERSION = "1.0"

_NAME = re.compile(r".{1,256}")

PAYMENT_EVENTS = tuple(
    f"org.camaraproject.carrier-billing.v0.payment-{event}"
    for event in ("pending-validation", "reserved", "completed", "cancelled", "denied")
)
REFUND_EVENTS = tuple(
    f"org.camaraproject.carrier-billing-refund.v0.refund-{event}"
    for event in ("completed", "denied", "in-bill")
)


def read_notice(
    settings: CarrierSettings, headers: Mapping[str, str], body: bytes, now: datetime
) -> Notice:
    """Tell which attempt a notification says to ask about.

    Raises:
        NotificationRefused: its token is not ours, or it is no event of the protocol.
    """
    try:
        number = notified_number(settings.sink_keys, headers.get("authorization", ""), now)
        return _notice(number, read_record(body))
    except (SinkRefused, Malformed) as error:
        raise NotificationRefused(str(error)) from error


def _notice(number: str, event: Record) -> Notice:
    event.one_of("specversion", (SPEC_VERSION,))
    told = event.one_of("type", (*PAYMENT_EVENTS, *REFUND_EVENTS))
    identifier = event.text("id", _NAME)
    event.text("source", _NAME)
    event.time("time")
    data = event.inner("data")
    data.one_of("status", ("succeeded", "failed"))
    payment = data.text("paymentId", CHANNEL_NUMBER)
    refunds = told in REFUND_EVENTS
    claimed = data.text("refundId", CHANNEL_NUMBER) if refunds else payment
    kind = AttemptKind.REFUND if refunds else AttemptKind.CHARGE
    shown = evidence(f"carrier event {identifier}: {told} of {claimed}; to be asked about")
    return Notice(kind, number, Outcome(OutcomeClass.PENDING, evidence=shown))
