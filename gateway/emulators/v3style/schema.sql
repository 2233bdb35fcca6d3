-- The records of a v3-style channel. Amounts are fen, times milliseconds since the Unix epoch, UTC.
-- seq is the order of arrival, the cursor of the pages, and what timers name.

create table orders (
    seq                    integer primary key,
    mchid                  text    not null,
    number                 text    not null,   -- out_trade_no
    kind                   text    not null check (kind in ('PREPAY', 'CODE', 'DEDUCT')),
    trade_type             text    not null,
    state                  text    not null check (state in
        ('NOTPAY', 'USERPAYING', 'SUCCESS', 'REFUND', 'CLOSED', 'REVOKED', 'PAYERROR')),
    total                  integer not null check (total > 0 and typeof(total) = 'integer'),
    appid                  text    not null,
    openid                 text,
    contract_id            text,
    notify_url             text,
    transaction_id         text    unique,
    credential             text    unique,     -- what the buyer's device opens: code_url, h5_url or prepay_id
    credential_expire_time integer,
    expire_time            integer not null,
    create_time            integer not null,
    update_time            integer not null check (update_time >= create_time),
    success_time           integer,
    request                text    not null,   -- canonical JSON of what was asked
    play                   text    not null,
    version                integer not null check (version > 0),
    unique (mchid, number),
    check (state not in ('SUCCESS', 'REFUND') or (success_time is not null and transaction_id is not null))
);

create table refunds (
    seq            integer primary key,
    mchid          text    not null,
    number         text    not null,           -- out_refund_no
    refund_id      text    not null unique,
    order_seq      integer not null references orders (seq),
    order_number   text    not null,
    transaction_id text    not null,
    state          text    not null check (state in ('PROCESSING', 'SUCCESS', 'CLOSED', 'ABNORMAL')),
    amount         integer not null check (amount > 0 and typeof(amount) = 'integer'),
    total          integer not null check (total >= amount),
    notify_url     text,
    create_time    integer not null,
    update_time    integer not null check (update_time >= create_time),
    success_time   integer,
    request        text    not null,
    play           text    not null,
    version        integer not null check (version > 0),
    unique (mchid, number),
    check ((state = 'SUCCESS') = (success_time is not null))
);
create index refunds_by_order on refunds (order_seq, create_time);

create table contracts (
    seq               integer primary key,
    mchid             text    not null,
    appid             text    not null,
    plan_id           text    not null,
    code              text    not null,        -- out_contract_code
    contract_id       text    not null unique,
    pre_entrustweb_id text    not null unique,
    state             text    not null check (state in ('UNSIGNED', 'SIGNED', 'TERMINATED')),
    openid            text,
    deductions        integer not null default 0 check (deductions >= 0),
    create_time       integer not null,
    update_time       integer not null check (update_time >= create_time),
    sign_time         integer,
    terminate_time    integer,
    terminated_by     text    check (terminated_by in ('USER', 'MERCHANT')),
    remark            text,
    request           text    not null,
    version           integer not null check (version > 0),
    unique (mchid, plan_id, code),
    check ((state = 'UNSIGNED') = (sign_time is null)),
    check ((state = 'TERMINATED') = (terminate_time is not null))
);

-- Announcements of a deduction: between the two times it may be asked for.
create table pre_notices (
    seq         integer primary key,
    contract_id text    not null references contracts (contract_id),
    amount      integer not null check (amount > 0 and typeof(amount) = 'integer'),
    open_time   integer not null,
    close_time  integer not null check (close_time > open_time)
);
create index pre_notices_by_contract on pre_notices (contract_id, open_time);

-- What really moved the payer's money. Append-only; the key lets nothing happen twice.
create table effects (
    kind        text    not null check (kind in ('charge', 'refund', 'return')),
    mchid       text    not null,
    number      text    not null,              -- of the order; of a refund its own
    order_seq   integer not null references orders (seq),
    amount      integer not null check (amount > 0 and typeof(amount) = 'integer'),
    effect_time integer not null,
    primary key (kind, mchid, number)
) without rowid;
create index effects_by_time on effects (mchid, effect_time);
create index effects_by_order on effects (order_seq, kind);

-- How a day's bill shall differ from the book.
create table bill_faults (
    seq    integer primary key,
    mchid  text    not null,
    day    text    not null,
    kind   text    not null check (kind in ('MISSING', 'EXTRA', 'AMOUNT', 'FEE')),
    number text    not null,
    amount integer not null check (typeof(amount) = 'integer')
);
create index bill_faults_by_day on bill_faults (mchid, day);

-- Bills that were made and not yet fetched; a row goes with the download.
create table bill_files (
    token       text    not null primary key,
    mchid       text    not null,
    expire_time integer not null,
    gzip        integer not null check (gzip in (0, 1)),
    content     text    not null
) without rowid;
