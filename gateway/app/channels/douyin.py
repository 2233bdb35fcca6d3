"""Douyin Pay."""

from functools import partial

from gateway.app.channels.keyfiles import blaming
from gateway.app.channels.setup import Entry, Setup
from gateway.app.channels.v3style import (
    Given,
    account_settings,
    fetch_bill,
    look_at,
    refresh_keys,
    refreshes,
)
from gateway.channels.douyin.bill import parse_bill
from gateway.channels.douyin.connector import DouyinConnector, DouyinSettings
from gateway.config import Settings
from gateway.domain.channel import Capabilities

NAME = "douyin"


def set_up(settings: Settings) -> Setup | None:
    """Set it up, if it is enabled. Raises StartError."""
    if settings.douyin_url is None:
        return None
    given = Given(settings, NAME)
    told = account_settings(given)
    with blaming("douyin_url"):
        account = DouyinSettings(**told, deduct_trade_type=settings.douyin_deduct_trade_type)
        connector = DouyinConnector(account)
    return Setup(
        url=settings.douyin_url,
        connector=connector,
        signs_slowly=True,
        fetch_bill=partial(fetch_bill, connector, parse_bill),
        refresh_keys=partial(refresh_keys, connector) if refreshes(given) else None,
    )


class _Unchecked(DouyinSettings):
    def __post_init__(self) -> None:
        """Check nothing: nobody calls with it."""


def describe(settings: Settings) -> Capabilities:
    """Tell what it can do."""
    return DouyinConnector(_Unchecked(**look_at(settings))).capabilities


ENTRY = Entry(NAME, set_up, describe)
