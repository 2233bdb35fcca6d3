"""payctl: the gateway's command line for people and for shell scripts.

`arguments` says what can be typed, `parsing` reads single values of it, `commands` does it with one
call of the client each, `output` prints what came back, and `main` turns how it ended into an exit
code.
"""

from paymentgateway.payctl.program import main

__all__ = ["main"]
