"""What follows a fault: the connection is made fit or closed, and the work is done again or not.

Only a lost connection and a conflict are tried again, a bounded number of times. Whether a commit
was in doubt is remembered over all tries: a later one that fails for another reason proves nothing
about the first.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from gateway.domain.errors import GatewayError
from gateway.store.errors import DRIVER_ERRORS, Fault, Kind, as_seen_by_callers, kind_of

RETRY_PAUSES_S = (0.05, 0.25)
"""Pauses before the second and the third try, in seconds; each is varied by half."""

T = TypeVar("T")


async def tried(once: Callable[[], Awaitable[T]]) -> T:
    """Do it, and do it again after a fault that allows it. Raises GatewayError."""
    in_doubt = False
    for pause_s in (*RETRY_PAUSES_S, None):
        try:
            return await once()
        except Fault as fault:
            in_doubt = in_doubt or fault.may_have_committed
            if pause_s is None or fault.kind not in (Kind.LOST, Kind.CONFLICT):
                raise as_seen_by_callers(fault.kind, may_have_committed=in_doubt) from fault
        share = random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, guards nothing
        await asyncio.sleep(pause_s * share)
    raise AssertionError("the last try either returns or raises")


async def settle(connection: asyncpg.Connection, error: BaseException, kind: Kind | None) -> None:
    """Leave a connection fit to be lent again, or closed."""
    if is_gone(connection):
        return
    told = isinstance(error, asyncpg.PostgresError | GatewayError) and kind is not Kind.LOST
    try:
        if told and connection.is_in_transaction():
            await connection.execute("rollback")
    except BaseException as failure:
        told = False
        if not isinstance(failure, DRIVER_ERRORS):
            raise
    finally:
        if not told and not is_gone(connection):
            connection.terminate()


def kind_on(connection: asyncpg.Connection, error: BaseException) -> Kind | None:
    """Say what an error means; the driver's own complaint about a closed connection is a loss."""
    complaints = asyncpg.InterfaceError | asyncpg.InternalClientError
    if isinstance(error, complaints) and is_gone(connection):
        return Kind.LOST
    return kind_of(error)


def is_gone(connection: asyncpg.Connection) -> bool:
    """Tell whether a connection can not be used any more."""
    try:
        closed: bool = connection.is_closed()
    except asyncpg.InterfaceError:
        return True  # the pool took it back when it was lost
    return closed
