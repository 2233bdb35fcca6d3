-- Re-adding the ledger. Each statement gives what does not add up, and nothing where all is well;
-- only `audit_accounts` gives every account, for rules that stand in the chart.

-- name: allow_long_statements
-- Let the statements of this transaction read whole tables, in so much time, such as '600s'.
select set_config('statement_timeout', $1, true), set_config('enable_seqscan', 'on', true);

-- name: audit_accounts
-- What the transfers say of every account.
select book, code, key, currency, sum(debits)::bigint as debits, sum(credits)::bigint as credits
from legs
group by book, code, key, currency
order by book, code, key, currency;

-- name: audit_balances
-- Accounts whose cached balance and unfolded transfers are not what all transfers say.
with kept as (
    select owner_id, book, code, key, currency, sum(debits) as debits, sum(credits) as credits
    from sums
    group by owner_id, book, code, key, currency
), told as (
    select owner_id, book, code, key, currency, sum(debits) as debits, sum(credits) as credits
    from legs
    group by owner_id, book, code, key, currency
)
select
    owner_id, book, code, key, currency,
    coalesce(k.debits, 0)::bigint as kept_debits, coalesce(k.credits, 0)::bigint as kept_credits,
    coalesce(t.debits, 0)::bigint as debits, coalesce(t.credits, 0)::bigint as credits
from kept k
full join told t using (owner_id, book, code, key, currency)
where coalesce(k.debits, 0) <> coalesce(t.debits, 0)
    or coalesce(k.credits, 0) <> coalesce(t.credits, 0)
order by owner_id, book, code, key, currency
limit $1;

-- name: audit_crossings
-- Entries that do not move the same between the books on both sides, or are of two currencies.
select owner_id, entry_id, min(currency) as currency
from transfers
group by owner_id, entry_id
having min(currency) <> max(currency)
    or sum(
        case when credit_code = 'due_to_own' then amount else 0 end
        - case when debit_code = 'due_to_own' then amount else 0 end
        - case when debit_code = 'due_from_reserve' then amount else 0 end
        + case when credit_code = 'due_from_reserve' then amount else 0 end
    ) <> 0
order by owner_id, entry_id
limit $1;

-- name: audit_payments
-- Payments whose captured or refunded amount is not what their transfers say.
with booked as (
    select
        owner_id as merchant_id,
        payment_id,
        min(currency) as currency,
        sum(case
            when debit_code = 'channel_receivable' and credit_code = 'merchant_unsettled'
            then amount else 0
        end) as captured,
        sum(case
            when debit_code = 'merchant_unsettled' and credit_code = 'refund_in_transit'
            then amount
            when debit_code = 'refund_in_transit' and credit_code = 'merchant_unsettled'
            then -amount
            else 0
        end) as refunded
    from transfers
    where payment_id is not null
    group by owner_id, payment_id
)
select
    merchant_id, payment_id, p.currency, p.captured, p.refunded, b.currency as booked_currency,
    coalesce(b.captured, 0)::bigint as booked_captured,
    coalesce(b.refunded, 0)::bigint as booked_refunded
from payments p
full join booked b using (merchant_id, payment_id)
where p.captured is distinct from coalesce(b.captured, 0)
    or p.refunded is distinct from coalesce(b.refunded, 0)
    or p.currency <> b.currency
order by merchant_id, payment_id
limit $1;

-- name: audit_refunds
-- Payments whose money in transit is not the sum of their refunds and returns under way.
with booked as (
    select
        owner_id as merchant_id,
        payment_id,
        case when credit_code = 'refund_in_transit' then credit_key else debit_key end as channel,
        currency,
        sum(case when credit_code = 'refund_in_transit' then amount else -amount end) as amount
    from transfers
    where debit_code = 'refund_in_transit' or credit_code = 'refund_in_transit'
    group by 1, 2, 3, 4
), expected as (
    select o.merchant_id, o.payment_id, p.channel, o.currency, sum(o.amount) as amount
    from payment_operations o
    join payments p on p.merchant_id = o.merchant_id and p.payment_id = o.payment_id
    where o.kind in ('REFUND', 'RETURN') and o.state = 'PROCESSING'
    group by 1, 2, 3, 4
), compared as (
    select merchant_id, payment_id, channel, currency, amount as booked, 0 as expected from booked
    union all
    select merchant_id, payment_id, channel, currency, 0, amount from expected
)
select
    merchant_id, payment_id, channel, currency,
    sum(booked)::bigint as booked, sum(expected)::bigint as expected
from compared
group by merchant_id, payment_id, channel, currency
having sum(booked) <> sum(expected)
order by merchant_id, payment_id
limit $1;

-- name: audit_events
-- Payments that lack an event for a version, or whose latest event says something else.
with told as (
    select merchant_id, payment_id, count(*) as events, max(version) as version
    from events
    group by merchant_id, payment_id
)
select
    p.merchant_id, p.payment_id, p.version,
    coalesce(t.events, 0) as events, coalesce(t.version, 0) as told_version
from payments p
left join told t on t.merchant_id = p.merchant_id and t.payment_id = p.payment_id
left join events e
    on e.merchant_id = p.merchant_id and e.payment_id = p.payment_id and e.version = p.version
where t.events is distinct from p.version
    or t.version is distinct from p.version
    or (e.state, e.currency, e.amount, e.captured, e.refunded)
        is distinct from (p.state, p.currency, p.amount, p.captured, p.refunded)
order by p.merchant_id, p.payment_id
limit $1;

-- name: audit_claims
-- Keys that stand for nothing though they were not refused, and objects whose key stands for another.
with objects as (
    select merchant_id, idempotency_key, payment_id as object_id, 'PAY' as kind
    from payments
    union all
    select merchant_id, idempotency_key, operation_id, kind
    from payment_operations
    where idempotency_key <> ''
), claims as (
    select owner_id as merchant_id, idempotency_key, object_id, kind
    from operations
    where refusal is null and kind <> 'FUND'
)
select
    merchant_id, idempotency_key, object_id, kind,
    c.object_id is not null as claimed, o.object_id is not null as made
from objects o
full join claims c using (merchant_id, idempotency_key, object_id, kind)
where c.object_id is null or o.object_id is null
order by merchant_id, idempotency_key
limit $1;

-- name: audit_budgets
-- Currencies in which the platform may advance more than it has in the reserve.
with held as (
    select currency, sum(credits - debits) as amount
    from legs
    where book = 'C' and code = 'due_to_own'
    group by currency
)
select f.currency, f.budget, coalesce(h.amount, 0)::bigint as held
from own_funds f
left join held h on h.currency = f.currency
where f.budget > coalesce(h.amount, 0)
order by f.currency
limit $1;

-- name: audit_horizon
-- A horizon in the future of this server: its data came from another server by a dump.
select horizon
from fold_position
where singleton and horizon > pg_snapshot_xmax(pg_current_snapshot())
limit $1;
