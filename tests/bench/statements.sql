-- What the textbook server does for one payment, and how databases get accounts with money and say
-- what was paid.

-- name: claim
-- First statement: the key, so that it pays once.
insert into operations (
    owner_id, idempotency_key, kind, fingerprint, fingerprint_version, object_id, create_time
)
values ($1, $2, 'PAY', $3, 1, $4, $5)
on conflict (owner_id, idempotency_key) do nothing
returning object_id;

-- name: take
-- Second: the money, where there is enough.
update wallets set available = available - $3, update_time = $4
where owner_id = $1 and currency = $2 and available >= $3
returning available;

-- name: keep
-- Third: the payment, and the event that tells of it.
with kept as (
    insert into payments (
        merchant_id, payment_id, idempotency_key, order_id, currency, amount, channel,
        method_details, capture_mode, payer, scene, description, attributes, one_per_order,
        caller_id, purpose, create_time, expire_time, state, captured, refunded, fee_millionths,
        fee_returned_millionths, attempt_number, channel_number, failure, capture_time,
        update_time, version
    )
    values (
        $1, $2, $3, $4, $5, $6, 'wallet', '{}', 'AUTOMATIC', $7, 'APP', $8, '{}', false,
        '', 'PURCHASE', $9, $10, $11, $12, 0, 0,
        0, '', '', $13, $14,
        $9, 1
    )
    returning merchant_id, payment_id, order_id, state, currency, amount, captured, create_time
)
insert into events (
    merchant_id, event_id, payment_id, order_id, type, state, currency, amount, captured, refunded,
    version, digest, digest_version, create_time
)
select
    merchant_id, $15, payment_id, order_id, 'CREATED', state, currency, amount, captured, 0, 1,
    $16, 1, create_time
from kept;

-- name: book
-- Fourth: the booking.
insert into transfers (
    owner_id, entry_id, position, event, payment_id, book, debit_code, debit_key, credit_code,
    credit_key, currency, amount, create_time
)
values (
    $1, $2, 0, 'payment_captured', $3, 'C', 'wallet', $4, 'merchant_unsettled', $1, $5, $6, $7
);

-- name: find
-- In place of the last three, where the key had paid before.
select p.payment_id, p.order_id, p.state, p.captured, p.create_time
from operations c
join payments p on p.merchant_id = c.owner_id and p.payment_id = c.object_id
where c.owner_id = $1 and c.idempotency_key = $2;

-- name: seed_merchants
-- Merchants that payments can name.
insert into merchants (merchant_id, settings, version, create_time, update_time)
select name, '{}', 1, now(), now()
from unnest($1::text[]) as t (name);

-- name: seed_owners
-- Payers that can have wallets.
insert into wallet_owners (owner_id, create_time)
select '@' || name, now()
from unnest($1::text[]) as t (name);

-- name: seed_wallets
-- Their wallets, with the same money in each.
insert into wallets (owner_id, currency, available, held, create_time)
select '@' || name, $2, $3, 0, now()
from unnest($1::text[]) as t (name);

-- name: totals
-- What merchants were paid, by count, and by sum from wallets; and what is left in all wallets.
select
    count(*) as payments,
    coalesce(sum(captured), 0)::bigint as paid,
    coalesce(sum(captured) filter (where channel = 'wallet'), 0)::bigint as paid_from_wallets,
    (select sum(available + held)::bigint from wallets) as left_over
from payments
where purpose = 'PURCHASE' and state = 'SUCCEEDED';

-- name: vacuums
-- How many workers of autovacuum are at work.
select count(*) from pg_stat_activity where backend_type = 'autovacuum worker';
