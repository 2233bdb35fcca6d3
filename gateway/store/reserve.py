"""Reading the reserve proof, as of now or of a past moment.

The moment of a transfer is the stamp of its entry, so all of an entry lies on one side of any
moment; an entry that is stamped exactly with the moment comes after it. But a stamp is made before
the commit, by the clock of whichever gateway made it, so for any moment something stamped earlier
may still be committed. Therefore the first proof of a moment keeps a horizon for it: an id of a
transaction below which everything is decided, above all that was committed when it was asked for.
What belongs to the moment is what was stamped before it and lies below its horizon. That never
changes; what is committed later is found in the proofs of later moments.
"""

import asyncio
from datetime import datetime, timedelta

from gateway.domain.errors import Contended, InvalidRequest, Reason
from gateway.domain.reserve import Receivable, ReserveProof, Side, reserves
from gateway.store.audit import ALLOW_LONG_STATEMENTS, TIMEOUT_S
from gateway.store.pool import Connection, Pool, fetching
from gateway.store.queries import sql

FIND_MOMENT = sql("find_moment")
NEW_HORIZON = sql("new_horizon")
FEED_END = sql("feed_end")
KEEP_MOMENT = sql("keep_moment")
RESERVE_SIDES = sql("reserve_sides")
RESERVE_RECEIVABLES = sql("reserve_receivables")
MOMENT_READ = sql("moment_read")

MOMENT_AGE_MIN = timedelta(minutes=1)
"""Age of a moment from which it can be proven: by then what was stamped before it is committed."""

DECIDED_LOOKS_MAX = 600
DECIDED_POLL_S = 0.05
"""How often and with how many seconds between we look whether what runs has ended: 30 seconds."""


async def keep_moment(pool: Pool, moment: datetime) -> int:
    """Give the horizon of a past moment, the same for ever.

    Raises:
        InvalidRequest: the moment is less than MOMENT_AGE_MIN ago.
        Contended: a transaction that ran before this was asked does not end.
    """
    kept = await pool.read(fetching(FIND_MOMENT, moment))
    if not kept:
        horizon = await _new_horizon(pool, moment)
        await _decided(pool, horizon)
        await pool.write(fetching(KEEP_MOMENT, moment, horizon))
        kept = await pool.read(fetching(FIND_MOMENT, moment))
    return int(kept[0]["horizon"])


async def prove(
    connection: Connection,
    moment: datetime | None,
    horizon: int | None,
    overdue_after: timedelta,
) -> ReserveProof:
    """Add up the reserve within the transaction given, which must see one moment."""
    await connection.fetchval(ALLOW_LONG_STATEMENTS, f"{TIMEOUT_S}s")
    sides = await connection.fetch(RESERVE_SIDES, moment, horizon, timeout=TIMEOUT_S)
    receivables = await connection.fetch(
        RESERVE_RECEIVABLES, moment, horizon, overdue_after, timeout=TIMEOUT_S
    )
    return ReserveProof(
        as_of=moment or await connection.fetchval(MOMENT_READ),
        reserves=reserves(
            [Side(**record) for record in sides], [Receivable(**record) for record in receivables]
        ),
    )


async def _new_horizon(pool: Pool, moment: datetime) -> int:
    [found] = await pool.read(fetching(NEW_HORIZON, moment, MOMENT_AGE_MIN))
    if not found["old_enough"]:
        raise InvalidRequest(
            Reason.INVALID_REQUEST,
            f"{moment.isoformat()} is less than {MOMENT_AGE_MIN.seconds} seconds ago or to come: "
            "ask for it later, or name no moment to ask about now.",
        )
    return int(found["horizon"])


async def _decided(pool: Pool, horizon: int) -> None:
    """Wait until every transaction below a horizon is decided."""
    for _ in range(DECIDED_LOOKS_MAX):
        [found] = await pool.read(fetching(FEED_END))
        if found["horizon"] >= horizon:
            return
        await asyncio.sleep(DECIDED_POLL_S)
    raise Contended(
        Reason.CONTENTION,
        "A transaction in the database has been writing for too long, and what it wrote is not "
        "decided: end it, or ask again when it has ended.",
    )
