"""Channels: the only room that knows a provider, and the only one that calls out over HTTP.

A connector is pure: it builds a request, reads a reply and verifies a notification, and never sees
a socket, a clock or a random number. One client does the I/O for all of them and classes what
happened by whether anything was sent. So a connector is tested with bytes, and the client once.

    connector  what a connector is; `fields`, `encoding`, `keys`, `outcomes`, `requests` and `bill`
               are what several of them need
    client     one channel, ready to be called, over `transport`, within `bounds`, behind a
               `breaker`; `tokens` are what some ask for first
    sandbox, v3style (wechat, douyin), alipay, unionpay, carrier
               a package each
"""
