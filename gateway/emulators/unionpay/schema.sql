-- The records of UnionPay's stand-in. Amounts are fen, times milliseconds since the Unix epoch, UTC.
-- seq is the order of arrival, the cursor of the pages, and what timers name.

create table orders (
    seq          integer primary key,
    mer_id       text    not null,
    order_id     text    not null,
    txn_time     text    not null,             -- the merchant's, YYYYMMDDhhmmss in Beijing
    txn_type     text    not null check (txn_type in ('01', '02', '03', '04', '31', '32', '33')),
    txn_sub_type text    not null,
    way          text    not null check (way in ('APP', 'BACK')),
    state        text    not null check (state in ('WAITING', 'ACCEPTED', 'SUCCEEDED', 'FAILED', 'EXPIRED')),
    amount       integer not null check (amount > 0 and typeof(amount) = 'integer'),
    back_url     text    not null,
    code         text    not null,             -- what queries say of it
    account      text    not null,
    trace_no     text    not null,
    expire_time  integer not null,
    create_time  integer not null,
    update_time  integer not null check (update_time >= create_time),
    request      text    not null,             -- canonical JSON of what was asked
    play         text    not null,
    orig_seq     integer references orders (seq),
    tn           text    unique,
    query_id     text    unique,
    settle_day   text,                         -- the clearing day of a success
    version      integer not null check (version > 0),
    unique (mer_id, order_id, txn_time),
    check ((txn_type in ('01', '02')) = (orig_seq is null)),
    check ((way = 'APP') = (tn is not null)),
    check (state != 'SUCCEEDED' or (query_id is not null and settle_day is not null))
);
create index orders_by_number on orders (order_id);
create index orders_by_origin on orders (orig_seq) where orig_seq is not null;

-- What really moved the payer's money. Append-only; the key lets nothing happen twice.
create table effects (
    kind        text    not null check (kind in ('charge', 'refund', 'return')),
    seq         integer not null references orders (seq),
    charge_seq  integer not null references orders (seq),  -- the payment or completion it belongs to
    mer_id      text    not null,
    amount      integer not null check (amount > 0 and typeof(amount) = 'integer'),
    settle_day  text    not null,
    effect_time integer not null,
    primary key (kind, seq)
) without rowid;
create index effects_by_day on effects (mer_id, settle_day);
create index effects_by_charge on effects (charge_seq, kind);

-- How a day's settlement file shall differ from the book.
create table bill_faults (
    seq    integer primary key,
    mer_id text    not null,
    day    text    not null,
    kind   text    not null check (kind in ('MISSING', 'EXTRA', 'AMOUNT', 'FEE')),
    number text    not null,
    amount integer not null check (typeof(amount) = 'integer')
);
create index bill_faults_by_day on bill_faults (mer_id, day);
