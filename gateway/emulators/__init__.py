"""Stand-ins for payment channels: real HTTP services with a durable book of their own.

A stand-in exists to disagree with us. It therefore shares no code with the connectors: this room
imports nothing of the gateway but itself, so that one misreading of a protocol cannot pass both
sides. `core` is what every stand-in needs; each neighbour of it is one channel.
"""
