"""What is answered to a number that was used before: the rule of the house.

The published text wants 409 ALREADY_EXISTS, the published test cases 400 INVALID_ARGUMENT, and some
operators give the first answer again. A client must live with each of them.
"""

from gateway.emulators.carrier.errors import Refusal
from gateway.emulators.carrier.house import House


def refuse_repeat(house: House, correlator: str | None, *, is_same: bool) -> None:
    """Refuse what was made before, unless the same answer shall be given again. Raises Refusal.

    Without a correlator it is the reference that was used before, and that is always a conflict.
    """
    if correlator is not None and house.duplicates == "REPLAY" and is_same:
        return
    if correlator is not None and house.duplicates == "INVALID_ARGUMENT":
        raise Refusal("INVALID_ARGUMENT", "clientCorrelator already exist on server.")
    message = "The resource that a client tried to create already exists."
    raise Refusal("ALREADY_EXISTS", message)
