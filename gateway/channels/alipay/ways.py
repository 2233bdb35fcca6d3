"""Ways of paying: what each sends to begin.

Bodies are allow-lists: nothing of the payer leaves but what the way cannot do without, and each
depends on the request alone, so that a re-send repeats it. The time at which the order ends is
always sent, because a number that Alipay does not know cannot be closed there: nothing else makes
it certain that a QR code is dead. Trades take it as a time, authorisations as a length in minutes
that begins with the request.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.channels.alipay.account import AlipaySettings
from gateway.channels.alipay.methods import Method
from gateway.channels.alipay.texts import (
    SUBJECT_LENGTH_MAX,
    TITLE_LENGTH_MAX,
    china_time,
    title,
    yuan,
)
from gateway.channels.requests import detail
from gateway.domain.channel import ChannelRequest
from gateway.domain.payment import CaptureMode

Body = dict[str, Any]

LIFETIME_MIN = timedelta(minutes=1)
"""Shortest time that an order may live; a shorter one is lengthened to it."""

LIFETIME_MAX = timedelta(days=15)
"""Longest time that an order may live; a longer one is cut to it."""

INSTALMENTS = (3, 6, 12)
PAY_LATER_CHANNELS = "pcredit,pcreditpayInstallment"
"""What is forbidden where the payer may not pay later: at once, and in instalments."""

HELD_PRODUCT = "PRE_AUTH"
"""Product under which amounts are held by barcode and captured."""

FUNDS_TOLD = {"query_options": ["fund_bill_list"]}
"""Asks an answer to name the channels of funds; unasked, not every contract has them told."""

_AUTH_CODE = re.compile(r"[0-9]{16,24}")


@dataclass(frozen=True, slots=True)
class Way:
    """One way of paying.

    Attributes:
        method: what begins it.
        body: what is sent for it. Raises ValueError.
        holds: whether the amount is held until it is captured; else it is taken at once.
    """

    method: Method
    body: Callable[[AlipaySettings, ChannelRequest], Body]
    holds: bool = False


def way_of(request: ChannelRequest) -> Way:
    """Choose the way of paying that the details name.

    Raises:
        ValueError: they name none or several, or it does not capture as is wanted.
    """
    named = [name for name in WAYS if request.details.get(name) is not None]
    if len(named) != 1:
        raise ValueError(f"name one of {', '.join(WAYS)} for this channel")
    way = WAYS[named[0]]
    if way.holds != (request.capture_mode is CaptureMode.MANUAL):
        raise ValueError(f"{named[0]} does not capture in the mode {request.capture_mode}")
    return way


def order_body(request: ChannelRequest) -> Body:
    """Say what every trade says."""
    return {
        "out_trade_no": request.number,
        "total_amount": yuan(request.money),
        "subject": title(request.description or request.number, SUBJECT_LENGTH_MAX),
    }


def _precreate_body(settings: AlipaySettings, request: ChannelRequest) -> Body:
    return order_body(request) | _end(request) | _pay_later(settings, request)


def _code_body(settings: AlipaySettings, request: ChannelRequest) -> Body:
    code = {"scene": "bar_code", "auth_code": _auth_code(request, "code")}
    end, pay_later = _end(request), _pay_later(settings, request)
    return order_body(request) | code | end | FUNDS_TOLD | pay_later


def _agreement_body(settings: AlipaySettings, request: ChannelRequest) -> Body:
    _without_instalments(request)
    agreement = {
        "product_code": settings.agreement_product,
        "agreement_params": {"agreement_no": detail(request, "agreement", "agreement_no")},
    }
    end, pay_later = _end(request), _pay_later(settings, request)
    return order_body(request) | agreement | end | FUNDS_TOLD | pay_later


def _freeze_body(settings: AlipaySettings, request: ChannelRequest) -> Body:
    """Say what is held. Unless the payee is named, a payer cannot pay later."""
    _without_instalments(request)
    body = {
        "auth_code": _auth_code(request, "auth_code_freeze"),
        "auth_code_type": "bar_code",
        "out_order_no": request.number,
        "out_request_no": request.number,
        "order_title": title(request.description or request.number, TITLE_LENGTH_MAX),
        "amount": yuan(request.money),
        "product_code": HELD_PRODUCT,
        "pay_timeout": f"{_lifetime(request) // timedelta(minutes=1)}m",
    }
    if request.details.get("disable_pay_later"):
        return body
    return body | {"payee_user_id": settings.seller_id}


def _end(request: ChannelRequest) -> Body:
    return {"time_expire": china_time(request.create_time + _lifetime(request))}


def _lifetime(request: ChannelRequest) -> timedelta:
    return min(max(request.expire_time - request.create_time, LIFETIME_MIN), LIFETIME_MAX)


def _auth_code(request: ChannelRequest, way: str) -> str:
    auth_code = detail(request, way, "auth_code")
    if not _AUTH_CODE.fullmatch(auth_code):
        raise ValueError("a barcode is 16 to 24 digits")
    return auth_code


def _pay_later(settings: AlipaySettings, request: ChannelRequest) -> Body:
    instalments = request.details.get("instalments") or 0
    disabled = request.details.get("disable_pay_later") or False
    if instalments and disabled:
        raise ValueError("instalments are paid by pay-later: do not disable it")
    if disabled:
        return {"disable_pay_channels": PAY_LATER_CHANNELS}
    if not instalments:
        return {}
    if instalments not in INSTALMENTS:
        raise ValueError("instalments are 3, 6 or 12")
    borne = "100" if settings.seller_bears_instalments else "0"
    return {"extend_params": {"hb_fq_num": str(instalments), "hb_fq_seller_percent": borne}}


def _without_instalments(request: ChannelRequest) -> None:
    if request.details.get("instalments"):
        raise ValueError("this way of paying has no instalments")


WAYS: Mapping[str, Way] = {
    "precreate": Way(Method.PRECREATE, _precreate_body),
    "code": Way(Method.PAY, _code_body),
    "agreement": Way(Method.PAY, _agreement_body),
    "auth_code_freeze": Way(Method.FREEZE, _freeze_body, holds=True),
}
"""The payer scans a QR code; the merchant scans the payer's barcode (`auth_code`); money is taken
under an agreement (`agreement_no`); an amount is held by the payer's barcode (`auth_code`).
"""
