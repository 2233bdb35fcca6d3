-- Re-adding the ledger. Each statement gives what does not add up, and nothing where all is well;
-- only `audit_accounts` gives every account, for rules that stand in the chart.

-- name: allow_long_statements
-- Let the statements of this transaction read whole tables, in so much time, such as '600s'.
select set_config('statement_timeout', $1, true), set_config('enable_seqscan', 'on', true);

-- name: audit_accounts
-- What the transfers say of every account; of wallets all together, as balances are kept.
select
    book, code, balance_key as key, currency,
    sum(debits)::bigint as debits, sum(credits)::bigint as credits
from legs
group by book, code, balance_key, currency
order by book, code, balance_key, currency;

-- name: audit_balances
-- Accounts whose cached balance and unfolded transfers are not what all transfers say.
with kept as (
    select
        case when starts_with(owner_id, '@') then '@' else owner_id end as owner_id,
        book, code, key, currency, sum(debits) as debits, sum(credits) as credits
    from sums
    group by 1, book, code, key, currency
), told as (
    select
        balance_owner_id as owner_id, book, code, balance_key as key, currency,
        sum(debits) as debits, sum(credits) as credits
    from legs
    group by balance_owner_id, book, code, balance_key, currency
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
-- Payments whose captured or refunded amount is not what their transfers say, or that booked another purpose's.
with booked as (
    select
        owner_id as merchant_id,
        payment_id,
        min(currency) as currency,
        coalesce(sum(amount) filter (where
            debit_code in ('channel_receivable', 'wallet', 'wallet_held')
            and credit_code = 'merchant_unsettled'
        ), 0) as sold,
        coalesce(sum(amount) filter (where
            debit_code = 'channel_receivable' and credit_code = 'wallet'
        ), 0) as topped_up,
        coalesce(sum(amount) filter (where
            debit_code = 'payout_in_transit' and credit_code = 'reserve_bank'
        ), 0) as paid_out,
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
), compared as (
    select
        merchant_id, payment_id, p.currency, p.captured, p.refunded, b.currency as booked_currency,
        coalesce(
            case p.purpose
                when 'TOP_UP' then b.topped_up
                when 'WITHDRAWAL' then b.paid_out
                else b.sold
            end, 0
        )::bigint as booked_captured,
        coalesce(b.sold + b.topped_up + b.paid_out, 0)::bigint as booked_in_all,
        coalesce(b.refunded, 0)::bigint as booked_refunded
    from payments p
    full join booked b using (merchant_id, payment_id)
)
select *
from compared
where captured is distinct from booked_captured
    or booked_in_all <> booked_captured
    or refunded is distinct from booked_refunded
    or currency <> booked_currency
order by merchant_id, payment_id
limit $1;

-- name: audit_under_way
-- Payments whose money in transit or held is not what is under way with them.
with booked as (
    select
        owner_id as merchant_id, payment_id, code, key, currency, sum(credits - debits) as amount
    from legs
    where code in ('refund_in_transit', 'payout_in_transit', 'wallet_held')
    group by owner_id, payment_id, code, key, currency
), expected as (
    select
        o.merchant_id, o.payment_id, 'refund_in_transit' as code, p.channel as key, o.currency,
        o.amount
    from payment_operations o
    join payments p on p.merchant_id = o.merchant_id and p.payment_id = o.payment_id
    where o.kind in ('REFUND', 'RETURN') and o.state = 'PROCESSING'
    union all
    select merchant_id, payment_id, 'payout_in_transit', channel, currency, amount
    from payments
    where purpose = 'WITHDRAWAL' and state in ('PROCESSING', 'REQUIRES_ACTION')
    union all
    select
        merchant_id, payment_id, 'wallet_held', payer ->> 'payer_id', currency, amount - captured
    from payments
    where channel = 'wallet' and state = 'AUTHORIZED'
), compared as (
    select merchant_id, payment_id, code, key, currency, amount as booked, 0 as expected from booked
    union all
    select merchant_id, payment_id, code, key, currency, 0, amount from expected
)
select
    merchant_id, payment_id, code, key, currency,
    sum(booked)::bigint as booked, sum(expected)::bigint as expected
from compared
group by merchant_id, payment_id, code, key, currency
having sum(booked) <> sum(expected)
order by merchant_id, payment_id, code
limit $1;

-- name: audit_wallets
-- Wallets that do not hold what was booked on them.
with booked as (
    select
        key as payer_id, currency,
        sum(case when code = 'wallet' then credits - debits else 0 end) as available,
        sum(case when code = 'wallet_held' then credits - debits else 0 end) as held
    from legs
    where code in ('wallet', 'wallet_held')
    group by key, currency
), kept as (
    select substr(owner_id, 2) as payer_id, currency, available, held
    from wallets
)
select
    payer_id, currency, coalesce(k.available, 0) as available, coalesce(k.held, 0) as held,
    coalesce(b.available, 0)::bigint as booked_available,
    coalesce(b.held, 0)::bigint as booked_held
from kept k
full join booked b using (payer_id, currency)
where coalesce(k.available, 0) <> coalesce(b.available, 0)
    or coalesce(k.held, 0) <> coalesce(b.held, 0)
order by payer_id, currency
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
    select
        merchant_id, idempotency_key, payment_id as object_id,
        case purpose when 'TOP_UP' then 'TOP_UP' when 'WITHDRAWAL' then 'WITHDRAW' else 'PAY' end
            as kind
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
