"""The connector of WeChat Pay."""

from dataclasses import dataclass, replace

from gateway.channels.v3style.account import Settings
from gateway.channels.v3style.connector import V3Connector
from gateway.channels.wechat.limits import WECHAT_LIMITS
from gateway.channels.wechat.methods import JSAPI, NATIVE, PAPAY, code
from gateway.channels.wechat.names import WECHAT


@dataclass(frozen=True, slots=True, kw_only=True)
class WechatSettings(Settings):
    """What the connector must be told. `store_id` is the merchant's own number of its store.

    Without it there is no payment by barcode.
    """

    store_id: str = ""


class WechatConnector(V3Connector):
    """The port `Connector` for WeChat Pay. Details name one of native, jsapi, code and papay."""

    def __init__(self, settings: WechatSettings) -> None:
        methods = {
            "native": NATIVE,
            "jsapi": JSAPI,
            "code": code(settings.store_id),
            "papay": PAPAY,
        }
        super().__init__(WECHAT, WECHAT_LIMITS, methods, settings)
        if not settings.store_id:  # so it is refused before anything is kept
            offered = tuple(name for name in methods if name != "code")
            self.capabilities = replace(self.capabilities, methods=offered)
