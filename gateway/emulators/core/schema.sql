-- What every stand-in keeps beside its own records. Times are milliseconds since the Unix epoch, UTC.

-- Nonces already used, kept until their timestamp leaves the skew window (expire_time: seconds, real time).
create table nonces (
    nonce       text    not null primary key,
    expire_time integer not null
) without rowid;
create index nonces_by_expiry on nonces (expire_time);

-- Everything that is only counted: requests by route, notifications by fate, the clock's shift.
create table counters (
    topic text    not null,
    name  text    not null,
    value integer not null check (typeof(value) = 'integer'),
    primary key (topic, name)
) without rowid;

-- What is remembered of a number even when nothing is kept under it: its script and how often it was met.
create table visits (
    kind       text    not null,
    number     text    not null,
    script     text    not null,
    posts      integer not null check (posts >= 0),
    fault_hits integer not null default 0 check (fault_hits >= 0),
    forgets    integer not null default 0 check (forgets >= 0),
    primary key (kind, number)
) without rowid;

-- Each scripted fault that really happened, in the order it happened.
create table hits (
    id       integer primary key,
    number   text    not null,
    kind     text    not null,
    fault    text    not null,
    hit_time integer not null
);
create index hits_by_number on hits (number, id);

-- Work that becomes due: one row per object and purpose.
create table timers (
    kind     text    not null,
    number   text    not null,
    purpose  text    not null,
    due_time integer not null,
    primary key (kind, number, purpose)
) without rowid;
create index timers_by_due on timers (due_time);

-- Notifications not yet acknowledged and not yet given up. A row that follows another waits for its first attempt.
create table outbox (
    id       integer primary key autoincrement,
    kind     text    not null,
    number   text    not null,
    url      text    not null,
    body     text    not null,
    seal     text    not null,
    fault    text,
    retried  integer not null check (retried in (0, 1)),
    follows  integer,
    attempts integer not null default 0 check (attempts >= 0),
    due_time integer not null
);
create index outbox_by_due on outbox (due_time, id);
