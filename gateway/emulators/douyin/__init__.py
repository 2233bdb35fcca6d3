"""A strict stand-in for Douyin Pay's merchant API: the v3 style with Douyin's names.

How to start it, play it and script its faults: v3style/PROTOCOL.md.
"""

from functools import partial

from gateway.emulators.core.stand_in import StandIn
from gateway.emulators.douyin.names import DOUYIN
from gateway.emulators.v3style import serve_channel

serve_douyin = partial(serve_channel, DOUYIN)

STAND_IN = StandIn("douyin", "Douyin Pay's merchant API", 7082, serve_douyin)

__all__ = ["STAND_IN", "serve_douyin"]
