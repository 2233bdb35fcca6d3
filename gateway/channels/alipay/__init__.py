"""Alipay: the OpenAPI gateway, version 1.0, signed by RSA2.

Read it in this order; beside the port lie more pure functions: certificates, bills and reversal.

    keys           our own keys and Alipay's, bare or in certificates
    signing        what is signed of a set of parameters, and who signed a text
    envelope       an answer taken apart, so that the very bytes that were signed are verified
    forms          a notification taken apart, likewise
    account        who we are there: one app of one seller, its keys put to use
    texts          amounts, times and words, as Alipay writes them
    codes          what a code and a sub code say
    ways           the ways of paying: what each sends to begin
    steps          which step a call takes, and what is sent for it
    funding        where the payer's money came from, pay-later above all
    trades, holds  trades and authorisations, read strictly, and what they prove
    answers        what an answer to a step proves; `refunds` for those about refunds
    notices        what Alipay tells unasked
    limits         what it can do and will not do
    connector      the port `Connector`, put together from these
"""
