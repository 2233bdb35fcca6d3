-- The records of the stand-in for Alipay. Amounts are fen, times milliseconds since the Unix epoch, UTC.
-- seq is the order of arrival, the cursor of the pages, and what timers name.

-- Codes that were asked for. Only when a buyer scans one a trade comes to be under its number.
create table codes (
    seq         integer primary key,
    app_id      text    not null,
    number      text    not null,           -- out_trade_no
    state       text    not null check (state in ('OPEN', 'SCANNED')),
    qr_code     text    not null unique,
    total       integer not null check (total > 0 and typeof(total) = 'integer'),
    expire_time integer not null,           -- of the code
    create_time integer not null,
    update_time integer not null check (update_time >= create_time),
    notify_url  text,
    certified   integer not null check (certified in (0, 1)),
    request     text    not null,           -- canonical JSON of what was asked
    play        text    not null,
    version     integer not null check (version > 0),
    unique (app_id, number)
);

create table trades (
    seq          integer primary key,
    app_id       text    not null,
    number       text    not null,          -- out_trade_no
    trade_no     text    not null unique,
    way          text    not null check (way in ('QR', 'CODE', 'AGREEMENT', 'AUTH')),
    state        text    not null check (state in
        ('WAIT_BUYER_PAY', 'TRADE_SUCCESS', 'TRADE_FINISHED', 'TRADE_CLOSED')),
    total        integer not null check (total > 0 and typeof(total) = 'integer'),
    refunded     integer not null default 0 check (refunded >= 0 and refunded <= total),
    buyer_id     text,
    fund_channel text,
    agreement_no text,
    auth_no      text,
    expire_time  integer not null,
    create_time  integer not null,
    update_time  integer not null check (update_time >= create_time),
    pay_time     integer,
    refund_time  integer,
    end_time     integer,
    canceled     text    check (canceled in ('close', 'refund')),
    notify_url   text,
    certified    integer not null check (certified in (0, 1)),
    request      text    not null,
    play         text    not null,
    version      integer not null check (version > 0),
    unique (app_id, number),
    check (state not in ('TRADE_SUCCESS', 'TRADE_FINISHED') or (pay_time is not null and buyer_id is not null))
);

-- The number of a refund is the merchant's out_request_no, which only its trade must not have twice.
create table refunds (
    seq          integer primary key,
    app_id       text    not null,
    number       text    not null,
    trade_seq    integer not null references trades (seq),
    state        text    not null check (state in ('PROCESSING', 'SUCCESS', 'FAILED')),
    amount       integer not null check (amount > 0 and typeof(amount) = 'integer'),
    create_time  integer not null,
    update_time  integer not null check (update_time >= create_time),
    success_time integer,
    notify_url   text,
    certified    integer not null check (certified in (0, 1)),
    request      text    not null,
    play         text    not null,
    version      integer not null check (version > 0),
    unique (trade_seq, number),
    check ((state = 'SUCCESS') = (success_time is not null))
);

create table authorizations (
    seq          integer primary key,
    app_id       text    not null,
    number       text    not null,          -- out_order_no
    auth_no      text    not null unique,
    product_code text    not null,
    state        text    not null check (state in ('INIT', 'AUTHORIZED', 'FINISH', 'CLOSED')),
    amount       integer not null check (amount > 0 and typeof(amount) = 'integer'),
    paid         integer not null default 0 check (paid >= 0),
    unfrozen     integer not null default 0 check (unfrozen >= 0 and paid + unfrozen <= amount),
    buyer_id     text    not null,
    expire_time  integer not null,
    create_time  integer not null,
    update_time  integer not null check (update_time >= create_time),
    notify_url   text,
    certified    integer not null check (certified in (0, 1)),
    request      text    not null,
    play         text    not null,
    version      integer not null check (version > 0),
    unique (app_id, number)
);

-- What was done with an authorisation: frozen, unfrozen, paid. The number of a payment is its out_trade_no.
create table operations (
    seq          integer primary key,
    app_id       text    not null,
    number       text    not null,
    kind         text    not null check (kind in ('FREEZE', 'UNFREEZE', 'PAY')),
    auth_seq     integer not null references authorizations (seq),
    operation_id text    not null unique,
    status       text    not null check (status in ('INIT', 'SUCCESS', 'CLOSED')),
    amount       integer not null check (amount > 0 and typeof(amount) = 'integer'),
    remark       text    not null,
    create_time  integer not null,
    trans_time   integer,
    unique (app_id, kind, number)
);
create index operations_by_authorization on operations (auth_seq);

create table agreements (
    seq           integer primary key,
    app_id        text    not null,
    number        text    not null,         -- external_agreement_no
    agreement_no  text    not null unique,
    product_code  text    not null,         -- personal_product_code
    sign_scene    text    not null,
    state         text    not null check (state in ('TEMP', 'NORMAL', 'UNSIGN')),
    buyer_id      text,
    single_max    integer,
    total_max     integer,
    payments_max  integer,
    deducted      integer not null default 0,
    payments      integer not null default 0,
    create_time   integer not null,
    update_time   integer not null check (update_time >= create_time),
    sign_time     integer,
    end_time      integer,
    notify_url    text,
    certified     integer not null check (certified in (0, 1)),
    request       text    not null,
    play          text    not null,
    version       integer not null check (version > 0),
    unique (app_id, number),
    check ((state = 'TEMP') = (sign_time is null)),
    check ((state = 'UNSIGN') = (end_time is not null))
);

-- What really moved the buyer's money. Append-only; the key lets nothing happen twice.
-- charge, refund, return (a cancel, or late money sent back) are of a trade; freeze, unfreeze of an authorisation.
create table effects (
    kind        text    not null check (kind in ('charge', 'refund', 'return', 'freeze', 'unfreeze')),
    owner_seq   integer not null,
    number      text    not null,           -- of the trade or authorisation; of a refund or unfreezing its own
    app_id      text    not null,
    amount      integer not null check (amount > 0 and typeof(amount) = 'integer'),
    effect_time integer not null,
    primary key (kind, owner_seq, number)
) without rowid;
create index effects_by_time on effects (app_id, effect_time);

-- How a day's bill shall differ from the book.
create table bill_faults (
    seq    integer primary key,
    app_id text    not null,
    day    text    not null,
    kind   text    not null check (kind in ('MISSING', 'EXTRA', 'AMOUNT', 'FEE')),
    number text    not null,
    amount integer not null check (typeof(amount) = 'integer')
);
create index bill_faults_by_day on bill_faults (app_id, day);

-- Bills that may be downloaded: base64 of the archive.
create table bill_files (
    file_id     text    not null primary key,
    expire_time integer not null,
    content     text    not null
) without rowid;
