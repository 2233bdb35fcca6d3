"""Which notifications a change causes, and how each attempt is signed.

What is told is fixed when the change happens and kept unsigned; every attempt signs it anew, with
the certificate in force. A spoiled signature is spoiled at the first attempt only, so what was
rightly refused is delivered by the next one.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from yarl import URL

from gateway.emulators.core import outbox, visits
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.outbox import GOOD, Notice, Notification
from gateway.emulators.unionpay import views
from gateway.emulators.unionpay.channel import Channel
from gateway.emulators.unionpay.form import FORM_TYPE, write_form
from gateway.emulators.unionpay.orders import Order
from gateway.emulators.unionpay.play import LIES, SPOILS, Play
from gateway.emulators.unionpay.signing import sign

# After the first attempt; then it is given up: about five in all.
RETRY_DELAYS_MS: Final = (60_000, 120_000, 240_000, 300_000)


def plan(order: Order, play: Play) -> list[Notice]:
    """The notices of one change, in order."""
    mode = play.notify
    if mode == "NONE":
        return []
    told = views.told(order)
    good = Notice(json.dumps(views.lie(told, mode), ensure_ascii=False))
    if mode == "ONCE":
        return [good]
    proof = replace(good, fault=f"NOTIFY_{mode}", seal=mode if mode in SPOILS else GOOD)
    copies = {"TWICE": 1, "STORM": play.notify_count - 1}.get(mode, 0)
    return [good] * copies + [proof]


def dress(_notification: Notification, _url: URL) -> Mapping[str, str]:
    """The headers of one attempt."""
    return {"Content-Type": FORM_TYPE}


def compose(channel: Channel, notification: Notification) -> bytes:
    """The body of one attempt."""
    seal = GOOD if notification.attempts else notification.seal
    return write_form(sign(channel.keys.signers, json.loads(notification.body), seal))


def record_delivery(
    txn: Transaction, notification: Notification, *, acknowledged: bool, now: int
) -> None:
    """Write down one attempt and when the next is due; and whoever believed what was wrong."""
    outbox.record_attempt(
        txn, notification, acknowledged=acknowledged, now=now, delays_ms=RETRY_DELAYS_MS
    )
    spoiled = notification.seal in SPOILS and notification.attempts == 0
    if acknowledged and (spoiled or notification.fault in _LYING):
        hit = f"{notification.fault}_ACKNOWLEDGED"
        visits.record_hit(txn, notification.kind, notification.number, hit, now)


_LYING: Final = frozenset(f"NOTIFY_{lie}" for lie in LIES)
