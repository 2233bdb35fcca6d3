"""The real channels of a campaign, as one table: a channel joins by its entry.

channel   what an entry says: how it is paid, who acts there, what goes wrong, how its book is read
stall     one stand-in that runs, and what a campaign asks of its control
"""

from tests.faults.outside import alipay, carrier, unionpay, v3style
from tests.faults.outside.channel import Outside

OUTSIDE: dict[str, Outside] = {
    one.name: one
    for one in (v3style.WECHAT, v3style.DOUYIN, alipay.ALIPAY, unionpay.UNIONPAY, carrier.CARRIER)
}

SANDBOX = "sandbox"
ALL = (SANDBOX, *OUTSIDE)
