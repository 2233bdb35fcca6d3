-- The records of an operator. Amounts are thousandths of the currency's unit, times milliseconds since the Unix
-- epoch, UTC. seq is the order of arrival, the cursor of the pages, and what timers name.

create table payments (
    seq              integer primary key,
    client           text    not null,          -- client_id
    payment_id       text    not null unique,
    kind             text    not null check (kind in ('ONE_STEP', 'TWO_STEP', 'PHANTOM')),
    state            text    not null check (state in
        ('processing', 'pending_validation', 'denied', 'reserved', 'succeeded', 'cancelled')),
    phone            text    not null,
    correlator       text,                      -- clientCorrelator
    reference        text    not null,
    amount           integer not null check (amount > 0 and typeof(amount) = 'integer'),
    currency         text    not null,
    merchant         text,
    server_reference text    not null,
    sink             text,
    sink_token       text,
    sink_expire_s    integer,
    sink_gone        integer not null check (sink_gone in (0, 1)),
    validation       text    check (validation in ('VALIDATE', 'OPEN')),
    authorization_id text,
    code             text,                      -- what the subscriber is told by SMS
    attempts         integer not null check (attempts >= 0),
    expire_time      integer not null,
    confirm_time     integer,
    create_time      integer not null,
    update_time      integer not null check (update_time >= create_time),
    success_time     integer,
    denial           text,
    request          text    not null,          -- canonical JSON of what was asked
    play             text    not null,
    listed           integer not null check (listed in (0, 1)),
    skew             integer not null,          -- how much more the lists say
    version          integer not null check (version > 0),
    check ((state = 'succeeded') = (success_time is not null)),
    check (kind = 'TWO_STEP' or (confirm_time is null and state not in ('reserved', 'pending_validation')))
);
create unique index payments_by_correlator on payments (client, correlator) where correlator is not null;
create index payments_by_reference on payments (client, reference);
create index payments_by_time on payments (client, create_time, seq);
create index payments_by_phone on payments (phone, create_time);

create table refunds (
    seq           integer primary key,
    client        text    not null,
    refund_id     text    not null unique,
    payment_seq   integer not null references payments (seq),
    payment_id    text    not null,
    type          text    not null check (type in ('total', 'partial')),
    state         text    not null check (state in ('processing', 'denied', 'succeeded')),
    correlator    text,
    reference     text    not null,
    amount        integer not null check (amount > 0 and typeof(amount) = 'integer'),
    currency      text    not null,
    merchant      text,
    sink          text,
    sink_token    text,
    sink_expire_s integer,
    sink_gone     integer not null check (sink_gone in (0, 1)),
    create_time   integer not null,
    update_time   integer not null check (update_time >= create_time),
    success_time  integer,
    denial        text,
    request       text    not null,
    play          text    not null,
    listed        integer not null check (listed in (0, 1)),
    skew          integer not null,
    version       integer not null check (version > 0),
    check ((state = 'succeeded') = (success_time is not null))
);
create unique index refunds_by_correlator on refunds (client, correlator) where correlator is not null;
create index refunds_by_reference on refunds (client, reference);
create index refunds_by_payment on refunds (payment_seq, create_time, seq);

-- What really moved a subscriber's money. Append-only; the key lets nothing happen twice.
create table effects (
    kind        text    not null check (kind in ('charge', 'refund')),
    number      text    not null,               -- paymentId; of a refund its refundId
    client      text    not null,
    payment_seq integer not null references payments (seq),
    correlator  text,
    amount      integer not null check (amount > 0 and typeof(amount) = 'integer'),
    currency    text    not null,
    effect_time integer not null,
    primary key (kind, number)
) without rowid;
create index effects_by_time on effects (client, effect_time);
create index effects_by_payment on effects (payment_seq, kind);

-- Subscribers of whom something special is known; any other is an ordinary one.
create table subscribers (
    phone          text    not null primary key,
    kind           text    not null check (kind in ('ACTIVE', 'UNKNOWN', 'BLOCKED', 'UNSUPPORTED')),
    payment_max    integer check (payment_max >= 0),
    spending_limit integer check (spending_limit >= 0)  -- of a month, per currency
) without rowid;

-- Access tokens, by their digest. Their life is real time, as that of anything on the wire.
create table tokens (
    seq         integer primary key,
    digest      text    not null unique,
    client      text    not null,
    scopes      text    not null,
    phone       text,                           -- null: two-legged
    expire_s    integer not null
);
create index tokens_by_expiry on tokens (expire_s);
