"""Generated messages and stubs of the package paymentgateway.v1. Do not edit."""
