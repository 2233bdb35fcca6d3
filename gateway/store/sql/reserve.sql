-- The reserve proof, from the transfers alone.
--
-- As of a moment means: stamped before it, and decided below the horizon that was kept for it when
-- it was first asked for. Without a moment, everything that is committed.

-- name: find_moment
-- The horizon that was kept for a moment.
select horizon from reserve_moments where moment = $1;

-- name: new_horizon
-- Whether a moment is so old already, and a horizon above everything that is committed now.
select
    $1 <= now() - $2::interval as old_enough,
    pg_snapshot_xmax(pg_current_snapshot()) as horizon;

-- name: keep_moment
-- Keep a horizon for a moment, unless somebody else did.
insert into reserve_moments (moment, horizon)
values ($1, $2)
on conflict (moment) do nothing;

-- name: reserve_sides
-- Per code and currency: what is on its accounts as credit, and what as debit.
select
    code, currency,
    sum(greatest(balance, 0))::bigint as credit, sum(greatest(-balance, 0))::bigint as debit
from (
    select book, code, key, currency, sum(credits - debits) as balance
    from legs
    where ($1::timestamptz is null or create_time < $1) and ($2::xid8 is null or xid < $2)
    group by book, code, key, currency
) as accounts
group by book, code, currency
order by currency, book, code;

-- name: reserve_receivables
-- What channels owe, and how much of it is overdue: owed for so long, and not settled by all they ever paid.
select
    key as channel, currency,
    sum(debits - credits)::bigint as outstanding,
    greatest(
        sum(case when create_time < coalesce($1, now()) - $3::interval then debits else 0 end)
            - sum(credits),
        0
    )::bigint as overdue
from legs
where book = 'C' and code = 'channel_receivable'
    and ($1::timestamptz is null or create_time < $1) and ($2::xid8 is null or xid < $2)
group by key, currency
order by currency, key;

-- name: moment_read
-- The moment that a snapshot shows, by this database's clock.
select now();
