"""Carrier billing by CAMARA r3.2: payments on the bill of the payer's mobile-phone carrier.

Nothing is signed here. What proves an answer is the way it came: over TLS, to a request of ours
that carried our token, with the correlator of that very request. So `tokens` and `client_auth` say
who we are, `sink` makes of a notification no more than a hint, and only questions are booked.
"""
