"""The "v3 style": one protocol that WeChat Pay and Douyin Pay speak under different names.

    names         all in which the two differ
    keys          our own keys and the channel's, each with its id and its time
    signing       five lines under what we send, three lines under what we are told
    sealing       AES-GCM around notifications and certificates, RSA around personal fields
    account       who we are there: the keys and names of one merchant, put to use
    requests      which step a call takes, and what is sent for it
    methods       the ways of paying: what creates the order, what the answer means
    resources     transactions and refunds, read strictly
    outcomes      what they prove; `errors`: what a refusal proves
    connector     the port `Connector`, put together from these
    certificates, bills, contracts   what lies beside the port, pure functions too
"""
