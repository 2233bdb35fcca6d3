"""Ways of paying: what creates the order, what a good answer means, and how its number is closed.

A method is data and two pure functions. Bodies are allow-lists: nothing of the payer leaves but
what the method cannot do without, and the body depends on the request alone, so that a re-send
repeats it byte for byte, as the channel demands of a number that it has seen.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from gateway.channels.bill import CHINA
from gateway.channels.connector import Call
from gateway.channels.fields import Fields
from gateway.channels.keys import current
from gateway.channels.requests import bounded, detail
from gateway.channels.v3style.account import Account
from gateway.channels.v3style.outcomes import pending
from gateway.channels.v3style.signing import front_end_text, unix_seconds
from gateway.domain.channel import ChannelRequest, Outcome
from gateway.domain.payment import ActionKind, NextAction

Body = dict[str, Any]

DESCRIPTION_BYTES_MAX = 127
"""Bytes in UTF-8. The documents say 127 and name no unit; this fits whichever is meant."""

ACTION_LIFETIME = timedelta(hours=2)
"""How long a QR code or a prepaid order opens the cashier."""

UNKNOWN_AGE_MIN = timedelta(minutes=10)
"""Age from which a number that the channel does not know can never be made there any more.

The request that would make it is refused once it is SKEW_MAX old; the rest is for clocks that
differ and for a request that left late.
"""

_CODE_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[!-~]{1,2000}")
_PREPAY_ID = re.compile(r"[0-9A-Za-z_-]{1,128}")


class Fence(Enum):
    """How a number is made unable to succeed."""

    CLOSE = "close"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True)
class Method:
    """One way of paying.

    Attributes:
        path: where the order is created; raw.
        body: what is sent for it.
        accepted: what a good answer proves. Raises Malformed.
        fence: how its number is closed.
        fence_age_min: a younger number is asked about instead of being closed.
        unknown_age_min: from this age on a number that the channel does not know never comes.
    """

    path: str
    body: Callable[[Account, ChannelRequest], Body]
    accepted: Callable[[Account, Call, Fields], Outcome]
    fence: Fence = Fence.CLOSE
    fence_age_min: timedelta = timedelta(0)
    unknown_age_min: timedelta = UNKNOWN_AGE_MIN


def native(path: str) -> Method:
    """Payer scans a QR code that the merchant shows."""
    return Method(path, order_body, _scan)


def jsapi(path: str) -> Method:
    """Payer confirms inside the channel's own app; details: `openid`."""
    return Method(path, _jsapi_body, _confirm)


def order_body(account: Account, request: ChannelRequest) -> Body:
    """Say what every order says."""
    return {
        "appid": account.settings.appid,
        "mchid": account.settings.mchid,
        "description": bounded(request.description or request.number, DESCRIPTION_BYTES_MAX),
        "out_trade_no": request.number,
        "time_expire": china_time(request.expire_time),
        "notify_url": account.notify_url,
        "amount": {"total": request.money.minor_units, "currency": request.money.currency},
    }


def china_time(moment: datetime) -> str:
    """Write a time as the channel does: RFC 3339, whole seconds, +08:00."""
    return moment.astimezone(CHINA).isoformat(timespec="seconds")


def read_prepay_id(fields: Fields) -> str:
    """Read the number of a prepaid order. Raises Malformed."""
    return fields.text("prepay_id", _PREPAY_ID)


def _scan(account: Account, call: Call, fields: Fields) -> Outcome:
    action = NextAction(ActionKind.QR_CODE, fields.text("code_url", _CODE_URL), _action_end(call))
    return pending(account, call, "accepted", next_action=action)


def _jsapi_body(account: Account, request: ChannelRequest) -> Body:
    payer = {"openid": detail(request, "jsapi", "openid")}
    return order_body(account, request) | {"payer": payer}


def _confirm(account: Account, call: Call, fields: Fields) -> Outcome:
    """Give the parameters, signed by us, with which the front end opens the cashier."""
    package = f"prepay_id={read_prepay_id(fields)}"
    appid, timestamp = account.settings.appid, unix_seconds(call.moment)
    key = current(account.settings.merchant_keys, call.moment)
    parameters = {
        "appId": appid,
        "timeStamp": timestamp,
        "nonceStr": call.nonce,
        "package": package,
        "signType": account.names.front_sign_type,
        "paySign": key.sign(front_end_text(appid, timestamp, call.nonce, package)),
    }
    action = NextAction(ActionKind.CHALLENGE, json.dumps(parameters), _action_end(call))
    return pending(account, call, "accepted", next_action=action)


def _action_end(call: Call) -> datetime:
    return min(call.request.expire_time, call.moment + ACTION_LIFETIME)
