"""The settings of the gateway itself: database, listeners, deadlines, payments, recovery.

Units stand last in the names: `_ms` milliseconds, `_s` seconds. What each channel needs stands in
`channels/`.
"""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from gateway.config.fields import listen, number, text
from gateway.config.values import BaseUrl, DatabaseUrl, Listen, LogFormat, LogLevel


class CoreSettings(BaseSettings):
    """What is set whichever channels there are."""

    # Database
    database_url: DatabaseUrl | None = text(
        None,
        "Database, as the role gateway_runtime. Without it the gateway runs a Postgres of its own.",
    )
    database_url_file: Path | None = text(None, "File that holds the database URL instead.")
    owner_database_url: DatabaseUrl | None = text(
        None, "The same database as the role gateway_owner, for `gateway migrate` only."
    )
    owner_database_url_file: Path | None = text(
        None, "File that holds the owner's database URL instead."
    )
    data_dir: Path | None = text(
        None,
        "Folder of the gateway's own Postgres and of the sandbox; without it "
        "/var/lib/payment-gateway for root, else ~/.local/share/payment-gateway.",
    )
    pool_size: int = number(8, 1, 500, "Database connections per process.")
    replicas: int = number(
        1,
        1,
        1_000,
        "Gateways that share the database; only to check that the connections of all of them fit "
        "the server's limit.",
    )
    pool_acquire_timeout_ms: int = number(
        5_000,
        10,
        60_000,
        "Longest wait for a free connection of the pool, making a new one included, in ms.",
    )
    statement_timeout_ms: int = number(
        5_000, 100, 600_000, "Longest run of one SQL statement, in ms."
    )
    lock_timeout_ms: int = number(
        2_000, 10, 60_000, "Longest wait of a statement for a lock, in ms."
    )
    idle_in_transaction_timeout_ms: int = number(
        10_000, 100, 600_000, "Longest pause inside a transaction before Postgres ends it, in ms."
    )
    statement_cache_size: int = number(
        1_000,
        0,
        10_000,
        "Prepared statements kept per connection. 0 for PgBouncer older than 1.21 in "
        "transaction mode.",
    )

    # Group commit: what many callers want written at the same time becomes one transaction
    commit_batch_max: int = number(256, 1, 2_000, "Changes written in one transaction.")
    commit_backlog_max: int = number(
        20_000, 4_000, 1_000_000, "Changes that may wait to be written; more are refused before."
    )
    commit_wait_max_ms: int = number(
        5_000, 10, 60_000, "Longest wait of a change to be taken into a transaction, in ms."
    )

    # Calls over gRPC
    grpc_listen: Listen = listen("127.0.0.1:7070", "Where callers reach the gateway.")
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
    connection_age_max_s: int = number(
        0,
        0,
        86_400,
        "Age at which a connection is closed so that callers spread over replicas, in s; 0 never.",
    )
    grpc_calls_max: int = number(
        2_000, 10, 100_000, "Calls under way at once; more are refused before any work."
    )
    deadline_default_ms: int = number(
        10_000, 100, 600_000, "Deadline of a call that brings none, in ms."
    )
    deadline_max_ms: int = number(
        60_000, 100, 600_000, "Longest deadline that counts; longer ones are cut to it, in ms."
    )
    answer_margin_ms: int = number(
        50, 1, 10_000, "How long before the deadline a call is answered PROCESSING, in ms."
    )

    # Watchers of payments
    watchers_max: int = number(200, 1, 50_000, "WatchPayments streams open at once.")
    watch_poll_ms: int = number(200, 10, 60_000, "Pause between looks for new events, in ms.")
    heartbeat_s: int = number(
        15, 1, 300, "Longest silence on a stream before a heartbeat with a cursor, in s."
    )

    # Notifications from channels, and operations
    notify_listen: Listen = listen(
        "127.0.0.1:7071", "Where channels reach the gateway; the path is /notify/CHANNEL."
    )
    notify_url: BaseUrl | None = text(
        None,
        "Base URL that channels are told to notify; without it http:// and GATEWAY_NOTIFY_LISTEN.",
    )
    ops_listen: Listen = listen("127.0.0.1:7072", "Where /metrics, /livez and /readyz stand.")

    # Channels
    channel_timeout_ms: int = number(
        10_000, 100, 120_000, "Longest wait for one answer of a channel, in ms."
    )
    channel_calls_max: int = number(
        200, 1, 99_999, "Calls under way per channel; more are refused before any intent is kept."
    )
    channel_connections_max: int = number(
        250, 2, 100_000, "Connections open per channel; those beyond the calls are the workers'."
    )

    # Payments
    payment_expiry_default_s: int = number(
        900, 1, 31_536_000, "Time to pay where the caller names none, in s."
    )
    payment_expiry_max_s: int = number(
        604_800, 1, 31_536_000, "Longest time to pay that a caller may name, in s."
    )
    authorization_lifetime_s: int = number(
        604_800, 1, 31_536_000, "Time to capture an authorised payment, in s; then it is released."
    )

    # Recovery of what a crash or an unknown answer left
    recovery_interval_ms: int = number(
        500, 10, 60_000, "Pause between looks for work that is due, in ms."
    )
    recovery_batch_max: int = number(50, 1, 1_000, "Attempts taken at one look.")
    lease_margin_ms: int = number(
        2_000,
        100,
        60_000,
        "How long after a channel's timeout an attempt may be taken over, in ms.",
    )
    recovery_delay_min_ms: int = number(
        500, 10, 3_600_000, "First pause before a channel is asked again, in ms; doubles each time."
    )
    recovery_delay_max_ms: int = number(
        60_000, 10, 3_600_000, "Longest pause before a channel is asked again, in ms."
    )
    not_found_max: int = number(
        3, 1, 1_000, "Verified 'not found' answers in a row before a number is fenced."
    )
    review_after_s: int = number(
        3_600, 1, 2_592_000, "Age at which unresolved work becomes a review case, in s."
    )
    fold_interval_ms: int = number(
        1_000, 10, 3_600_000, "Pause between updates of the cached balances, in ms."
    )

    # The processes
    workers: int = number(
        1,
        1,
        256,
        "Processes of this gateway that share its ports, each with a pool and bounds of its own; "
        "more than one run under a supervisor.",
    )
    drain_timeout_s: int = number(
        20, 1, 600, "Longest wait at SIGTERM for calls and channel answers under way, in s."
    )
    log_level: LogLevel = text("info", "Least level that is logged.")
    log_format: LogFormat = text("json", "One JSON object per line, or lines for people.")
