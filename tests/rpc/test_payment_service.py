"""PaymentService end to end over a real connection: what use cases are asked, what callers get."""
from tests.rpc import samples
async def test_x(house):
    """x."""
    print(await house.send("PaymentService/Pay", samples.pay_request()))
async def test_y(house):
    """x."""
    print(await house.send("PaymentService/Pay", samples.pay_request()))
