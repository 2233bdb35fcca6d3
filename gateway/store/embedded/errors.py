"""The one error of the embedded Postgres.

Whoever runs the gateway reads it, so its message is one sentence that says what to do.
"""


class EmbeddedPostgresError(Exception):
    """The embedded Postgres cannot be started, used or stopped; the message says what to do."""
