"""The gateway's own Postgres, for when no database is configured.

The installed wheel gives the binaries, and nothing but the binaries: this package launches them.
Its theory is two file locks, which the kernel releases whatever way a process ends:

- `users.lock` is held *shared* by every gateway process that uses the server. Who leaves asks for
  it exclusively: whoever gets it was the last user, and stops the server.
- `server.lock` is held *exclusively* by the server itself: the launcher hands the locked file down
  to initdb and to the postmaster, whose children inherit it. While it is held something of the
  server lives; once it is free nothing does, and what `postmaster.pid` says is stale.

So a `kill -9` of a gateway or of the server leaves nothing to clean up by guesswork: a running
server is adopted, a dead one is launched again and recovers from its write-ahead log.

    server         EmbeddedPostgres: start or adopt, share, stop (async)
    launcher       launches Postgres where none lives (blocking)
    sizing         how much memory and disk it may use
    home           the folder: layout, permissions, log
    socket_folder  a place for the socket that is private, short and plain
    postmaster     what the running server says of itself
    account        who Postgres runs as: this user, or `nobody` if this user is root
    binaries       finds the wheel's programs, copies them where `nobody` can run them
    locks          flock
"""

from gateway.store.embedded.errors import EmbeddedPostgresError
from gateway.store.embedded.home import default_data_dir
from gateway.store.embedded.server import START_TIMEOUT_S_DEFAULT, EmbeddedPostgres

__all__ = [
    "START_TIMEOUT_S_DEFAULT",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "default_data_dir",
]
