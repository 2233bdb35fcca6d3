"""payctl: the gateway's command line for people and for shell scripts.

`arguments` says what can be typed and `parsing` reads single values of it; `moving`, `reading`,
`wallets` and `merchants` do it, with a call of the client each; `intents` settles the key of what
moves money; `views` and `output` show what came back; and `program` turns how it ended into a line
and an exit code.
"""

from paymentgateway.payctl.environment import TARGET_VARIABLE
from paymentgateway.payctl.program import main

__all__ = ["TARGET_VARIABLE", "main"]
