"""What the role that serves must not be able to do.

The journal and the feed are append-only because the runtime role has no other right; a gateway
that connects as the owner or a superuser would have lost that protection without anybody noticing.
"""

from gateway.store.pool import Connection
from gateway.store.queries import sql

ROLE_POWERS = sql("role_powers")

APPEND_ONLY = ("transfers", "events", "reserve_moments")
"""Tables whose rows are never changed."""


async def role_problems(connection: Connection) -> list[str]:
    """Say what the current role may do that it must not, one sentence each."""
    found = await connection.fetchrow(ROLE_POWERS, list(APPEND_ONLY))
    role, remedy = found["role"], "connect as gateway_runtime."
    if found["superuser"]:
        return [f"The role {role} is a superuser, whom nothing is forbidden: {remedy}"]
    problems = [f"The role {role} may {power}: {remedy}" for power in found["powers"]]
    if found["owned"]:
        tables = ", ".join(found["owned"])
        problems.append(f"The role {role} owns tables ({tables}): {remedy}")
    return problems
