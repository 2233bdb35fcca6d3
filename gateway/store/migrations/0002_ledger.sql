-- The double-entry ledger: transfers, which are never changed, and what is derived from them.
--
-- A row is a transfer: one debit and one credit of the same amount within one book, so the journal
-- cannot be out of balance. Balances are folds of transfers: `balances` holds what was folded up to
-- a horizon, and who reads adds what came after it. Transaction ids order commits where ids and
-- times do not, so the horizon is one of them.

create table transfers (
    owner_id text collate "C" not null,
    entry_id uuid not null,
    position smallint not null,
    event text collate "C" not null,
    payment_id uuid,
    operation_id uuid,
    book text collate "C" not null,
    debit_code text collate "C" not null,
    debit_key text collate "C" not null,
    credit_code text collate "C" not null,
    credit_key text collate "C" not null,
    currency text collate "C" not null,
    amount bigint not null,
    create_time timestamptz not null,
    xid xid8 not null default pg_current_xact_id(),
    constraint transfers_key unique nulls not distinct (owner_id, payment_id, entry_id, position),
    constraint transfers_amount_check check (amount > 0),
    constraint transfers_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint transfers_chart_check check (
        case book
            when 'C' then
                debit_code in (
                    'reserve_bank', 'channel_receivable', 'wallet', 'wallet_held',
                    'merchant_unsettled', 'merchant_available', 'refund_in_transit',
                    'payout_in_transit', 'escrow', 'dispute_hold', 'suspense', 'due_to_own'
                )
                and credit_code in (
                    'reserve_bank', 'channel_receivable', 'wallet', 'wallet_held',
                    'merchant_unsettled', 'merchant_available', 'refund_in_transit',
                    'payout_in_transit', 'escrow', 'dispute_hold', 'suspense', 'due_to_own'
                )
            when 'O' then
                debit_code in (
                    'due_from_reserve', 'own_bank', 'merchant_debt', 'fee_income',
                    'channel_fee_expense', 'promo_expense', 'loss_compensation'
                )
                and credit_code in (
                    'due_from_reserve', 'own_bank', 'merchant_debt', 'fee_income',
                    'channel_fee_expense', 'promo_expense', 'loss_compensation'
                )
            else false
        end
    )
);
comment on table transfers is 'The journal: one debit and one credit per row. Never changed.';

-- Every payment adds a row here, so the key that no two transfers share is also the index by which
-- those of a payment are found; a primary key could not have a column that may be null.
create index transfers_owner_xid_idx on transfers (owner_id, xid);
create index transfers_xid_idx on transfers (xid);

create table balances (
    owner_id text collate "C" not null,
    book text collate "C" not null,
    code text collate "C" not null,
    key text collate "C" not null,
    currency text collate "C" not null,
    debits bigint not null,
    credits bigint not null,
    constraint balances_pkey primary key (owner_id, book, code, key, currency),
    constraint balances_sums_check check (debits >= 0 and credits >= 0)
);
comment on table balances is 'Sums per account of the transfers below the horizon.';

create table fold_position (
    singleton boolean not null default true,
    horizon xid8 not null,
    constraint fold_position_pkey primary key (singleton),
    constraint fold_position_singleton_check check (singleton)
);
comment on table fold_position is 'The transaction id below which every transfer is in balances.';

insert into fold_position (horizon) values ('0');

create view legs as
select owner_id, payment_id, xid, create_time, book, debit_code as code, debit_key as key, currency,
    amount as debits, 0::bigint as credits,
    case when starts_with(owner_id, '@') then '@' else owner_id end as balance_owner_id,
    case when debit_code in ('wallet', 'wallet_held') then '' else debit_key end as balance_key
from transfers
union all
select owner_id, payment_id, xid, create_time, book, credit_code, credit_key, currency,
    0::bigint, amount,
    case when starts_with(owner_id, '@') then '@' else owner_id end,
    case when credit_code in ('wallet', 'wallet_held') then '' else credit_key end
from transfers;
comment on view legs is 'The two sides of every transfer.';
comment on column legs.balance_owner_id is 'The owner of the balance: all payers are one.';
comment on column legs.balance_key is
    'The key of the balance: all wallets are one, as each has a row of its own. So there are no more
balances than merchants make, however many payers there are.';

create view sums as
select owner_id, book, code, key, currency, debits, credits
from balances
union all
select owner_id, book, code, balance_key, currency, debits, credits
from legs
where xid >= (select horizon from fold_position where singleton);
comment on view sums is
    'What adds up to the balances as they are now: the folded sums and what is not yet folded.
Complete for a merchant, and for all owners together.';

create table balance_guards (
    merchant_id text collate "C" not null,
    currency text collate "C" not null,
    create_time timestamptz not null default now(),
    constraint balance_guards_pkey primary key (merchant_id, currency)
);
comment on table balance_guards is
    'Locked by whoever decides by a merchant''s balance, so that decisions come one after another.';

create table own_funds (
    currency text collate "C" not null,
    budget bigint not null,
    constraint own_funds_pkey primary key (currency),
    constraint own_funds_budget_check check (budget >= 0)
);
comment on table own_funds is 'What the platform may still advance out of its own money.';

grant select, insert on transfers to gateway_runtime;
grant select on legs, sums to gateway_runtime;
grant select, insert, update (debits, credits) on balances to gateway_runtime;
grant select, update (horizon) on fold_position to gateway_runtime;
grant select, insert, update (create_time) on balance_guards to gateway_runtime;
grant select, insert, update (budget) on own_funds to gateway_runtime;
