"""The sandbox channel's connector: test money over a real protocol, signed both ways.

`requests` says what is sent, `resources` reads strictly what comes back, `outcomes` says what it
means, `signing` proves who said it, and `connector` puts them together.
"""
