-- What happened, in commit order, and what a person must look at.

create table events (
    merchant_id text collate "C" not null,
    event_id uuid not null,
    payment_id uuid not null,
    operation_id uuid,
    order_id text collate "C" not null,
    type text not null,
    state text not null,
    currency text collate "C" not null,
    amount bigint not null,
    captured bigint not null,
    refunded bigint not null,
    version bigint not null,
    digest bytea not null,
    digest_version smallint not null,
    create_time timestamptz not null,
    xid xid8 not null default pg_current_xact_id(),
    constraint events_pkey primary key (merchant_id, payment_id, version),
    constraint events_feed_key unique (merchant_id, xid, event_id),
    constraint events_payment_fkey
        foreign key (merchant_id, payment_id) references payments (merchant_id, payment_id),
    constraint events_type_check check (
        type in (
            'CREATED', 'CHANGED', 'CAPTURE_ACCEPTED', 'CAPTURE_ENDED', 'CANCEL_ACCEPTED',
            'CANCEL_ENDED', 'REFUND_ACCEPTED', 'REFUND_ENDED', 'LATE_SUCCESS'
        )
    ),
    constraint events_state_check check (
        state in (
            'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED', 'SUCCEEDED',
            'FAILED', 'CANCELED', 'EXPIRED'
        )
    ),
    constraint events_digest_check check (octet_length(digest) = 32),
    constraint events_version_check check (version > 0)
);
comment on table events is 'Every change of a payment and what it was right after. Never changed.';

create table review_cases (
    owner_id text collate "C" not null,
    case_id uuid not null,
    kind text not null,
    subject text not null,
    detail text not null,
    payment_id uuid,
    attempt_id uuid,
    create_time timestamptz not null,
    resolve_time timestamptz,
    resolution text not null,
    note text not null,
    constraint review_cases_pkey primary key (owner_id, case_id),
    constraint review_cases_kind_check check (
        kind in (
            'UNRESOLVED', 'MISMATCH', 'ABNORMAL_REFUND', 'LATE_SUCCESS', 'RETURN_REFUSED',
            'RELEASE_REFUSED', 'UNKNOWN_NUMBER'
        )
    ),
    constraint review_cases_resolution_check
        check ((resolve_time is not null) = (resolution <> ''))
);
comment on table review_cases is 'What only a person can decide.';

create unique index review_cases_subject_key on review_cases (owner_id, kind, subject);
create index review_cases_case_id_idx on review_cases (case_id);
create index review_cases_open_idx on review_cases (create_time, case_id)
    where resolve_time is null;

grant select, insert on events to gateway_runtime;
grant select, insert, update (resolve_time, resolution, note) on review_cases to gateway_runtime;
