-- Merchants. Rarely written, so each statement is the simplest that is right.

-- name: insert_merchant
-- Keep a new merchant; nothing comes back where the id is taken.
insert into merchants (merchant_id, settings, version, create_time, update_time)
values ($1, $2, $3, $4, $5)
on conflict (merchant_id) do nothing
returning merchant_id, serial, settings, version, create_time, update_time;

-- name: update_merchant
-- Replace a merchant that still has the version expected.
update merchants set settings = $3, version = $4, update_time = $5
where merchant_id = $1 and version = $2
returning merchant_id, serial, settings, version, create_time, update_time;

-- name: find_merchants
-- Many merchants, each found by its key.
select m.merchant_id, m.serial, m.settings, m.version, m.create_time, m.update_time
from unnest($1::text[]) as wanted (merchant_id)
cross join lateral (
    select merchant_id, serial, settings, version, create_time, update_time
    from merchants
    where merchants.merchant_id = wanted.merchant_id
    offset 0
) as m;

-- name: find_owner_by_serial
-- Who is named by this serial number in our numbers; no merchant has one of a payer's.
select merchant_id as owner_id from merchants where serial = $1
union all
select owner_id from wallet_owners where serial = $1;

-- name: list_merchants
-- Merchants whose ids begin so, by id, after the one named. The end is the first id beyond the beginning.
select merchant_id, serial, settings, version, create_time, update_time
from merchants
where merchant_id > $1 and merchant_id >= $2 and merchant_id < $3
order by merchant_id
limit $4;
