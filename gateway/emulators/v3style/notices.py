"""Which notifications a change causes, and the envelopes they travel in.

An envelope is JSON whose `resource` is sealed with the merchant's APIv3 key. It is made once, when
the change happens, and keeps its id; each attempt to deliver it is signed anew, unless the play
asks for the signature to be kept. A spoiled signature is spoiled at the first attempt only, so what
was rightly refused is delivered by the next one.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from yarl import URL

from gateway.emulators.core import beijing
from gateway.emulators.core.outbox import GOOD, Notice, Notification
from gateway.emulators.core.wire import json_bytes
from gateway.emulators.v3style.names import Channel
from gateway.emulators.v3style.play import SPOILS, Play
from gateway.emulators.v3style.records import View, new_number
from gateway.emulators.v3style.sealing import new_token, seal_resource, signed_headers

KEPT: Final = "KEPT "  # and the second in which it was first signed

SUMMARIES: Final = {
    "TRANSACTION.SUCCESS": "支付成功",
    "TRANSACTION.FAIL": "扣款失败",
    "REFUND.SUCCESS": "退款成功",
    "REFUND.ABNORMAL": "退款异常",
    "REFUND.CLOSED": "退款关闭",
}


def plan(
    channel: Channel, mchid: str, event: str, told: View, play: Play, *, now: int
) -> list[Notice]:
    """The notices of one change, in order. `told` is the object as notifications show it."""
    mode = play.notify
    if mode == "NONE":
        return []
    key = channel.keys.merchants[mchid].api_v3_key
    if mode == "WRONG_API_V3_KEY":
        key = new_token(len(key)).encode()
    body = _envelope(channel, key, event, _lie(told, mode), now)
    kept = f"{KEPT}{channel.clock.wire_s()}"
    good = Notice(body, seal=kept if play.resend == "KEPT" else GOOD)
    if mode == "ONCE":
        return [good]
    proof = replace(good, fault=f"NOTIFY_{mode}", seal=mode if mode in SPOILS else good.seal)
    copies = {"TWICE": 1, "STORM": play.notify_count - 1}.get(mode, 0)
    return [good] * copies + [proof]


def dress(channel: Channel, notification: Notification, _url: URL) -> Mapping[str, str]:
    """The headers of one attempt."""
    seal, now_s = notification.seal, channel.clock.wire_s()
    if seal.startswith(KEPT):
        seal, now_s = GOOD, int(seal.removeprefix(KEPT))
    elif notification.attempts:
        seal = GOOD
    body, turn = notification.body.encode(), notification.id
    return signed_headers(channel, body, now_s=now_s, turn=turn, seal=seal)


def _envelope(channel: Channel, key: bytes, event: str, told: View, now: int) -> str:
    original_type = "transaction" if event.startswith("TRANSACTION") else "refund"
    plain = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    sealed = seal_resource(channel, key, plain, original_type)
    envelope: dict[str, Any] = {
        "id": new_number("EV-", now, 18),
        "create_time": beijing.to_text(now),
        "resource_type": "encrypt-resource",
        "event_type": event,
        "summary": SUMMARIES[event],
        "resource": {"original_type": original_type, **vars(sealed)},
    }
    return json_bytes(envelope).decode()


def _lie(told: View, mode: str) -> View:
    amount = told["amount"]
    if mode == "WRONG_AMOUNT" and isinstance(amount, dict):
        name = "refund" if "refund" in amount else "total"
        return {**told, "amount": {**amount, name: amount[name] + 1}}
    if mode == "WRONG_NUMBER":
        name = "out_refund_no" if "out_refund_no" in told else "out_trade_no"
        return {**told, name: new_token(28)}
    if mode == "WRONG_MERCHANT":
        return {**told, "mchid": "1999999999"}
    return told
