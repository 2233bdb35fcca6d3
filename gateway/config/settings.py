"""Settings: every variable of the gateway, and the relations between them.

A field is the variable `GATEWAY_` plus its name in upper case. Units stand last in the names:
`_ms` milliseconds, `_s` seconds. Bounds stand in the fields, relations between fields in
`RELATIONS` and below it, and every value within its bounds can be used if its neighbours fit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.config.address import Address
from gateway.config.values import (
    Account,
    BaseUrl,
    DatabaseUrl,
    Key,
    Listen,
    LogFormat,
    LogLevel,
)

PREFIX: Final = "GATEWAY_"


def variable(name: str) -> str:
    """Name the environment variable of a setting."""
    return PREFIX + name.upper()


def _listen(default: str, description: str) -> Any:
    return Field(Address.parse(default), description=description)


def _number(default: int, least: int, greatest: int, description: str) -> Any:
    return Field(default, ge=least, le=greatest, description=description)


def _text(default: Any, description: str) -> Any:
    return Field(default, description=description)


class Settings(BaseSettings):
    """The configuration in force. Make it with `load_settings`; it never changes afterwards."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    # Database
    database_url: DatabaseUrl | None = _text(
        None,
        "Database, as the role gateway_runtime. Without it the gateway runs a Postgres of its own.",
    )
    database_url_file: Path | None = _text(None, "File that holds the database URL instead.")
    owner_database_url: DatabaseUrl | None = _text(
        None, "The same database as the role gateway_owner, for `gateway migrate` only."
    )
    owner_database_url_file: Path | None = _text(
        None, "File that holds the owner's database URL instead."
    )
    data_dir: Path | None = _text(
        None,
        "Folder of the gateway's own Postgres and of the sandbox; without it "
        "/var/lib/payment-gateway for root, else ~/.local/share/payment-gateway.",
    )
    pool_size: int = _number(8, 1, 500, "Database connections per process.")
    replicas: int = _number(
        1,
        1,
        1_000,
        "Gateways that share the database; only to check that the connections of all of them fit "
        "the server's limit.",
    )
    pool_acquire_timeout_ms: int = _number(
        5_000,
        10,
        60_000,
        "Longest wait for a free connection of the pool, making a new one included, in ms.",
    )
    statement_timeout_ms: int = _number(
        5_000, 100, 600_000, "Longest run of one SQL statement, in ms."
    )
    lock_timeout_ms: int = _number(
        2_000, 10, 60_000, "Longest wait of a statement for a lock, in ms."
    )
    idle_in_transaction_timeout_ms: int = _number(
        10_000, 100, 600_000, "Longest pause inside a transaction before Postgres ends it, in ms."
    )
    statement_cache_size: int = _number(
        1_000,
        0,
        10_000,
        "Prepared statements kept per connection. 0 for PgBouncer older than 1.21 in "
        "transaction mode.",
    )

    # Group commit: what many callers want written at the same time becomes one transaction
    commit_batch_max: int = _number(256, 1, 2_000, "Changes written in one transaction.")
    commit_backlog_max: int = _number(
        20_000, 4_000, 1_000_000, "Changes that may wait to be written; more are refused before."
    )
    commit_wait_max_ms: int = _number(
        5_000, 10, 60_000, "Longest wait of a change to be taken into a transaction, in ms."
    )

    # Calls over gRPC
    grpc_listen: Listen = _listen("127.0.0.1:7070", "Where callers reach the gateway.")
    allow_remote: bool = Field(
        default=False,
        description="Allow listening beyond this machine. Callers are not authenticated yet: only "
        "behind a network that keeps everybody else out.",
    )
    reuse_port: bool = Field(
        default=False,
        description="Let other gateways share the ports of gRPC and notifications; off, a second "
        "one fails to start. Workers of one gateway always share them.",
    )
    connection_age_max_s: int = _number(
        0,
        0,
        86_400,
        "Age at which a connection is closed so that callers spread over replicas, in s; 0 never.",
    )
    grpc_calls_max: int = _number(
        2_000, 10, 100_000, "Calls under way at once; more are refused before any work."
    )
    deadline_default_ms: int = _number(
        10_000, 100, 600_000, "Deadline of a call that brings none, in ms."
    )
    deadline_max_ms: int = _number(
        60_000, 100, 600_000, "Longest deadline that counts; longer ones are cut to it, in ms."
    )
    answer_margin_ms: int = _number(
        50, 1, 10_000, "How long before the deadline a call is answered PROCESSING, in ms."
    )

    # Watchers of payments
    watchers_max: int = _number(200, 1, 50_000, "WatchPayments streams open at once.")
    watch_poll_ms: int = _number(200, 10, 60_000, "Pause between looks for new events, in ms.")
    heartbeat_s: int = _number(
        15, 1, 300, "Longest silence on a stream before a heartbeat with a cursor, in s."
    )

    # Notifications from channels, and operations
    notify_listen: Listen = _listen(
        "127.0.0.1:7071", "Where channels reach the gateway; the path is /notify/CHANNEL."
    )
    notify_url: BaseUrl | None = _text(
        None,
        "Base URL that channels are told to notify; without it http:// and GATEWAY_NOTIFY_LISTEN.",
    )
    ops_listen: Listen = _listen("127.0.0.1:7072", "Where /metrics, /livez and /readyz stand.")

    # Channels
    sandbox_url: BaseUrl | None = _text(
        None, "Base URL of the sandbox; enables the channel `sandbox`."
    )
    sandbox_key: Key | None = _text(None, "Key shared with the sandbox; signs all messages.")
    sandbox_key_file: Path | None = _text(None, "File that holds the sandbox's key instead.")
    sandbox_account: Account = _text("gateway", "Our account at the sandbox.")
    channel_timeout_ms: int = _number(
        10_000, 100, 120_000, "Longest wait for one answer of a channel, in ms."
    )
    channel_calls_max: int = _number(
        200, 1, 99_999, "Calls under way per channel; more are refused before any intent is kept."
    )
    channel_connections_max: int = _number(
        250, 2, 100_000, "Connections open per channel; those beyond the calls are the workers'."
    )

    # Payments
    payment_expiry_default_s: int = _number(
        900, 1, 31_536_000, "Time to pay where the caller names none, in s."
    )
    payment_expiry_max_s: int = _number(
        604_800, 1, 31_536_000, "Longest time to pay that a caller may name, in s."
    )
    authorization_lifetime_s: int = _number(
        604_800, 1, 31_536_000, "Time to capture an authorised payment, in s; then it is released."
    )

    # Recovery of what a crash or an unknown answer left
    recovery_interval_ms: int = _number(
        500, 10, 60_000, "Pause between looks for work that is due, in ms."
    )
    recovery_batch_max: int = _number(50, 1, 1_000, "Attempts taken at one look.")
    lease_margin_ms: int = _number(
        2_000,
        100,
        60_000,
        "How long after a channel's timeout an attempt may be taken over, in ms.",
    )
    recovery_delay_min_ms: int = _number(
        500, 10, 3_600_000, "First pause before a channel is asked again, in ms; doubles each time."
    )
    recovery_delay_max_ms: int = _number(
        60_000, 10, 3_600_000, "Longest pause before a channel is asked again, in ms."
    )
    not_found_max: int = _number(
        3, 1, 1_000, "Verified 'not found' answers in a row before a number is fenced."
    )
    review_after_s: int = _number(
        3_600, 1, 2_592_000, "Age at which unresolved work becomes a review case, in s."
    )
    fold_interval_ms: int = _number(
        1_000, 10, 3_600_000, "Pause between updates of the cached balances, in ms."
    )

    # The processes
    workers: int = _number(
        1,
        1,
        256,
        "Processes of this gateway that share its ports, each with a pool and bounds of its own; "
        "more than one run under a supervisor.",
    )
    drain_timeout_s: int = _number(
        20, 1, 600, "Longest wait at SIGTERM for calls and channel answers under way, in s."
    )
    log_level: LogLevel = _text("info", "Least level that is logged.")
    log_format: LogFormat = _text("json", "One JSON object per line, or lines for people.")

    @classmethod
    def settings_customise_sources(
        cls, *_unused: Any, **sources: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from the arguments only: `load_settings` says which environment counts."""
        return (sources["init_settings"],)

    @model_validator(mode="after")
    def _relations_hold(self) -> Self:
        for sentence in _broken_relations(self):
            raise ValueError(sentence)
        return self

    @property
    def connections_max(self) -> int:
        """Database connections that all gateways together may have open."""
        return self.replicas * self.workers * self.pool_size

    @property
    def listeners(self) -> dict[str, Address]:
        """Map the name of each setting that is a listener to its address."""
        return {name: value for name, value in self if isinstance(value, Address)}


@dataclass(frozen=True, slots=True)
class Relation:
    """One setting must be less than another (or not more), whatever their units; and why."""

    left: str
    right: str
    why: str
    may_be_equal: bool = False

    def holds(self, settings: Settings) -> bool:
        """Tell whether the settings keep the relation."""
        left, right = _comparable(settings, self.left), _comparable(settings, self.right)
        return left < right or (self.may_be_equal and left == right)

    def sentence(self, settings: Settings) -> str:
        """Say what the relation wants of these settings."""
        wanted = "must not be more than" if self.may_be_equal else "must be less than"
        left, right = (f"{variable(n)} ({getattr(settings, n)})" for n in (self.left, self.right))
        return f"{left} {wanted} {right}, {self.why}."


RELATIONS: Final = (
    Relation("answer_margin_ms", "deadline_default_ms", "or no call has time to work in"),
    Relation(
        "deadline_default_ms", "deadline_max_ms", "which cuts every deadline", may_be_equal=True
    ),
    Relation(
        "pool_acquire_timeout_ms",
        "deadline_default_ms",
        "or a call that waits for the database is never answered",
    ),
    Relation("lock_timeout_ms", "statement_timeout_ms", "or it never takes effect"),
    Relation(
        "commit_wait_max_ms",
        "deadline_default_ms",
        "or a call that waits to be written is never answered",
    ),
    Relation(
        "channel_calls_max",
        "channel_connections_max",
        "or callers of a slow channel leave no connection for the workers who ask about it",
    ),
    Relation("watchers_max", "grpc_calls_max", "or streams leave no room for payments"),
    Relation("watch_poll_ms", "heartbeat_s", "or heartbeats come late", may_be_equal=True),
    Relation("payment_expiry_default_s", "payment_expiry_max_s", "the greatest", may_be_equal=True),
    Relation("recovery_delay_min_ms", "recovery_delay_max_ms", "the greatest", may_be_equal=True),
    Relation(
        "recovery_delay_max_ms",
        "review_after_s",
        "or work goes to review before it was asked about",
        may_be_equal=True,
    ),
)


def _comparable(settings: Settings, name: str) -> int:
    value: int = getattr(settings, name)
    return value * 1_000 if name.endswith("_s") else value


def _broken_relations(settings: Settings) -> Iterator[str]:
    for relation in RELATIONS:
        if not relation.holds(settings):
            yield relation.sentence(settings)
    yield from _broken_listeners(settings)
    if settings.sandbox_url is not None and settings.sandbox_key is None:
        yield "GATEWAY_SANDBOX_URL is set: set GATEWAY_SANDBOX_KEY or GATEWAY_SANDBOX_KEY_FILE too."


def _broken_listeners(settings: Settings) -> Iterator[str]:
    taken: dict[Address, str] = {}
    for name, address in settings.listeners.items():
        if not (address.is_loopback or settings.allow_remote):
            yield (
                f"{variable(name)} is {address}, which other machines can reach, and callers are "
                "not authenticated yet: listen on 127.0.0.1, or set GATEWAY_ALLOW_REMOTE=true "
                "behind a network that keeps everybody else out."
            )
        if address.port and address in taken:
            yield f"{variable(taken[address])} and {variable(name)} are both {address}: change one."
        taken[address] = name
    listen = settings.notify_listen
    if (listen.is_every_interface or not listen.port) and settings.notify_url is None:
        yield (
            f"GATEWAY_NOTIFY_LISTEN is {listen}, which is no address to call: set "
            "GATEWAY_NOTIFY_URL to the base URL at which channels reach it."
        )
