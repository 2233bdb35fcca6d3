"""A payment whose reply was lost, on an account with many others: repeated questions find it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.channels.carrier.settings import rfc3339
from gateway.channels.connector import Call, HttpReply, HttpRequest
from gateway.domain.channel import EPOCH, OutcomeClass
from tests.channels.carrier.wire import ASK, CHARGE, NOW, call, carrier, payment, reply

LIST_LENGTH = 50
ENDS = ("gte", "lte")
TOKEN_OF_A_DAY = HttpReply(
    200, {}, b'{"access_token":"e30.e30","token_type":"Bearer","expires_in":86400}'
)
BETWEEN = timedelta(milliseconds=40)
"""Time between two payments of an account: 25 per second, the bound that is promised."""

FIRST_PAUSES = (0.5, 1, 2, 4, 8, 16, 32)
PAUSE = 52.5
"""Seconds between the questions of recovery: doubling, then the mean of 45 to 60."""


class Operator:
    """Lists payments at the account's rate, and among them ours."""

    def __init__(self, create_time: datetime) -> None:
        self._create_time = create_time

    def answer(self, sent: HttpRequest) -> HttpReply:
        """Show the oldest payments of the time that was asked for, as many as fit."""
        query = parse_qs(urlsplit(sent.path).query)
        start, end = (datetime.fromisoformat(query[f"paymentCreationDate.{x}"][0]) for x in ENDS)
        assert query["order"] == ["asc"]
        shown: list[dict[str, Any]] = []
        index = -((self._create_time - start) // BETWEEN)
        while len(shown) < LIST_LENGTH and (at := self._create_time + index * BETWEEN) <= end:
            number = {} if index == 0 else {"number": f"{index}".rjust(28, "x")}
            shown.append(payment("succeeded", paymentCreationDate=rfc3339(at), **number))
            index += 1
        return reply(200, shown)


def _asked(pause: float) -> list[Call]:
    """The questions of the first hours about a payment that was made NOW."""
    made = call(ASK, CHARGE, known=False, create_time=NOW, charge_create_time=EPOCH)
    moments, moment = [], NOW + timedelta(seconds=10)
    for seconds in (*FIRST_PAUSES, *[pause] * int(3 * 3600 / pause)):
        moments.append(moment)
        moment += timedelta(seconds=seconds)
    return [replace(made, moment=moment) for moment in moments]


def _age_found(late: timedelta, pause: float = PAUSE) -> timedelta | None:
    """How old the payment is when a question first sees it; created so late by their clock."""
    connector, operator = carrier(), Operator(NOW + late)
    connector.accept_token(TOKEN_OF_A_DAY, NOW)
    for made in _asked(pause):
        outcome = connector.parse(made, operator.answer(connector.build(made)))
        if outcome.outcome is OutcomeClass.SUCCESS:
            return made.moment - NOW
    return None


@pytest.mark.parametrize("late", [-4.99, -0.7, 0.2, 1.3, 9.99, 61.0, 124.99])
def test_busy_account(late: float) -> None:
    """On an account with 25 payments per second, every payment is seen within three hours."""
    assert _age_found(timedelta(seconds=late)) is not None


def test_the_likely_time_comes_first() -> None:
    """A payment that was made at once, by clocks that agree, is seen within ten minutes."""
    age = _age_found(timedelta(seconds=0.4))
    assert age is not None
    assert age < timedelta(minutes=10)


@pytest.mark.parametrize("late", [0.2, 9.99])
@pytest.mark.parametrize("pause", [45.0, 60.0])
def test_any_rhythm_of_recovery(pause: float, late: float) -> None:
    """Whether recovery asks as often or as seldom as it may, the payment is seen."""
    assert _age_found(timedelta(seconds=late), pause) is not None
