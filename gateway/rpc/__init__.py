"""The gRPC room: bytes in, checks in a fixed order, use cases, bytes out. Only it knows gRPC.

Before gRPC is loaded its support for fork is turned off. The gateway never serves from a fork, and
a child that is forked to start a program as another user, as Postgres is by root, would crash in
gRPC's own handlers as often as calls are under way.
"""

import os

os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
