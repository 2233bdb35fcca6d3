"""Which notifications a change causes, and the forms they travel in.

What is told is fixed when the change happens, with an id that it keeps; each attempt states its own
time and is signed anew, without `sign` and, other than requests, without `sign_type`. A spoiled
signature is spoiled at the first attempt only, so what was rightly refused is delivered by a later
one.
"""

import json
import secrets
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from gateway.emulators.alipay.channel import RETRY_DELAYS_MS, Channel
from gateway.emulators.alipay.form import signed_text
from gateway.emulators.alipay.money import to_yuan
from gateway.emulators.alipay.play import LIES, SPOILS, Play
from gateway.emulators.alipay.records import Record
from gateway.emulators.core import beijing, crypto, outbox, visits
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.outbox import GOOD, Notice, Notification

STALE_MS: Final = beijing.DAY_MS
UNSIGNED: Final = frozenset(("sign", "sign_type"))
STRANGER: Final = "2088999999999999"

Told = dict[str, str]


def plan(
    channel: Channel, record: Record, notify_type: str, told: Told, play: Play
) -> list[Notice]:
    """The notices of one change, in order."""
    mode = play.notify
    if mode == "NONE":
        return []
    fields = {
        "notify_type": notify_type,
        "notify_id": secrets.token_hex(17),
        "app_id": record.app_id,
        "auth_app_id": record.app_id,
        "seller_id": channel.keys.apps[record.app_id].seller_id,
        "charset": "utf-8",
        "version": "1.0",
        **told,
    }
    kept = {"certified": bool(record.certified), "fields": _bend(fields, mode)}
    good = Notice(json.dumps(kept, ensure_ascii=False))
    if mode == "ONCE":
        return [good]
    proof = replace(good, fault=f"NOTIFY_{mode}", seal=mode if _is_seal(mode) else GOOD)
    copies = {"TWICE": 1, "STORM": play.notify_count - 1}.get(mode, 0)
    return [good] * copies + [proof]


def compose(channel: Channel, notification: Notification) -> bytes:
    """The form of one attempt."""
    kept = json.loads(notification.body)
    seal = notification.seal if notification.attempts == 0 else GOOD
    sent_time = channel.clock.now_ms() - (STALE_MS if seal == "STALE" else 0)
    fields: Told = {**kept["fields"], "notify_time": beijing.to_bill_text(sent_time)}
    fields = {name: value for name, value in fields.items() if value}
    if seal == "UNSIGNED":
        return urlencode({**fields, "sign_type": "RSA2"}).encode()
    text = signed_text(fields, without=UNSIGNED) + (b" " if seal == "ALTERED" else b"")
    keys, certified = channel.keys, kept["certified"]
    wrong = seal == "WRONG_KEY"
    key = keys.stranger(certified=certified) if wrong else keys.signer(certified=certified)
    sign = crypto.sign(key.private, text)
    return urlencode({**fields, "sign_type": "RSA2", "sign": sign}).encode()


def record_delivery(
    txn: Transaction, notification: Notification, *, acknowledged: bool, now: int
) -> None:
    """Write down one attempt; also who acknowledged what was spoiled, or lies: he did not look."""
    outbox.record_attempt(
        txn, notification, acknowledged=acknowledged, now=now, delays_ms=RETRY_DELAYS_MS
    )
    mode = (notification.fault or "").removeprefix("NOTIFY_")
    spoiled = mode in SPOILS and notification.attempts == 0
    if acknowledged and (spoiled or mode in LIES):
        hit = f"{notification.fault}_ACKNOWLEDGED"
        visits.record_hit(txn, notification.kind, notification.number, hit, now)


def _is_seal(mode: str) -> bool:
    return mode in SPOILS or mode == "STALE"


def _bend(fields: Told, mode: str) -> Told:
    """What is told, well signed, but not the truth, or not any more."""
    match mode:
        case "WRONG_AMOUNT":
            name = "total_amount" if "total_amount" in fields else "amount"
            fen = int(fields[name].replace(".", "")) + 1
            return {**fields, name: to_yuan(fen)}
        case "WRONG_NUMBER":
            name = "out_trade_no" if "out_trade_no" in fields else "out_order_no"
            return {**fields, name: secrets.token_hex(14)}
        case "WRONG_SELLER":
            return {**fields, "seller_id": STRANGER}
        case "WRONG_APP":
            return {**fields, "app_id": STRANGER}
        case "EARLIER_STATE" if "trade_status" in fields:
            later = ("gmt_payment", "gmt_refund", "gmt_close", "fund_bill_list", "refund_fee")
            earlier = {name: value for name, value in fields.items() if name not in later}
            return {**earlier, "trade_status": "WAIT_BUYER_PAY"}
    return fields
