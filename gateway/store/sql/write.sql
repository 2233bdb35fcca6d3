-- Everything that one commit writes about payments.
--
-- Rows come as one array per table, of a type made for it (migrations 0005 and 0007): the driver writes them
-- in binary, so many callers' changes go in one statement and nothing is parsed twice. No part reads
-- a table that another part writes. Rows that wait for each other by a unique key come sorted by it.

-- name: write_changes
-- Write the changes of a batch, or fail by a division by zero where somebody else was first with a
-- key or a payment, or left too little in a wallet.
with bounded as materialized (
    select set_config('lock_timeout', $10, true)
), moved as materialized (
    -- They are there, and must hold enough still. They are locked before the keys, as by everybody.
    select move_wallets($9) as count from bounded
), claimed as (
    insert into operations (
        owner_id, idempotency_key, kind, fingerprint, fingerprint_version, object_id,
        refusal, refusal_message, caller_id, create_time
    )
    select
        owner_id, idempotency_key, kind, fingerprint, fingerprint_version, object_id,
        refusal, refusal_message, caller_id, create_time
    from unnest($1::written_claim[])
    where (select count from moved) >= 0
    on conflict (owner_id, idempotency_key) do nothing
    returning 1
), opened as (
    insert into payments (
        merchant_id, payment_id, idempotency_key, order_id, currency, amount, channel,
        method_details, capture_mode, payer, scene, description, attributes, one_per_order,
        fee_terms, caller_id, purpose, create_time, expire_time, state, captured, refunded,
        fee_millionths, fee_returned_millionths, attempt_number, channel_number,
        next_action, failure, authorize_time, capture_time, capture_before_time,
        update_time, version,
        due_time
    )
    select
        merchant_id, payment_id, idempotency_key, order_id, currency, amount, channel,
        method_details, capture_mode, payer, scene, description, attributes, one_per_order,
        fee_terms, caller_id, purpose, create_time, expire_time, state, captured, refunded,
        fee_millionths, fee_returned_millionths, attempt_number, channel_number,
        next_action, failure, authorize_time, capture_time, capture_before_time,
        update_time, version,
        case when state = 'AUTHORIZED' then capture_before_time end
    from unnest($2::written_payment[])
), changed as (
    -- They are there too.
    insert into payments as p (
        merchant_id, payment_id, idempotency_key, order_id, currency, amount, channel,
        method_details, capture_mode, payer, scene, description, attributes, one_per_order,
        fee_terms, caller_id, purpose, create_time, expire_time, state, captured, refunded,
        fee_millionths, fee_returned_millionths, attempt_number, channel_number,
        next_action, failure, authorize_time, capture_time, capture_before_time,
        update_time, version,
        due_time
    )
    select
        merchant_id, payment_id, idempotency_key, order_id, currency, amount, channel,
        method_details, capture_mode, payer, scene, description, attributes, one_per_order,
        fee_terms, caller_id, purpose, create_time, expire_time, state, captured, refunded,
        fee_millionths, fee_returned_millionths, attempt_number, channel_number,
        next_action, failure, authorize_time, capture_time, capture_before_time,
        update_time, version,
        case when state = 'AUTHORIZED' then capture_before_time end
    from unnest($3::written_payment[])
    on conflict (merchant_id, payment_id) do update set
        state = excluded.state,
        captured = excluded.captured,
        refunded = excluded.refunded,
        fee_millionths = excluded.fee_millionths,
        fee_returned_millionths = excluded.fee_returned_millionths,
        attempt_number = excluded.attempt_number,
        channel_number = excluded.channel_number,
        next_action = excluded.next_action,
        failure = excluded.failure,
        authorize_time = excluded.authorize_time,
        capture_time = excluded.capture_time,
        capture_before_time = excluded.capture_before_time,
        update_time = excluded.update_time,
        version = excluded.version,
        due_time = case
            when excluded.state = 'AUTHORIZED'
            then coalesce(p.due_time, excluded.capture_before_time)
        end
    where p.version < excluded.version
    returning 1
), operated as (
    insert into payment_operations (
        merchant_id, operation_id, payment_id, kind, idempotency_key, currency, amount,
        final, advanced, description, caller_id, create_time, state, failure,
        attempt_number, channel_number, under_review, update_time
    )
    select
        merchant_id, operation_id, payment_id, kind, idempotency_key, currency, amount,
        final, advanced, description, caller_id, create_time, state, failure,
        attempt_number, channel_number, under_review, update_time
    from unnest($4::written_operation[])
    on conflict (merchant_id, operation_id) do update set
        state = excluded.state,
        failure = excluded.failure,
        attempt_number = excluded.attempt_number,
        channel_number = excluded.channel_number,
        under_review = excluded.under_review,
        update_time = excluded.update_time
), attempted as (
    insert into attempts (
        merchant_id, attempt_id, payment_id, operation_id, kind, channel, number,
        charge_number, currency, amount, create_time, state, tries, not_found_count, fenced,
        evidence, funding_source,
        due_time
    )
    select
        merchant_id, attempt_id, payment_id, operation_id, kind, channel, number,
        charge_number, currency, amount, create_time, state, tries, not_found_count, fenced,
        evidence, funding_source,
        coalesce(due_time, now() + due_in)
    from unnest($5::written_try[])
    on conflict (merchant_id, attempt_id) do update set
        state = excluded.state,
        due_time = excluded.due_time,
        tries = excluded.tries,
        not_found_count = excluded.not_found_count,
        fenced = excluded.fenced,
        evidence = excluded.evidence,
        funding_source = excluded.funding_source
), told as (
    insert into events (
        merchant_id, event_id, payment_id, operation_id, order_id, type, state, currency,
        amount, captured, refunded, version, digest, digest_version, create_time
    )
    select
        merchant_id, event_id, payment_id, operation_id, order_id, type, state, currency,
        amount, captured, refunded, version, digest, digest_version, create_time
    from unnest($6::written_event[])
), booked as (
    insert into transfers (
        owner_id, entry_id, position, event, payment_id, operation_id, book, debit_code,
        debit_key, credit_code, credit_key, currency, amount, create_time
    )
    select
        owner_id, entry_id, position, event, payment_id, operation_id, book, debit_code,
        debit_key, credit_code, credit_key, currency, amount, create_time
    from unnest($7::written_transfer[])
), reviewed as (
    insert into review_cases (
        owner_id, case_id, kind, subject, detail, payment_id, attempt_id, create_time,
        resolve_time, resolution, note
    )
    select
        owner_id, case_id, kind, subject, detail, payment_id, attempt_id, create_time,
        resolve_time, resolution, note
    from unnest($8::written_review[])
    on conflict (owner_id, kind, subject) do nothing
)
select 1 / (
    (select count(*) from claimed) = cardinality($1)
    and (select count(*) from changed) = cardinality($3)
    and (select count from moved) = cardinality($9)
)::int as whole;

-- name: draw_budget
-- Take from the platform's budget, or give back a negative amount.
update own_funds set budget = budget - $2
where currency = $1 and budget >= $2;
