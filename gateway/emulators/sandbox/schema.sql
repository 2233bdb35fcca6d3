-- The sandbox channel's own records. Amounts are minor units, times milliseconds since the Unix epoch, UTC.
-- seq is the order of arrival and the cursor of the pages.

create table charges (
    seq                integer primary key,
    number             text    not null unique,
    channel_number     text    not null unique,
    state              text    not null check (state in
        ('PROCESSING', 'ACTION_REQUIRED', 'AUTHORIZED', 'SUCCEEDED', 'DECLINED', 'CLOSED')),
    amount             integer check (amount is null or (amount > 0 and typeof(amount) = 'integer')),
    currency           text,
    captured           integer not null check (captured >= 0),
    refunded           integer not null check (refunded between 0 and captured),
    capture            text    check (capture in ('AUTOMATIC', 'MANUAL')),
    action_type        text,
    action_data        text,
    action_expire_time integer,
    decline_code       text,
    decline_message    text,
    create_time        integer not null,
    update_time        integer not null check (update_time >= create_time),
    version            integer not null check (version > 0),
    request            text,    -- canonical JSON; null for a number that was closed before it was ever seen
    check ((request is null) = (amount is null)),
    check (request is not null or state = 'CLOSED'),
    check (captured <= coalesce(amount, 0)),
    check (state <> 'SUCCEEDED' or captured > 0),
    check (captured = 0 or state in ('AUTHORIZED', 'SUCCEEDED')),
    check ((state = 'DECLINED') = (decline_code is not null)),
    check (state <> 'ACTION_REQUIRED' or action_expire_time is not null)
);

create table captures (
    seq             integer primary key,
    number          text    not null unique,
    channel_number  text    not null unique,
    charge_number   text    not null references charges (number),
    state           text    not null check (state in ('PROCESSING', 'SUCCEEDED', 'DECLINED')),
    amount          integer not null check (amount > 0 and typeof(amount) = 'integer'),
    currency        text    not null,
    final           integer not null check (final in (0, 1)),
    decline_code    text,
    decline_message text,
    create_time     integer not null,
    update_time     integer not null check (update_time >= create_time),
    version         integer not null check (version > 0),
    request         text    not null,
    check ((state = 'DECLINED') = (decline_code is not null))
);
create index captures_by_charge on captures (charge_number, state);

create table refunds (
    seq             integer primary key,
    number          text    not null unique,
    channel_number  text    not null unique,
    charge_number   text    not null references charges (number),
    state           text    not null check (state in ('PROCESSING', 'SUCCEEDED', 'DECLINED', 'ABNORMAL')),
    amount          integer not null check (amount > 0 and typeof(amount) = 'integer'),
    currency        text    not null,
    decline_code    text,
    decline_message text,
    create_time     integer not null,
    update_time     integer not null check (update_time >= create_time),
    version         integer not null check (version > 0),
    request         text    not null,
    check ((state = 'DECLINED') = (decline_code is not null))
);
create index refunds_by_charge on refunds (charge_number, state);

-- What really moved the payer's money. Append-only; the key lets nothing happen twice.
create table effects (
    kind          text    not null check (kind in ('charge', 'capture', 'refund')),
    number        text    not null,
    charge_number text    not null references charges (number),
    amount        integer not null check (amount > 0 and typeof(amount) = 'integer'),
    currency      text    not null,
    effect_time   integer not null,
    primary key (kind, number)
) without rowid;
create index effects_by_charge on effects (charge_number, kind);
