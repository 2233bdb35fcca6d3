-- The feed of state changes, in commit order.
--
-- Ids and times commit out of order, so who pages by them misses rows. Below the oldest transaction
-- that still runs nothing can appear any more: the feed ends there, ordered by (xid, event_id).

-- name: feed_end
-- The first transaction that may still write something.
select pg_snapshot_xmin(pg_current_snapshot()) as horizon;

-- name: read_events
-- One merchant's events after a position and below the horizon; at least one row, for the horizon.
select
    f.horizon, e.event_id, e.operation_id, e.type, e.state, e.captured, e.refunded, e.version,
    e.digest, e.digest_version, e.create_time, e.xid,
    (
        select to_jsonb(p)
        from payments p
        where p.merchant_id = $1 and p.payment_id = e.payment_id
    ) as payment
from (select pg_snapshot_xmin(pg_current_snapshot()) as horizon) f
left join lateral (
    select *
    from events
    where merchant_id = $1 and (xid, event_id) > ($2, $3) and xid < f.horizon
    order by xid, event_id
    limit $4
) e on true
order by e.xid, e.event_id;
