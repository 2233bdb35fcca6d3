"""Timers and notifications of a record: how it is waited for, and how the merchant hears of it."""

from typing import Final

from gateway.emulators.alipay import notices
from gateway.emulators.alipay.channel import Channel
from gateway.emulators.alipay.notices import Told
from gateway.emulators.alipay.play import Play
from gateway.emulators.alipay.records import Record
from gateway.emulators.core import outbox
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.timers import Timer, clear_timers, set_timer

SETTLE, EXPIRE, FINISH, LATE = "SETTLE", "EXPIRE", "FINISH", "LATE"
BEFORE_REPLY_HOLD_MS: Final = 10_000  # the reply has it to itself; then the notifier takes over


def wait(txn: Transaction, record: Record, purpose: str, due_time: int | None) -> None:
    """Let something happen to a record at a time; None: never by itself."""
    if due_time is not None:
        set_timer(txn, Timer(record.kind_name, str(record.seq), purpose), due_time)


def stop_waiting(txn: Transaction, record: Record) -> None:
    """Nothing shall happen to a record any more that was to happen."""
    clear_timers(txn, record.kind_name, str(record.seq))


def tell(
    txn: Transaction,
    channel: Channel,
    record: Record,
    notify_type: str,
    told: Told,
    *,
    now: int,
    play: Play | None = None,
) -> tuple[int, ...]:
    """Let the merchant know, as the record's own play has it or another; ids in the outbox."""
    if record.notify_url is None:
        return ()
    play = play or record.played
    planned = notices.plan(channel, record, notify_type, told, play)
    held = play.notify == "BEFORE_REPLY"
    due_time = now + (BEFORE_REPLY_HOLD_MS if held else play.notify_delay_ms)
    kind, url = record.kind_name, record.notify_url
    return outbox.put(txn, kind, record.number, url, planned, due_time=due_time)


def first_notices(txn: Transaction, record: Record) -> tuple[int, ...]:
    """What must be told before the request that caused it is answered."""
    if record.played.notify != "BEFORE_REPLY":
        return ()
    return outbox.untried(txn, record.kind_name, record.number)
