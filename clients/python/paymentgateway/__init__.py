"""Client of the payment gateway.

`paymentgateway.client` is the async client, `paymentgateway.errors` what it raises,
`paymentgateway.money` makes amounts, `paymentgateway.v1` holds the generated messages and stubs,
and `paymentgateway.payctl` is the command line. Nothing is imported here, so a program that needs
only the generated code loads only that.
"""
