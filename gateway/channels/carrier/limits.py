"""What carrier billing can do and will not do. Most bounds are the operator's, told by contract."""

from datetime import timedelta

from gateway.domain.channel import AttemptKind
from gateway.domain.money import MINOR_UNITS_MAX

AMOUNT_MIN = 1
"""Minor units; the protocol's own bound, 0.001 of a unit, is not above one of any currency."""

AMOUNT_MAX = MINOR_UNITS_MAX
"""Minor units. What a line may spend at once or in a month is the operator's business."""

LIST_LENGTH_MAX = 50
"""Payments or refunds asked for at once; so many surely fit into an answer."""

PARTIAL_CAPTURE = False
"""A confirmation names no amount: it takes all that is reserved."""

PARTIAL_REFUNDS_MAX = LIST_LENGTH_MAX
"""Our own bound: a refund whose number at the channel is not known is found in one list of all."""

FENCEABLE = frozenset({AttemptKind.CHARGE, AttemptKind.CANCEL})
"""A prepared payment is fenced by its cancel. One in one step has no fence: its fence asks."""

EXPIRY_MARGIN: timedelta | None = None
"""No expiry can be sent, so no time makes a payment that the channel does not know certainly dead:
where there is neither fence nor expiry, a person decides."""

AUTHORIZATION_LIFETIME = timedelta(days=1)
"""How long a reservation is counted on, unless the operator's contract says otherwise."""

DESCRIPTION_BYTES_MAX = 128
"""Bytes in UTF-8 of the text on the payer's bill and of a refund's reason; the protocol names no
bound, and bills are narrow."""

NOTES = (
    "A payment in one step cannot be canceled, and waits for a person if it was lost on the way.",
)
