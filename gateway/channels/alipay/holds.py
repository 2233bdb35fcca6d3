"""Authorisations: amounts held by barcode, read strictly, and what they prove.

An authorisation is shown by the operation that froze the amount, and that operation stays a success
for ever. Whether anything is still held is told by what rests, so both are read: frozen once and
nothing left means that it was released, or all captured.

To capture, Alipay wants the payer's id there as well as its own number of the authorisation. Only
one number is kept of a charge, so the id is kept with it, where no caller sees it.
"""

import re
from dataclasses import dataclass, replace

from gateway.channels.alipay.texts import read_fen, read_money
from gateway.channels.connector import evidence
from gateway.channels.fields import Fields
from gateway.channels.outcomes import CLOSED, PAID
from gateway.domain.channel import ASIDE, Outcome, OutcomeClass, shown_number
from gateway.domain.money import Money

STATES = ("INIT", "SUCCESS", "CLOSED")

NUMBER = re.compile(r"[0-9A-Za-z_]{1,64}")
_AUTH_NO = re.compile(r"[0-9]{16,64}")
_USER_ID = re.compile(r"2088[0-9]{12}")
_OPEN_ID = re.compile(r"[0-9A-Za-z_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Hold:
    """What Alipay holds under a charge's number.

    Attributes:
        number: our number of the charge.
        channel_number: Alipay's number of the authorisation and, aside, the payer's id.
        state: of the operation that was read.
        money: what that operation froze or released.
        rest, captured: of the whole authorisation, in fen; None where it is not told.
    """

    number: str
    channel_number: str
    state: str
    money: Money
    rest: int | None
    captured: int | None

    @property
    def shown(self) -> str:
        """Say what was read, for people; without the payer's id."""
        return (
            f"alipay authorisation {self.number}: {self.state}, "
            f"{shown_number(self.channel_number)}, {self.money}, "
            f"rest {self.rest}, captured {self.captured}"
        )


def join_number(auth_no: str, payer: str) -> str:
    """Make one number of an authorisation's and its payer's."""
    return f"{auth_no}{ASIDE}{payer}" if payer else auth_no


def split_number(channel_number: str) -> tuple[str, str]:
    """Take the two numbers apart; the payer's is empty where it was not told."""
    auth_no, _, payer = channel_number.partition(ASIDE)
    return auth_no, payer


def buyer(payer: str) -> dict[str, str]:
    """Name the payer of an authorisation in a capture, by whichever id is known."""
    if not payer:
        return {}
    return {"buyer_id" if _USER_ID.fullmatch(payer) else "buyer_open_id": payer}


def read_hold(fields: Fields) -> Hold:
    """Read an operation on an authorisation. Raises Malformed."""
    state = fields.one_of("status", STATES)
    read = fields.text if state == "SUCCESS" else fields.optional
    payer = fields.optional("payer_user_id", _USER_ID) or fields.optional("payer_open_id", _OPEN_ID)
    return Hold(
        number=fields.text("out_order_no", NUMBER),
        channel_number=join_number(read("auth_no", _AUTH_NO), payer),
        state=state,
        money=read_money(fields, "amount"),
        rest=read_fen(fields, "rest_amount") if fields.has("rest_amount") else None,
        captured=read_fen(fields, "total_pay_amount") if fields.has("total_pay_amount") else None,
    )


def hold_outcome(hold: Hold) -> Outcome:
    """Tell what the operation that froze proves of its charge.

    Alipay's number is handed on only when the amount is held: to have it is to be authorised.
    """
    shown = Outcome(OutcomeClass.PENDING, money=hold.money, evidence=evidence(hold.shown))
    released = hold.rest == 0 and not hold.captured
    if hold.state == "CLOSED" or released:
        failure = replace(CLOSED, channel_code="CLOSED")
        return replace(shown, outcome=OutcomeClass.FAILED, closed=True, failure=failure)
    if hold.state == "INIT":
        return shown
    return replace(
        shown,
        outcome=OutcomeClass.SUCCESS,
        authorized=True,
        channel_number=hold.channel_number,
    )


def release_outcome(hold: Hold) -> Outcome:
    """Tell what the operation that froze proves of the cancel that was to release the rest."""
    shown = Outcome(OutcomeClass.SUCCESS, evidence=evidence(hold.shown))
    if hold.state == "CLOSED":
        return shown
    if hold.state == "SUCCESS" and hold.rest == 0:
        if (hold.captured or 0) >= hold.money.minor_units:
            return replace(shown, outcome=OutcomeClass.FAILED, failure=PAID)
        return shown
    return replace(shown, outcome=OutcomeClass.UNKNOWN, not_found=True)
