"""A strict stand-in for WeChat Pay API v3: the v3 style with WeChat's names.

How to start it, play it and script its faults: v3style/PROTOCOL.md.
"""

from functools import partial

from gateway.emulators.core.stand_in import StandIn
from gateway.emulators.v3style import serve_channel
from gateway.emulators.wechat.names import WECHAT

serve_wechat = partial(serve_channel, WECHAT)

STAND_IN = StandIn("wechat", "WeChat Pay API v3", 7081, serve_wechat)

__all__ = ["STAND_IN", "serve_wechat"]
