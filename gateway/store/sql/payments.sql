-- Reading payments, alone or with everything a decision about one needs.
--
-- What is looked up by key is looked up by a lateral query that cannot be flattened (it locks, or has
-- an offset): a join would be planned by what the planner thinks of the table, and read all of it
-- where the plan was made while there was little in it.

-- name: find_claims
-- What each of many keys stands for.
select
    c.owner_id, c.idempotency_key, c.kind, c.fingerprint, c.fingerprint_version, c.object_id,
    c.refusal, c.refusal_message, c.caller_id, c.create_time
from unnest($1::text[], $2::text[]) as k (owner_id, idempotency_key)
cross join lateral (
    select *
    from operations
    where owner_id = k.owner_id and idempotency_key = k.idempotency_key
    offset 0
) c;

-- name: look_at_keys_and_wallets
-- What each of many keys stands for, and what the wallet beside it holds; nothing is locked.
select
    k.owner_id, k.idempotency_key, k.wallet_owner_id, k.currency,
    c.kind, c.fingerprint, c.fingerprint_version, c.object_id, c.refusal, c.refusal_message,
    c.caller_id, c.create_time, w.available, w.held
from unnest($1::text[], $2::text[], $3::text[], $4::text[])
    as k (owner_id, idempotency_key, wallet_owner_id, currency)
left join lateral (
    select *
    from operations
    where owner_id = k.owner_id and idempotency_key = k.idempotency_key
    offset 0
) c on true
left join lateral (
    select available, held
    from wallets
    where owner_id = k.wallet_owner_id and currency = k.currency
    offset 0
) w on true;

-- name: find_payments
-- Each of many payments, alone.
select
    p.merchant_id, p.payment_id, p.idempotency_key, p.order_id, p.currency, p.amount, p.channel,
    p.method_details, p.capture_mode, p.payer, p.scene, p.description, p.attributes,
    p.one_per_order, p.fee_terms, p.caller_id, p.purpose, p.create_time, p.expire_time, p.state,
    p.captured, p.refunded, p.fee_millionths, p.fee_returned_millionths, p.attempt_number,
    p.channel_number, p.next_action, p.failure, p.authorize_time, p.capture_time,
    p.capture_before_time, p.update_time, p.version,
    case
        when p.attempt_number <> '' then (
            select a.funding_source
            from attempts a
            where a.merchant_id = p.merchant_id and a.number = p.attempt_number and a.amount > 0
        )
    end as funding_source
from unnest($1::text[], $2::uuid[]) as k (merchant_id, payment_id)
cross join lateral (
    select *
    from payments
    where merchant_id = k.merchant_id and payment_id = k.payment_id
    offset 0
) p;

-- name: find_taken_orders
-- Which of many orders have a payment that lets no other be made.
select p.merchant_id, p.order_slot
from unnest($1::text[], $2::text[]) as k (merchant_id, order_id)
cross join lateral (
    select merchant_id, order_slot
    from payments
    where merchant_id = k.merchant_id and order_slot = k.order_id
    offset 0
) p;

-- name: lock_payments
-- Keep every other decision about payments waiting. What they are has to be read after that.
select p.merchant_id, p.payment_id
from (
    select *
    from unnest($1::text[], $2::uuid[]) as k (merchant_id, payment_id)
    order by merchant_id collate "C", payment_id
) k
cross join lateral (
    select merchant_id, payment_id
    from payments
    where merchant_id = k.merchant_id and payment_id = k.payment_id
    for no key update
) p;

-- name: load_aggregates
-- Payments with their operations and their attempts, as of one moment.
select
    p.merchant_id, p.payment_id, p.idempotency_key, p.order_id, p.currency, p.amount, p.channel,
    p.method_details, p.capture_mode, p.payer, p.scene, p.description, p.attributes,
    p.one_per_order, p.fee_terms, p.caller_id, p.purpose, p.create_time, p.expire_time, p.state,
    p.captured, p.refunded, p.fee_millionths, p.fee_returned_millionths, p.attempt_number,
    p.channel_number, p.next_action, p.failure, p.authorize_time, p.capture_time,
    p.capture_before_time, p.update_time, p.version,
    case
        when p.attempt_number <> '' then (
            select a.funding_source
            from attempts a
            where a.merchant_id = p.merchant_id and a.number = p.attempt_number and a.amount > 0
        )
    end as funding_source,
    (
        select jsonb_agg(to_jsonb(o) order by o.create_time, o.operation_id)
        from payment_operations o
        where o.merchant_id = k.merchant_id and o.payment_id = k.payment_id and o.amount >= 0
    ) as operations,
    (
        select jsonb_agg(to_jsonb(a) order by a.create_time, a.attempt_id)
        from attempts a
        where a.merchant_id = k.merchant_id and a.payment_id = k.payment_id and a.amount > 0
    ) as attempts
from unnest($1::text[], $2::uuid[]) as k (merchant_id, payment_id)
cross join lateral (
    select *
    from payments
    where merchant_id = k.merchant_id and payment_id = k.payment_id
    offset 0
) p;

-- name: insert_guards
-- Make the guards of merchants' balances where there are none yet.
insert into balance_guards (merchant_id, currency)
select k.merchant_id, k.currency
from unnest($1::text[], $2::text[]) as k (merchant_id, currency)
on conflict (merchant_id, currency) do nothing;

-- name: lock_guards
-- Keep every other decision by merchants' balances waiting. They have to be read after that.
select g.merchant_id
from (
    select *
    from unnest($1::text[], $2::text[]) as k (merchant_id, currency)
    order by merchant_id collate "C", currency collate "C"
) k
cross join lateral (
    select merchant_id
    from balance_guards
    where merchant_id = k.merchant_id and currency = k.currency
    for no key update
) g;

-- name: read_funds
-- What merchants have unsettled, and what the platform may still advance, per currency.
select
    k.merchant_id, k.currency,
    coalesce((
        select sum(s.credits - s.debits)
        from sums s
        where s.owner_id = k.merchant_id and s.book = 'C' and s.code = 'merchant_unsettled'
            and s.key = k.merchant_id and s.currency = k.currency
    ), 0)::bigint as merchant_balance,
    coalesce((select f.budget from own_funds f where f.currency = k.currency), 0)
        as platform_budget
from unnest($1::text[], $2::text[]) as k (merchant_id, currency);

-- name: lock_wallets
-- What is in wallets, kept from every other decision.
select w.owner_id, w.currency, w.available, w.held
from (
    select *
    from unnest($1::text[], $2::text[]) as k (owner_id, currency)
    order by owner_id collate "C", currency collate "C"
) k
cross join lateral (
    select owner_id, currency, available, held
    from wallets
    where owner_id = k.owner_id and currency = k.currency
    for no key update
) w;

-- name: lock_budgets
-- What the platform may still advance, kept for whoever asks until its commit.
select f.currency, f.budget
from unnest($1::text[]) as k (currency)
join own_funds f on f.currency = k.currency
order by f.currency
for no key update of f;

-- name: find_operation
-- One operation.
select to_jsonb(o) as operation
from payment_operations o
where o.merchant_id = $1 and o.operation_id = $2;

-- name: find_attempt
-- One attempt.
select to_jsonb(a) as attempt
from attempts a
where a.merchant_id = $1 and a.attempt_id = $2;
