-- Reading payments, alone or with everything a decision about one needs.

-- name: find_claim
-- What a key stands for.
select
    owner_id, idempotency_key, kind, fingerprint, fingerprint_version, object_id, refusal,
    refusal_message, caller_id, create_time
from operations
where owner_id = $1 and idempotency_key = $2;

-- name: lock_payment
-- Keep every other decision about a payment waiting. What it is has to be read after that.
select payment_id
from payments
where merchant_id = $1 and payment_id = $2
for no key update;

-- name: load_aggregate
-- A payment with its operations, its attempts and the merchant's serial number, as of one moment.
select
    to_jsonb(p) as payment,
    m.serial,
    (
        select coalesce(jsonb_agg(to_jsonb(o) order by o.create_time, o.operation_id), '[]')
        from payment_operations o
        where o.merchant_id = $1 and o.payment_id = $2 and o.amount >= 0
    ) as operations,
    (
        select coalesce(jsonb_agg(to_jsonb(a) order by a.create_time, a.attempt_id), '[]')
        from attempts a
        where a.merchant_id = $1 and a.payment_id = $2 and a.amount > 0
    ) as attempts
from payments p
join merchants m on m.merchant_id = p.merchant_id
where p.merchant_id = $1 and p.payment_id = $2;

-- name: lock_guard
-- Keep every other decision by the merchant's balance in a currency waiting.
select merchant_id
from balance_guards
where merchant_id = $1 and currency = $2
for no key update;

-- name: insert_guard
-- Make the guard of a merchant's balance where it has none yet.
insert into balance_guards (merchant_id, currency)
values ($1, $2)
on conflict (merchant_id, currency) do nothing;

-- name: read_funds
-- What the merchant has unsettled, and what the platform may still advance, in a currency.
select
    coalesce((
        select sum(s.credits - s.debits)
        from sums s
        where s.owner_id = $1 and s.book = 'C' and s.code = 'merchant_unsettled'
            and s.key = $1 and s.currency = $2
    ), 0)::bigint as merchant_balance,
    coalesce((select f.budget from own_funds f where f.currency = $2), 0) as platform_budget;

-- name: lock_budget
-- What the platform may still advance, kept for whoever asks until its commit.
select budget
from own_funds
where currency = $1
for no key update;

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
