-- Payers' wallets, and the moments as of which the reserve was proven.
--
-- What a wallet holds is the fold of its transfers, and stands in its row too, so that a payment is
-- decided under one lock. No row can be below zero, whoever decides.

create table wallet_owners (
    owner_id text collate "C" not null,
    serial bigint not null generated always as identity (start with 34359738368),
    create_time timestamptz not null,
    constraint wallet_owners_pkey primary key (owner_id),
    constraint wallet_owners_serial_key unique (serial),
    constraint wallet_owners_owner_id_check
        check (starts_with(owner_id, '@') and length(owner_id) between 2 and 65),
    constraint wallet_owners_serial_check check (serial between 34359738368 and 56800235583)
);
comment on table wallet_owners is 'Payers that have wallets.';
comment on column wallet_owners.serial is
    'Six digits of base 62 in the numbers that channels know. Merchants have those below 2^35.';

-- A wallet's row changes with every payment from it. Half of each page is left free, and no index
-- holds what changes, so a new version stays on its page and the old ones are pruned there by the
-- next update: indexes do not grow, and nothing is left for autovacuum, which keeps its defaults.
create table wallets (
    owner_id text collate "C" not null,
    currency text collate "C" not null,
    available bigint not null,
    held bigint not null,
    create_time timestamptz not null,
    update_time timestamptz not null default now(),
    constraint wallets_pkey primary key (owner_id, currency),
    constraint wallets_owner_fkey foreign key (owner_id) references wallet_owners (owner_id),
    constraint wallets_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint wallets_available_check check (available >= 0),
    constraint wallets_held_check check (held >= 0)
) with (fillfactor = 50);
comment on table wallets is 'What payers keep with us, in minor units, as it is now.';

-- A payer's entries are owned by the merchants that were paid, so they are found by the wallet. A
-- transfer touches one wallet at most: of what stands on both sides, the key is the same.
create index transfers_wallet_idx on transfers (
    (case when debit_code in ('wallet', 'wallet_held') then debit_key else credit_key end),
    currency,
    entry_id
) where debit_code in ('wallet', 'wallet_held') or credit_code in ('wallet', 'wallet_held');

create table reserve_moments (
    moment timestamptz not null,
    horizon xid8 not null,
    create_time timestamptz not null default now(),
    constraint reserve_moments_pkey primary key (moment)
);
comment on table reserve_moments is
    'Past moments for which the reserve was proven, and the transaction id below which every transfer
belongs to the answer, so that it stays what it was.';

grant select, insert on wallet_owners to gateway_runtime;
grant select, insert, update (available, held, update_time) on wallets to gateway_runtime;
grant select, insert on reserve_moments to gateway_runtime;
