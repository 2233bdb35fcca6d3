"""From settings to channels: one file per channel, and the list of them.

A channel joins by a file that turns settings into a `Setup` (or None while it is not enabled), and
by its line in `registry`. All else is the same for every channel and stands here once.

    setup      what a channel gives: a connector, and what it can do beside the port
    keyfiles   keys read from files, or one sentence that names the variable
    v3style    what WeChat Pay and Douyin Pay share
    sandbox, wechat, alipay, douyin, unionpay, carrier
    alipay_keys  the next certificate of Alipay, fetched once it signs
    carrier_statement  what stands for the bill of a channel that makes none
    registry   all channels
    opening    the configured ones, ready to be called
"""
