"""A database that is fit to serve: reachable, with the schema and the rights this version needs.

A configured database is never migrated by serving it, and one with another schema is refused: two
versions that write different things must not meet unnoticed. Our own is migrated at once, since
nobody else could.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.app.errors import StartError
from gateway.app.wiring import open_connections, pool_settings
from gateway.config import Settings
from gateway.domain.errors import GatewayError
from gateway.store import migrate
from gateway.store.database import Database
