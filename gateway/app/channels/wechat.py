"""WeChat Pay."""

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
from gateway.channels.wechat.bill import parse_bill
from gateway.channels.wechat.connector import WechatConnector, WechatSettings
from gateway.config import Settings
from gateway.domain.channel import Capabilities

NAME = "wechat"


def set_up(settings: Settings) -> Setup | None:
    """Set it up, if it is enabled. Raises StartError."""
    if settings.wechat_url is None:
        return None
    given = Given(settings, NAME)
    told = account_settings(given)
    with blaming("wechat_url"):
        account = WechatSettings(**told, store_id=settings.wechat_store_id or "")
        connector = WechatConnector(account)
    return Setup(
        url=settings.wechat_url,
        connector=connector,
        signs_slowly=True,
        fetch_bill=partial(fetch_bill, connector, parse_bill),
        refresh_keys=partial(refresh_keys, connector) if refreshes(given) else None,
    )


class _Unchecked(WechatSettings):
    def __post_init__(self) -> None:
        """Check nothing: nobody calls with it."""


def describe(settings: Settings) -> Capabilities:
    """Tell what it can do; a merchant that is not set up may have a store."""
    store_id = "any" if settings.wechat_url is None else settings.wechat_store_id or ""
    return WechatConnector(_Unchecked(**look_at(settings), store_id=store_id)).capabilities


ENTRY = Entry(NAME, set_up, describe)
