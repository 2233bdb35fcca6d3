"""What the gateway and a channel say to each other, in the gateway's own words.

A connector turns a `ChannelRequest` into the provider's protocol and the provider's answer into an
`Outcome`. The class of an outcome says what may follow:

    SUCCESS   the channel says so in a verified message for our number, amount and currency: book it
    PENDING   accepted, or the payer is acting: wait for the notification, and ask
    FAILED    a verified, documented, definite refusal of exactly this request
    NOT_SENT  proof that nothing left this process: the same number may be sent again
    UNKNOWN   everything else, "not found" included: ask; never a new number, never "failed"
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, Failure, NextAction, Scene
from gateway.domain.value import value

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

EVIDENCE_LENGTH_MAX = 2_000
"""Characters kept of the message that proves an outcome."""

ASIDE = " "
"""Parts a channel's own number from what its connector keeps with it; no number holds one."""


class AttemptKind(StrEnum):
    """What a channel is asked for."""

    CHARGE = "CHARGE"
    CAPTURE = "CAPTURE"
    CANCEL = "CANCEL"
    REFUND = "REFUND"
    PAYOUT = "PAYOUT"


class AttemptState(StrEnum):
    """Where an attempt is in its life. Only OPEN ones are asked about."""

    OPEN = "OPEN"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    NOT_SENT = "NOT_SENT"


class OutcomeClass(StrEnum):
    """What an answer, or its absence, proves."""

    SUCCESS = "SUCCESS"
    PENDING = "PENDING"
    FAILED = "FAILED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"


@value(frozen=True, slots=True)
class Outcome:
    """What is known after one exchange with a channel.

    Attributes:
        outcome: its class.
        authorized: the success is an authorisation; nothing was captured.
        closed: the failure is a closed number, which can never succeed.
        not_found: the channel says, verifiably, that it does not know the number. Not proof
            that nothing happened.
        abnormal: the channel says that the money is neither with the payer nor back. Goes
            with PENDING.
        money: amount and currency that the channel names; None where it names none.
        channel_number: the channel's own number; empty where it gave none. What later requests need
            besides, such as the payer's id there, may follow it after ASIDE.
        next_action: what the payer must do. Goes with PENDING.
        acted: the payer did what next_action had asked for. Goes with PENDING.
        failure: why. Goes with FAILED, and with NOT_SENT where no later try would be sent either.
        funding_source: where the payer's money came from, in the channel's own word, such as
            `PCREDIT` for a pay-later; empty where the channel did not say. Goes with SUCCESS.
        evidence: what proves it, for people; at most EVIDENCE_LENGTH_MAX characters, no secret.

    """

    outcome: OutcomeClass
    authorized: bool = False
    closed: bool = False
    not_found: bool = False
    abnormal: bool = False
    money: Money | None = None
    channel_number: str = ""
    next_action: NextAction | None = None
    acted: bool = False
    failure: Failure | None = None
    funding_source: str = ""
    evidence: str = ""


@value(frozen=True, slots=True)
class Attempt:
    """One try at one channel under one number of ours, as it is now.

    `charge_number` is the number of the charge that the attempt is about: its own for a CHARGE.
    `tries` counts questions and sends by workers, `not_found_count` the verified "not found"
    answers in a row, `fenced` whether the number was closed and the outcome still not known.
    """

    merchant_id: str
    attempt_id: UUID
    payment_id: UUID
    operation_id: UUID | None
    kind: AttemptKind
    channel: str
    number: str
    charge_number: str
    money: Money
    state: AttemptState
    create_time: datetime
    due_time: datetime | None
    tries: int = 0
    not_found_count: int = 0
    fenced: bool = False
    evidence: str = ""
    funding_source: str = ""


@value(frozen=True, slots=True)
class ChannelRequest:
    """What a connector needs to know of an attempt.

    Fields that do not apply to the kind have their defaults.

    Attributes:
        payer_pseudonym: a per-channel pseudonym: no channel can match payers with another.
        create_time: when the attempt was made: the same on every re-send.
        channel_number: the channel's own number of what is asked about, once it told one.
        charge_money: amount and currency of the charge, whatever the kind.
        charge_create_time: when the charge's attempt was made.
        charge_channel_number: the channel's own number of the charge.
        capture_channel_number: the channel's own number of the last capture that succeeded.
        client_ip: address that the payer came from; empty where the caller named none.
    """

    kind: AttemptKind
    number: str
    charge_number: str
    money: Money
    capture_mode: CaptureMode
    scene: Scene
    payer_pseudonym: str
    description: str
    expire_time: datetime
    final: bool = False
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)
    create_time: datetime = EPOCH
    channel_number: str = ""
    charge_money: Money | None = None
    charge_create_time: datetime = EPOCH
    charge_channel_number: str = ""
    capture_channel_number: str = ""
    client_ip: str = field(default="", repr=False)


@value(frozen=True, slots=True)
class Notice:
    """A verified notification: what it is about, by our number, and what it says."""

    kind: AttemptKind
    number: str
    outcome: Outcome


@value(frozen=True, slots=True)
class Acknowledgement:
    """How a channel wants its notification answered."""

    status: int
    content_type: str
    body: bytes


@value(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a channel can do, as data: the gateway refuses early what the channel would refuse.

    Attributes:
        amount_min, amount_max: bounds of one charge or payout, in minor units.
        expiry_max: how far off a payment may expire; None: as far as the gateway allows.
        authorization_lifetime: how long it holds what is not captured.
        captures_max: captures of one payment, of which the last releases the rest; None: any
            number.
        partial_capture: whether less than what is held can be captured.
        refund_window: how long after the capture it refunds; None: for ever.
        partial_refunds_max: refunds of one payment; None: any number.
        partial_refund_spacing: least time between two refunds of one payment.
        fenceable: kinds of attempts whose number can be closed, so that it never succeeds.
        expiry_margin: how long after the expiry that was sent with it a charge that the channel
            does not know is certainly dead, though its number cannot be closed; None: never
            certainly, so a person decides.
        methods: keys of the details of which exactly one chooses how to pay; empty: there is
            nothing to choose.
        manual_methods: those of them that hold the amount until it is captured and do nothing
            else; the others take it at once. None: each does either, as far as `manual_capture`.
        payouts: whether it pays money out.
        notes: what a merchant should know beside, as sentences.

    """

    channel: str
    currencies: frozenset[str]
    amount_min: int = 1
    amount_max: int
    manual_capture: bool
    send_timeout: timedelta
    authorization_lifetime: timedelta
    captures_max: int | None = None
    partial_capture: bool = True
    expiry_max: timedelta | None = None
    refund_window: timedelta | None = None
    partial_refunds_max: int | None = None
    partial_refund_spacing: timedelta = timedelta(0)
    fenceable: frozenset[AttemptKind] = frozenset()
    expiry_margin: timedelta | None = None
    methods: tuple[str, ...] = ()
    manual_methods: frozenset[str] | None = None
    payouts: bool = False
    notes: tuple[str, ...] = ()


def shown_number(channel_number: str) -> str:
    """Give a channel's number as callers see it: without what its connector keeps with it."""
    return channel_number.partition(ASIDE)[0]


class NotificationRefused(Exception):
    """A notification is forged, stale or malformed. The message is for the log: no secret in it."""
