"""UnionPay ACP 5.1.0: bank cards over signed forms, with pre-authorisation.

Read it in this order; beside the port lie the settlement file's request and its parsing.

    transactions  the types of transactions, the ways of paying, and how time is written
    messages      how a message travels, and the one text that is signed of it
    certificates  whose signature is believed: a chain to a root of ours, and a name
    signing       the double hash under what we send and what we are told
    keys          our own key, out of the file that the channel gives
    account       who we are there: settings, put to use
    requests      which step a call takes, and what is sent for it
    codes         what a response code says
    outcomes      what an answer or notification proves
    notices       what the channel tells unasked
    limits        what the channel can do and will not do
    connector     the port `Connector`, put together from these
    bills, bill   fetching a day's settlement file, and reading it
"""
