"""Douyin Pay's merchant API: the v3 style under its own names, with deduction by contract.

Its table of errors, limits, windows and the columns of its bill are not public: WeChat Pay's are
assumed, and stand here as data so that they can be corrected in one place.
"""
