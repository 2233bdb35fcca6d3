"""All channels that this gateway knows, in the order in which they are shown."""

from typing import Final

from gateway.app.channels import alipay, carrier, douyin, sandbox, unionpay, wechat
from gateway.app.channels.setup import Entry

CHANNELS: Final[tuple[Entry, ...]] = (
    sandbox.ENTRY,
    wechat.ENTRY,
    alipay.ENTRY,
    douyin.ENTRY,
    unionpay.ENTRY,
    carrier.ENTRY,
)
