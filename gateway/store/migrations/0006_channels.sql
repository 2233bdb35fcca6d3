-- Channels: what came in their name and was not believed, and the money that they moved.

-- Anybody who reaches the listener can write here, so the table is a ring: there are a thousand
-- places, the sequence goes round them, and what is newest takes the place of what is oldest.
-- Nothing is ever deleted, and nothing grows.
create sequence quarantine_turns as integer minvalue 1 maxvalue 1000 cycle;

create table quarantine (
    place integer not null default nextval('quarantine_turns'),
    channel text collate "C" not null,
    reason text not null,
    digest bytea not null,
    body_bytes integer not null,
    excerpt text not null,
    times integer not null default 1,
    first_time timestamptz not null default now(),
    last_time timestamptz not null default now(),
    constraint quarantine_pkey primary key (place),
    constraint quarantine_place_check check (place between 1 and 1000),
    constraint quarantine_channel_check check (length(channel) between 1 and 32),
    constraint quarantine_reason_check check (length(reason) between 1 and 300),
    constraint quarantine_digest_check check (octet_length(digest) = 32),
    constraint quarantine_excerpt_check check (length(excerpt) <= 600),
    constraint quarantine_times_check check (times > 0)
);
comment on table quarantine is
    'Notifications that were not believed, the latest thousand; for people, who decide nothing here.';
comment on column quarantine.digest is
    'SHA-256 of the body: what is sent again is counted, and takes no other place.';
comment on column quarantine.excerpt is
    'What of the body may be kept, without long numbers; what is secret is never kept.';

create index quarantine_digest_idx on quarantine (digest);

grant usage on sequence quarantine_turns to gateway_runtime;
grant select, insert, update on quarantine to gateway_runtime;

-- What a channel's daily bill is held against. A charge that is captured at once, a capture and a
-- refund each move money under their own number. A success that came after its payment had ended
-- moved money too, though its attempt stays failed.
create view movements as
select
    a.merchant_id,
    a.attempt_id,
    a.channel,
    case a.kind when 'REFUND' then 'REFUND' else 'CHARGE' end as kind,
    a.number,
    a.amount,
    a.currency,
    coalesce(o.update_time, p.capture_time, late.create_time) as move_time
from attempts a
join payments p on p.merchant_id = a.merchant_id and p.payment_id = a.payment_id
left join payment_operations o
    on o.merchant_id = a.merchant_id and o.operation_id = a.operation_id
left join lateral (
    select min(t.create_time) as create_time
    from transfers t
    where a.kind = 'CHARGE' and a.state <> 'SUCCEEDED'
        and t.owner_id = a.merchant_id and t.payment_id = a.payment_id
        and t.event = 'late_success'
) late on true
where
    (a.kind in ('CAPTURE', 'REFUND') and a.state = 'SUCCEEDED')
    or (
        a.kind = 'CHARGE' and p.capture_mode = 'AUTOMATIC'
        and (a.state = 'SUCCEEDED' or late.create_time is not null)
    );
comment on view movements is 'What moved through channels, by number, with when we learned of it.';

grant select on movements to gateway_runtime;
