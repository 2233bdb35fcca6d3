-- Payers' wallets: made here, moved only by the statement that books why.

-- name: find_wallet
-- One wallet, with its owner's serial number.
select w.owner_id, w.currency, w.available, w.held, w.create_time, w.update_time, o.serial
from wallets w
join wallet_owners o on o.owner_id = w.owner_id
where w.owner_id = $1 and w.currency = $2;

-- name: insert_wallet_owner
-- Give a payer a serial number, unless there is one: a try that meets one uses up another.
insert into wallet_owners (owner_id, create_time)
select $1, $2
where not exists (select from wallet_owners where owner_id = $1)
on conflict (owner_id) do nothing;

-- name: insert_wallet
-- Make an empty wallet, unless there is one.
insert into wallets (owner_id, currency, available, held, create_time, update_time)
values ($1, $2, 0, 0, $3, $3)
on conflict (owner_id, currency) do nothing;

-- name: list_wallet_transfers
-- The transfers of a wallet in the entries before the one named, so many entries, newest first.
select
    owner_id, entry_id, event, payment_id, operation_id, book, debit_code, debit_key, credit_code,
    credit_key, currency, amount, create_time
from (
    select t.*, dense_rank() over (order by t.entry_id desc) as place
    from transfers t
    where (t.debit_code in ('wallet', 'wallet_held') or t.credit_code in ('wallet', 'wallet_held'))
        and case when t.debit_code in ('wallet', 'wallet_held') then t.debit_key else t.credit_key end
            = $1
        and t.currency = $2
        and t.entry_id < $3
) as placed
where place <= $4
order by entry_id desc, position;
