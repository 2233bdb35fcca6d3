"""Notifications: verify the form, check that it is about us, and find a trade or authorisation.

They are bound to no time: a resend a day later is the same message, and so is one that somebody
replays. Nothing hangs on that, since each says what is true of its trade, and the same word twice
changes nothing. A refund is told of as news of its trade; of the refund itself it shows only the
sum of all, which proves nothing of this one, so the trade is what is read.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from gateway.channels.alipay.account import Account
from gateway.channels.alipay.forms import read_form
from gateway.channels.alipay.holds import hold_outcome, read_hold
from gateway.channels.alipay.trades import charge_outcome, read_trade
from gateway.channels.connector import evidence
from gateway.channels.fields import Fields, Malformed
from gateway.channels.keys import SignatureRefused
from gateway.channels.outcomes import CLOSED
from gateway.domain.channel import (
    Acknowledgement,
    AttemptKind,
    Notice,
    NotificationRefused,
    Outcome,
    OutcomeClass,
)

ACCEPTED = Acknowledgement(200, "text/plain", b"success")
REFUSED = Acknowledgement(400, "text/plain", b"fail")

CHARSETS = ("utf-8", "UTF-8")
TYPES = ("trade_status_sync", "fund_auth_freeze", "fund_auth_unfreeze")


def read_notice(account: Account, body: bytes, now: datetime) -> Notice:
    """Verify a notification and tell what it says of which attempt.

    Raises:
        NotificationRefused: it is forged, malformed, or not about us.
    """
    try:
        parameters = read_form(body)
        account.verify_form(parameters, now)
        return _notice(account, parameters)
    except (SignatureRefused, Malformed) as error:
        raise NotificationRefused(str(error)) from error


def _notice(account: Account, parameters: Mapping[str, str]) -> Notice:
    fields = Fields({name: value for name, value in parameters.items() if value})
    fields.one_of("charset", CHARSETS)
    _ours(fields, "app_id", account.settings.app_id)
    match fields.one_of("notify_type", TYPES):
        case "trade_status_sync":
            _ours(fields, "seller_id", account.settings.seller_id)
            trade = read_trade(fields)
            return Notice(AttemptKind.CHARGE, trade.number, charge_outcome(trade))
        case "fund_auth_freeze":
            _payee(account, fields)
            fields.one_of("operation_type", ("FREEZE",))
            hold = read_hold(fields)
            return Notice(AttemptKind.CHARGE, hold.number, hold_outcome(hold))
        case _:
            _payee(account, fields)
            fields.one_of("operation_type", ("UNFREEZE",))
            return _released(fields)


def _released(fields: Fields) -> Notice:
    """Read that an amount was released, at whose wish ever; nothing left ends its charge."""
    hold = read_hold(fields)
    shown = Outcome(OutcomeClass.PENDING, evidence=evidence(f"{hold.shown}, released"))
    if hold.state == "SUCCESS" and hold.rest == 0:
        failure = replace(CLOSED, channel_code="UNFREEZE")
        shown = replace(shown, outcome=OutcomeClass.FAILED, closed=True, failure=failure)
    return Notice(AttemptKind.CHARGE, hold.number, shown)


def _payee(account: Account, fields: Fields) -> None:
    """Check who is paid, where it is told."""
    if fields.has("payee_user_id"):
        _ours(fields, "payee_user_id", account.settings.seller_id)


def _ours(fields: Fields, name: str, value: str) -> None:
    if fields.text(name) != value:
        raise Malformed(f"{name} is not ours")
