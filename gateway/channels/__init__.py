"""Channels: the only room that knows a provider, and the only one that calls out over HTTP.

A connector is pure: it builds a request, reads a reply and verifies a notification, and never sees
a socket, a clock or a random number. One client does the I/O for all of them and classes what
happened by whether anything was sent. So a connector is tested with bytes, and the client once.
"""
