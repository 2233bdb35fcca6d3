"""`python -m paymentgateway.payctl`, where the console script is not on the path."""

from paymentgateway.payctl.program import command

command()
