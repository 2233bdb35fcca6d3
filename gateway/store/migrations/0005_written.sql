-- The rows of `write_changes`, as they come in: one array of each of these types.
--
-- A type is never altered: while a new release is rolled out the old one still writes. What needs
-- another shape gets a new type, and the old one goes a release later.

create type written_claim as (
    owner_id text,
    idempotency_key text,
    kind text,
    fingerprint bytea,
    fingerprint_version smallint,
    object_id uuid,
    refusal text,
    refusal_message text,
    caller_id text,
    create_time timestamptz
);
comment on type written_claim is 'A key and what it stands for.';

create type written_payment as (
    merchant_id text,
    payment_id uuid,
    idempotency_key text,
    order_id text,
    currency text,
    amount bigint,
    channel text,
    method_details jsonb,
    capture_mode text,
    payer jsonb,
    scene text,
    description text,
    attributes jsonb,
    one_per_order boolean,
    fee_terms jsonb,
    caller_id text,
    purpose text,
    create_time timestamptz,
    expire_time timestamptz,
    state text,
    captured bigint,
    refunded bigint,
    fee_millionths bigint,
    fee_returned_millionths bigint,
    attempt_number text,
    channel_number text,
    next_action jsonb,
    failure jsonb,
    authorize_time timestamptz,
    capture_time timestamptz,
    capture_before_time timestamptz,
    update_time timestamptz,
    version bigint
);
comment on type written_payment is 'A payment, new or changed.';

create type written_operation as (
    merchant_id text,
    operation_id uuid,
    payment_id uuid,
    kind text,
    idempotency_key text,
    currency text,
    amount bigint,
    final boolean,
    advanced bigint,
    description text,
    caller_id text,
    create_time timestamptz,
    state text,
    failure jsonb,
    attempt_number text,
    channel_number text,
    under_review boolean,
    update_time timestamptz
);
comment on type written_operation is 'An operation, new or changed.';

create type written_attempt as (
    merchant_id text,
    attempt_id uuid,
    payment_id uuid,
    operation_id uuid,
    kind text,
    channel text,
    number text,
    charge_number text,
    currency text,
    amount bigint,
    create_time timestamptz,
    state text,
    due_time timestamptz,
    due_in interval,
    tries integer,
    not_found_count integer,
    fenced boolean,
    evidence text
);
comment on type written_attempt is 'An attempt, new or changed; when it is due comes as a time, or as a span from now on.';

create type written_event as (
    merchant_id text,
    event_id uuid,
    payment_id uuid,
    operation_id uuid,
    order_id text,
    type text,
    state text,
    currency text,
    amount bigint,
    captured bigint,
    refunded bigint,
    version bigint,
    digest bytea,
    digest_version smallint,
    create_time timestamptz
);
comment on type written_event is 'An event.';

create type written_transfer as (
    owner_id text,
    entry_id uuid,
    position smallint,
    event text,
    payment_id uuid,
    operation_id uuid,
    book text,
    debit_code text,
    debit_key text,
    credit_code text,
    credit_key text,
    currency text,
    amount bigint,
    create_time timestamptz
);
comment on type written_transfer is 'A transfer.';

create type written_review as (
    owner_id text,
    case_id uuid,
    kind text,
    subject text,
    detail text,
    payment_id uuid,
    attempt_id uuid,
    create_time timestamptz,
    resolve_time timestamptz,
    resolution text,
    note text
);
comment on type written_review is 'A review case.';

create type written_wallet as (
    owner_id text,
    currency text,
    available bigint,
    held bigint,
    available_before bigint,
    held_before bigint,
    update_time timestamptz
);
comment on type written_wallet is 'What a wallet holds after a batch, and held before it.';
