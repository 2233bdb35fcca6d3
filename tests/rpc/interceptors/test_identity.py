"""Who calls."""

from gateway.rpc.call import Caller
from tests.rpc import samples
from tests.rpc.fakes import House


async def test_everybody_is_anonymous(house: House) -> None:
    """Without credentials a caller has no name of its own, whatever it claims."""
    await house.send("Pay", samples.pay_request(), metadata=(("caller-id", "admin"),))
    assert house.asked[0][1].caller_id == Caller("anonymous").caller_id
