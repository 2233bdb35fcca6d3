"""How it is kept: Postgres is the gateway's only memory, and this is the only room that knows it.

One method of a store is one commit, and no connection or transaction leaves the room, so many
callers' commits can become one without anybody knowing. A key's row in `operations` is written in
the same commit as what it stands for; whoever loses a connection at a commit tries again and finds
out by that row. Money is guarded by unique keys, row locks and conditional updates, never by an
isolation level.

    database   Database: every store over one pool, and what there is to know of the server
    payments, changes, lists   payments: opening, changing, reading
    work, merchants, events, ledger   the other ports
    audit      re-adds the ledger and says what does not add up
    pool       connections, lent for one piece of work
    retry      what is tried again, and what is not known when a connection is lost
    errors     SQLSTATE -> what it means
    queries    sql/*.sql by name
    rows, journal_rows   domain types <-> rows
    migrate    migrations/*.sql, applied once
    roles      what the runtime role must not be able to do
    facts, checkup   what the server says of itself, to the stores and to people
    embedded   the gateway's own Postgres, where none is configured
"""
