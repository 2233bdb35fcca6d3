"""What is planned, in the contract's words."""

from paymentgateway.v1 import payment_pb2
from paymentgateway.v1.money_pb2 import Money
from paymentgateway.v1.payment_pb2 import SandboxScript
from tests.faults.plan import Script

ENUMS = {
    "outcome": payment_pb2.SandboxOutcome,
    "fault": payment_pb2.SandboxFault,
    "notify": payment_pb2.SandboxNotify,
}


def script(planned: Script) -> SandboxScript | None:
    """Say a planned script in the contract's words."""
    if not planned:
        return None
    fields = {
        name: ENUMS[name].Value(f"SANDBOX_{name.upper()}_{value}") if name in ENUMS else value
        for name, value in planned.items()
    }
    return SandboxScript(**fields)


def cny(minor_units: int) -> Money:
    """Give an amount of the one currency of campaigns."""
    return Money(currency_code="CNY", minor_units=minor_units)
