"""The "v3 style": one protocol that WeChat Pay and Douyin Pay speak under different names.

Read it in this order; beside the port lie more pure functions: certificates, bills and contracts.

    names      all in which the two differ
    signing    five lines under what we send, three lines under what we are told
    sealing    AES-GCM around notifications and certificates, RSA around personal fields
    account    who we are there: the keys and names of one merchant, put to use
    methods    the ways of paying: what creates the order, what a good answer means
    requests   which step a call takes, and what is sent for it
    resources  transactions and refunds, read strictly
    outcomes   what they prove; `errors` what a code says, `answers` what an answer to a step proves
    notices    what the channel tells unasked
    connector  the port `Connector`, put together from these
"""
