-- Version 2 of the book: payouts. Amounts are minor units, times milliseconds since the Unix epoch, UTC.

create table payouts (
    seq             integer primary key,
    number          text    not null unique,
    channel_number  text    not null unique,
    state           text    not null check (state in ('PROCESSING', 'SUCCEEDED', 'DECLINED', 'CLOSED')),
    amount          integer check (amount is null or (amount > 0 and typeof(amount) = 'integer')),
    currency        text,
    decline_code    text,
    decline_message text,
    create_time     integer not null,
    update_time     integer not null check (update_time >= create_time),
    version         integer not null check (version > 0),
    request         text,    -- canonical JSON; null for a number that was closed before it was ever seen
    check ((request is null) = (amount is null)),
    check ((request is null) = (currency is null)),
    check (request is not null or state = 'CLOSED'),
    check ((state = 'DECLINED') = (decline_code is not null))
);

-- What was really sent to payees. Append-only; the key lets nothing be sent twice.
create table payout_effects (
    number      text    not null primary key references payouts (number),
    amount      integer not null check (amount > 0 and typeof(amount) = 'integer'),
    currency    text    not null,
    effect_time integer not null
) without rowid;
