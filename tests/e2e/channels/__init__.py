"""Stories over gRPC against the stand-ins of the real channels, as real processes.

street    one gateway, its database, and the stand-ins: started once for all stories
emulator  one stand-in: what it printed, and how its people and its time are played
v3style   a shop that takes WeChat Pay or Douyin Pay
alipay    a shop that takes Alipay
unionpay  a shop that takes cards
carrier   a shop that is paid on the phone bill
"""

import pytest

pytest.register_assert_rewrite(
    *(f"tests.e2e.channels.{name}" for name in ("v3style", "alipay", "unionpay", "carrier"))
)
