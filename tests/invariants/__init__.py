"""The invariants I1 to I12, as one checker that tests, campaigns and the demo call.

`world.py` reads what there is: our rows as plain records, the channel's own book, and what callers
were told. `rules.py` holds one pure function per invariant. Nothing here uses the gateway's own
code for reading or deciding, so a mistake there cannot hide here.
"""

from tests.invariants.rules import violations
from tests.invariants.world import Told, World, read_world

__all__ = ["Told", "World", "read_world", "violations"]
