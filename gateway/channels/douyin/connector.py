"""The connector of Douyin Pay."""

from dataclasses import dataclass

from gateway.channels.douyin.limits import DOUYIN_LIMITS
from gateway.channels.douyin.methods import JSAPI, NATIVE, deduct
from gateway.channels.douyin.names import DOUYIN
from gateway.channels.v3style.account import Settings
from gateway.channels.v3style.connector import V3Connector


@dataclass(frozen=True, slots=True, kw_only=True)
class DouyinSettings(Settings):
    """What the connector must be told. `deduct_trade_type` is that of the merchant's plan."""

    deduct_trade_type: str = "SGP"


class DouyinConnector(V3Connector):
    """The port `Connector` for Douyin Pay. Details name one of native, jsapi and deduct."""

    def __init__(self, settings: DouyinSettings) -> None:
        methods = {
            "native": NATIVE,
            "jsapi": JSAPI,
            "deduct": deduct(settings.deduct_trade_type),
        }
        super().__init__(DOUYIN, DOUYIN_LIMITS, methods, settings)
