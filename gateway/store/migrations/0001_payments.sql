-- Payments, what is done to them, and what their keys stand for.
--
-- The owner is the first column of every key, so that the tables can be distributed by owner: it is
-- the merchant, or `@payer` for what is done to a payer's own wallet. Ids and times come from the gateway. The runtime role may change only what
-- changes in a life; what a payment was asked for stays as it was written.

create table deployment (
    singleton boolean not null default true,
    deployment_id uuid not null default gen_random_uuid(),
    token_key bytea not null,
    create_time timestamptz not null default now(),
    constraint deployment_pkey primary key (singleton),
    constraint deployment_singleton_check check (singleton),
    constraint deployment_token_key_check check (octet_length(token_key) = 32)
);
comment on table deployment is 'This database: its id stands in cursors, its key signs page tokens.';

insert into deployment (token_key)
values (sha256(
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
));

create table merchants (
    merchant_id text collate "C" not null,
    serial bigint not null generated always as identity,
    settings jsonb not null,
    version bigint not null,
    create_time timestamptz not null,
    update_time timestamptz not null,
    constraint merchants_pkey primary key (merchant_id),
    constraint merchants_serial_key unique (serial),
    constraint merchants_merchant_id_check check (length(merchant_id) between 1 and 64),
    constraint merchants_serial_check check (serial between 1 and 34359738367),
    constraint merchants_version_check check (version > 0)
);
comment on table merchants is 'Merchants. A small table that every node of a cluster may hold whole.';
comment on column merchants.serial is
    'Six digits of base 62 in the numbers that channels know. Wallets'' owners have those from 2^35 on.';

create table operations (
    owner_id text collate "C" not null,
    idempotency_key text collate "C" not null,
    kind text not null,
    fingerprint bytea not null,
    fingerprint_version smallint not null,
    object_id uuid not null,
    refusal text,
    refusal_message text not null default '',
    caller_id text collate "C" not null default '',
    create_time timestamptz not null,
    constraint operations_pkey primary key (owner_id, idempotency_key),
    constraint operations_owner_id_check check (length(owner_id) between 1 and 65),
    constraint operations_idempotency_key_check check (length(idempotency_key) between 1 and 64),
    constraint operations_kind_check
        check (kind in ('PAY', 'CAPTURE', 'CANCEL', 'REFUND', 'TOP_UP', 'WITHDRAW', 'FUND')),
    constraint operations_fingerprint_check check (octet_length(fingerprint) = 32),
    constraint operations_refusal_check check (refusal is not null or refusal_message = '')
);
comment on table operations is 'What each idempotency key stands for, for ever. Never deleted.';

create table payments (
    merchant_id text collate "C" not null,
    payment_id uuid not null,
    idempotency_key text collate "C" not null,
    order_id text collate "C" not null,
    currency text collate "C" not null,
    amount bigint not null,
    channel text collate "C" not null,
    method_details jsonb not null,
    capture_mode text not null,
    payer jsonb not null,
    scene text not null,
    description text not null,
    attributes jsonb not null,
    one_per_order boolean not null,
    fee_terms jsonb,
    caller_id text collate "C" not null,
    purpose text not null,
    create_time timestamptz not null,
    expire_time timestamptz not null,
    state text not null,
    captured bigint not null,
    refunded bigint not null,
    fee_millionths bigint not null,
    fee_returned_millionths bigint not null,
    attempt_number text collate "C" not null,
    channel_number text collate "C" not null,
    next_action jsonb,
    failure jsonb,
    authorize_time timestamptz,
    capture_time timestamptz,
    capture_before_time timestamptz,
    update_time timestamptz not null,
    version bigint not null,
    due_time timestamptz,
    order_slot text collate "C" generated always as (
        case
            when one_per_order
                and state in ('PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED', 'SUCCEEDED')
            then order_id
        end
    ) stored,
    constraint payments_pkey primary key (merchant_id, payment_id),
    constraint payments_merchant_id_check check (length(merchant_id) between 1 and 65),
    constraint payments_purpose_check check (purpose in ('PURCHASE', 'TOP_UP', 'WITHDRAWAL')),
    constraint payments_purpose_owner_check
        check ((purpose = 'PURCHASE') = not starts_with(merchant_id, '@')),
    constraint payments_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint payments_amount_check check (amount between 1 and 1000000000000),
    constraint payments_captured_check check (captured between 0 and amount),
    constraint payments_refunded_check check (refunded between 0 and captured),
    constraint payments_capture_mode_check check (capture_mode in ('AUTOMATIC', 'MANUAL')),
    constraint payments_scene_check
        check (scene in ('APP', 'WEB', 'MINI_PROGRAM', 'IN_STORE', 'OFF_SESSION')),
    constraint payments_state_check check (
        state in (
            'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED', 'SUCCEEDED',
            'FAILED', 'CANCELED', 'EXPIRED'
        )
    ),
    constraint payments_state_captured_check check (
        case state
            when 'SUCCEEDED' then captured > 0
            when 'AUTHORIZED' then true
            else captured = 0
        end
    ),
    constraint payments_capture_time_check check ((captured > 0) = (capture_time is not null)),
    constraint payments_authorize_time_check check (
        state <> 'AUTHORIZED' or (authorize_time is not null and capture_before_time is not null)
    ),
    constraint payments_next_action_check
        check ((next_action is not null) = (state = 'REQUIRES_ACTION')),
    constraint payments_failure_check check ((failure is not null) = (state = 'FAILED')),
    constraint payments_fee_check check (
        fee_returned_millionths between 0 and fee_millionths
        and (fee_terms is not null or fee_millionths = 0)
    ),
    constraint payments_due_time_check check ((due_time is not null) = (state = 'AUTHORIZED')),
    constraint payments_version_check check (version > 0)
);
comment on table payments is 'Payments as they are now.';
comment on column payments.merchant_id is
    'The owner: the merchant that is paid, or @payer for a top-up or a withdrawal.';
comment on column payments.due_time is
    'When workers next look whether an authorisation has ended; a lease moves it.';
comment on column payments.order_slot is
    'The order, while no other payment of it may be made; null otherwise.';

-- Every filter that a list may have begins an index of its own, so that no list reads many more rows
-- than it gives, whatever the merchant's size. `amount > 0` holds for every row and stands in the
-- lists' own conditions: who looks up one payment does not name it, and so is sent through the
-- primary key even while the table has no statistics and one index looks as good as another.
create unique index payments_order_slot_key on payments (merchant_id, order_slot)
    where order_slot is not null;
create index payments_create_time_idx on payments (merchant_id, create_time)
    where amount > 0;
create index payments_order_id_idx on payments (merchant_id, order_id, create_time)
    where amount > 0;
create index payments_state_idx on payments (merchant_id, state, create_time)
    where amount > 0;
create index payments_channel_idx on payments (merchant_id, channel, create_time)
    where amount > 0;
create index payments_due_time_idx on payments (due_time) where due_time is not null;

create table payment_operations (
    merchant_id text collate "C" not null,
    operation_id uuid not null,
    payment_id uuid not null,
    kind text not null,
    idempotency_key text collate "C" not null,
    currency text collate "C" not null,
    amount bigint not null,
    final boolean not null,
    advanced bigint not null,
    description text not null,
    caller_id text collate "C" not null,
    create_time timestamptz not null,
    state text not null,
    failure jsonb,
    attempt_number text collate "C" not null,
    channel_number text collate "C" not null,
    under_review boolean not null,
    update_time timestamptz not null,
    constraint payment_operations_pkey primary key (merchant_id, operation_id),
    constraint payment_operations_payment_fkey
        foreign key (merchant_id, payment_id) references payments (merchant_id, payment_id),
    constraint payment_operations_kind_check
        check (kind in ('CAPTURE', 'CANCEL', 'RELEASE', 'REFUND', 'RETURN')),
    constraint payment_operations_key_check
        check ((idempotency_key = '') = (kind in ('RELEASE', 'RETURN'))),
    constraint payment_operations_state_check
        check (state in ('PROCESSING', 'SUCCEEDED', 'FAILED')),
    constraint payment_operations_amount_check check (amount > 0 or (amount = 0 and state = 'FAILED')),
    constraint payment_operations_advanced_check
        check (advanced between 0 and amount and (advanced = 0 or kind = 'REFUND')),
    constraint payment_operations_failure_check
        check ((failure is not null) = (state = 'FAILED'))
);
comment on table payment_operations is 'Captures, cancels, releases, refunds and returns of payments.';

-- As above, a condition that always holds keeps an index for those who name it.
create unique index payment_operations_exclusive_key on payment_operations (merchant_id, payment_id)
    where state = 'PROCESSING' and kind in ('CAPTURE', 'CANCEL', 'RELEASE');
create index payment_operations_payment_idx
    on payment_operations (merchant_id, payment_id, create_time) where amount >= 0;
create index payment_operations_create_time_idx
    on payment_operations (merchant_id, kind, create_time) where advanced >= 0;
create index payment_operations_state_idx
    on payment_operations (merchant_id, kind, state, create_time) where advanced >= 0;

create table attempts (
    merchant_id text collate "C" not null,
    attempt_id uuid not null,
    payment_id uuid not null,
    operation_id uuid,
    kind text not null,
    channel text collate "C" not null,
    number text collate "C" not null,
    charge_number text collate "C" not null,
    currency text collate "C" not null,
    amount bigint not null,
    create_time timestamptz not null,
    state text not null,
    due_time timestamptz,
    tries integer not null,
    not_found_count integer not null,
    fenced boolean not null,
    evidence text not null,
    constraint attempts_pkey primary key (merchant_id, attempt_id),
    constraint attempts_payment_fkey
        foreign key (merchant_id, payment_id) references payments (merchant_id, payment_id),
    constraint attempts_operation_fkey
        foreign key (merchant_id, operation_id)
        references payment_operations (merchant_id, operation_id),
    constraint attempts_kind_check
        check (kind in ('CHARGE', 'CAPTURE', 'CANCEL', 'REFUND', 'PAYOUT')),
    constraint attempts_operation_check
        check ((operation_id is null) = (kind in ('CHARGE', 'PAYOUT'))),
    constraint attempts_amount_check check (amount > 0),
    constraint attempts_state_check check (state in ('OPEN', 'SUCCEEDED', 'FAILED', 'NOT_SENT')),
    constraint attempts_due_time_check check ((due_time is not null) = (state = 'OPEN')),
    constraint attempts_tries_check check (tries >= 0 and not_found_count >= 0)
);
comment on table attempts is 'Tries at channels, each under one number of ours.';
comment on column attempts.due_time is
    'When workers next ask about an open attempt, by this database''s clock; a lease moves it.';

create unique index attempts_number_key on attempts (merchant_id, number) where amount > 0;
create index attempts_payment_idx on attempts (merchant_id, payment_id, create_time)
    where amount > 0;
create index attempts_due_time_idx on attempts (due_time) where due_time is not null;

grant select on deployment to gateway_runtime;
grant select, insert, update (settings, version, update_time) on merchants to gateway_runtime;
grant select, insert, update (refusal, refusal_message) on operations to gateway_runtime;
grant select, insert, update (
    state, captured, refunded, fee_millionths, fee_returned_millionths, attempt_number,
    channel_number, next_action, failure, authorize_time, capture_time, capture_before_time,
    update_time, version, due_time
) on payments to gateway_runtime;
grant select, insert, update (
    state, failure, attempt_number, channel_number, under_review, update_time
) on payment_operations to gateway_runtime;
grant select, insert, update (state, due_time, tries, not_found_count, fenced, evidence)
    on attempts to gateway_runtime;
