-- Where a payer's money came from, in the channel's own word, such as a pay-later.
--
-- It stands with the attempt that the channel told it about, so payments that need no channel carry
-- nothing of it. The rows of `write_changes` get a new type; the old one goes a release later.

alter table attempts add column funding_source text collate "C" not null default '';
comment on column attempts.funding_source is
    'Where the money came from, in the channel''s own word; empty where it did not say.';

create type written_try as (
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
    evidence text,
    funding_source text
);
comment on type written_try is 'An attempt, new or changed; when it is due comes as a time, or as a span from now on.';

grant update (funding_source) on attempts to gateway_runtime;
