-- The journal and its balances. A balance is always the folded sums plus what is not yet folded,
-- read in one statement, so by one snapshot.

-- name: merchant_accounts
-- The accounts that are the merchant's own: those of the codes given, under the merchant's key.
select book, code, key, currency, sum(debits)::bigint as debits, sum(credits)::bigint as credits
from sums
where owner_id = $1 and key = $1 and code = any($2)
group by book, code, key, currency
order by book, code, key, currency;

-- name: trial_balance
-- All accounts.
select book, code, key, currency, sum(debits)::bigint as debits, sum(credits)::bigint as credits
from sums
group by book, code, key, currency
order by book, code, key, currency;

-- name: trial_balance_of_owner
-- The accounts that one owner's events touched.
select book, code, key, currency, sum(debits)::bigint as debits, sum(credits)::bigint as credits
from sums
where owner_id = $1
group by book, code, key, currency
order by book, code, key, currency;

-- name: payment_transfers
-- A payment's transfers, oldest first.
select
    owner_id, entry_id, event, payment_id, operation_id, book, debit_code, debit_key, credit_code,
    credit_key, currency, amount, create_time
from transfers
where owner_id = $1 and payment_id = $2
order by create_time, entry_id, position;

-- name: lock_fold_position
-- Where the last fold ended. Other folds wait.
select horizon
from fold_position
where singleton
for update;

-- name: find_fold_end
-- Where a fold may end: below every transaction that runs, and after so many transfers at most.
select least(
    pg_snapshot_xmin(pg_current_snapshot()),
    (select xid from transfers where xid >= $1 order by xid offset $2 limit 1)
);

-- name: fold_transfers
-- Add the transfers from one horizon up to the next to the cached balances.
insert into balances as b (owner_id, book, code, key, currency, debits, credits)
select
    balance_owner_id, book, code, balance_key, currency, sum(debits), sum(credits)
from legs
where xid >= $1 and xid < $2
group by balance_owner_id, book, code, balance_key, currency
order by balance_owner_id, book, code, balance_key, currency
on conflict (owner_id, book, code, key, currency) do update set
    debits = b.debits + excluded.debits,
    credits = b.credits + excluded.credits
returning 1;

-- name: move_fold_position
-- Keep where this fold ended.
update fold_position set horizon = $1
where singleton;

-- name: insert_claim
-- Claim a key; nothing comes back where it stands for something already.
insert into operations (
    owner_id, idempotency_key, kind, fingerprint, fingerprint_version, object_id, refusal,
    refusal_message, caller_id, create_time
)
select
    owner_id, idempotency_key, kind, fingerprint, fingerprint_version, object_id, refusal,
    refusal_message, caller_id, create_time
from jsonb_populate_recordset(null::operations, $1)
on conflict (owner_id, idempotency_key) do nothing
returning object_id;

-- name: insert_transfers
-- Book transfers that belong to no payment.
insert into transfers (
    owner_id, entry_id, position, event, payment_id, operation_id, book, debit_code, debit_key,
    credit_code, credit_key, currency, amount, create_time
)
select
    owner_id, entry_id, position, event, payment_id, operation_id, book, debit_code, debit_key,
    credit_code, credit_key, currency, amount, create_time
from unnest($1::written_transfer[]);

-- name: raise_budget
-- Let the platform advance more.
insert into own_funds as f (currency, budget)
values ($1, $2)
on conflict (currency) do update set budget = f.budget + excluded.budget;
