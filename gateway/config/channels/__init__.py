"""The settings of the channels, one file each, in the order in which they are shown.

A channel joins by its file (a class of fields and `NEEDS`) and a place in both lists below. What
the settings mean is known to `gateway.app.channels` alone, which makes connectors of them.
"""

from typing import Final

from gateway.config.channels import alipay, carrier, douyin, sandbox, unionpay, wechat
from gateway.config.channels.needs import Needs


class ChannelFields(
    carrier.CarrierFields,
    unionpay.UnionpayFields,
    douyin.DouyinFields,
    alipay.AlipayFields,
    wechat.WechatFields,
    sandbox.SandboxFields,
):
    """What all channels need; the class that stands last comes first in every list."""


CHANNEL_NEEDS: Final[tuple[Needs, ...]] = (
    sandbox.NEEDS,
    wechat.NEEDS,
    alipay.NEEDS,
    douyin.NEEDS,
    unionpay.NEEDS,
    carrier.NEEDS,
)

__all__ = ["CHANNEL_NEEDS", "ChannelFields"]
