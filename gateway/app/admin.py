"""What the command line does, beside running gateways or without any."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from gateway.app.channels.opening import open_channels
from gateway.app.errors import StartError
from gateway.app.observer import Reporter
from gateway.app.ready import migrate_now, open_ready_database
from gateway.app.reserve_report import ReserveReport, reserve_report
from gateway.app.wiring import build_use_cases, channel_ports, open_connections
from gateway.config import Settings
from gateway.domain.change import ReviewCase
from gateway.domain.errors import GatewayError
from gateway.domain.money import CURRENCY_EXPONENTS, Money
from gateway.store.checkup import DatabaseUnreachable, check_up
from gateway.store.migrate import expected
from gateway.store.quarantine import Quarantined
from gateway.telemetry.metrics import Metrics
from gateway.usecases.review import Resolution, Review

REVIEWS_MAX = 1_000
"""Review cases listed at most."""

QUARANTINE_MAX = 1_000
"""Quarantined notifications listed at most: as many as are kept."""


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """Whether the books balance, and the sentences that say so or say what does not."""

    balanced: bool
    lines: Sequence[str]


async def migrate(settings: Settings, *, check_only: bool) -> list[str]:
    """Apply what is pending, or only name it. Raises StartError."""
    async with open_connections(settings) as connections:
        if not check_only:
            return await migrate_now(connections)
        try:
            found = await check_up(connections.owner or connections.runtime)
        except DatabaseUnreachable as error:
            raise StartError(str(error)) from error
        pending = expected()[found.migrations[0] :]
        return [f"{item.version:04d}_{item.name}" for item in pending]


async def check_ledger(settings: Settings) -> LedgerReport:
    """Re-add all books. Raises StartError."""
    with _told():
        async with open_ready_database(settings) as (database, _):
            findings = await database.ledger.check()
            sums = await database.ledger.trial_balance("")
    if findings:
        lines = [str(finding) for finding in findings]
        return LedgerReport(balanced=False, lines=[*lines, f"{len(lines)} findings."])
    volume = sum(item.debits for item in sums)
    words = f"The books balance: {len(sums)} accounts, {volume} minor units debited and credited."
    return LedgerReport(balanced=True, lines=[words])


async def prove_reserve(
    settings: Settings, currency: str | None, as_of: datetime | None, overdue_after: timedelta
) -> ReserveReport:
    """Prove that customers' money is there, in one currency or all. Raises StartError."""
    if currency:
        _require_currency(currency)
    with _told():
        async with open_ready_database(settings) as (database, _):
            proof = await database.ledger.prove_reserve(as_of, overdue_after)
    if currency:
        chosen = [reserve for reserve in proof.reserves if reserve.currency == currency]
        proof = replace(proof, reserves=chosen)
    return reserve_report(proof, overdue_after)


async def fund(settings: Settings, currency: str, minor_units: int, key: str) -> str:
    """Book the platform's own money into the reserve. Raises StartError."""
    _require_currency(currency)
    money = Money(currency, minor_units)
    with _told():
        async with open_ready_database(settings) as (database, _):
            booked = await database.ledger.fund(money, key)
    return f"{money} is {'booked' if booked else 'booked already'} under the key {key}."


async def list_reviews(settings: Settings, include_resolved: bool) -> Sequence[ReviewCase]:  # noqa: FBT001
    """Give review cases, oldest first. Raises StartError."""
    async with _review(settings) as review:
        return await review.list(include_resolved=include_resolved, limit=REVIEWS_MAX)


async def list_quarantine(settings: Settings) -> Sequence[Quarantined]:
    """Give the notifications that were not believed, newest first. Raises StartError."""
    with _told():
        async with open_ready_database(settings) as (database, _):
            return await database.quarantine.list(QUARANTINE_MAX)


async def resolve_review(settings: Settings, case_id: UUID, resolution: str, note: str) -> str:
    """Carry out a person's decision. Raises StartError."""
    async with _review(settings) as review:
        case = await review.resolve(case_id, Resolution(resolution), note)
    return f"Case {case.case_id} ({case.kind}) is resolved as {case.resolution}."


def _require_currency(currency: str) -> None:
    if currency not in CURRENCY_EXPONENTS:
        raise StartError(f"{currency} is not a currency of this gateway.")


@contextmanager
def _told() -> Iterator[None]:
    """Tell what the gateway refuses as one sentence."""
    try:
        yield
    except GatewayError as error:
        raise StartError(error.message) from error


@asynccontextmanager
async def _review(settings: Settings) -> AsyncIterator[Review]:
    with _told():
        async with open_ready_database(settings) as (database, _), open_channels(settings) as found:
            use_cases = build_use_cases(
                settings, database, channel_ports(found), Reporter(Metrics())
            )
            yield use_cases.review
