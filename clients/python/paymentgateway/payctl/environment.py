"""What payctl reads from the environment, and the one thing it sets there.

gRPC writes a line to stderr for every connection that ends badly, beside the one line that payctl
has to say about it. It reads the setting against that when it is first imported, so this module is
imported before anything that imports gRPC. Whoever wants gRPC's own lines sets GRPC_VERBOSITY.
"""

import os
from typing import Final

TARGET_VARIABLE: Final = "PAYCTL_TARGET"
"""Address of the gateway where --target is not given."""

os.environ.setdefault("GRPC_VERBOSITY", "NONE")
