-- Everything that one commit writes about payments.
--
-- Rows come as one JSON array per table, whose objects are named by the columns, so that many
-- callers' changes can go in one statement. No part reads a table that another part writes: what
-- one needs of another comes through RETURNING.

-- name: write_changes
-- Write changes whole: new payments under keys that were free, changed ones that have the version before.
with claimed as (
    insert into operations (
        owner_id, idempotency_key, kind, fingerprint, fingerprint_version, object_id, caller_id,
        create_time
    )
    select
        owner_id, idempotency_key, kind, fingerprint, fingerprint_version, object_id, caller_id,
        create_time
    from jsonb_populate_recordset(null::operations, $1)
    on conflict (owner_id, idempotency_key) do nothing
    returning owner_id, object_id
), opened as (
    insert into payments (
        merchant_id, payment_id, idempotency_key, order_id, currency, amount, channel,
        method_details, capture_mode, payer, scene, description, attributes, one_per_order,
        fee_terms, caller_id, create_time, expire_time, state, captured, refunded, fee_millionths,
        fee_returned_millionths, attempt_number, channel_number, next_action, failure,
        authorize_time, capture_time, capture_before_time, update_time, version, due_time
    )
    select
        p.merchant_id, p.payment_id, p.idempotency_key, p.order_id, p.currency, p.amount, p.channel,
        p.method_details, p.capture_mode, p.payer, p.scene, p.description, p.attributes,
        p.one_per_order, p.fee_terms, p.caller_id, p.create_time, p.expire_time, p.state,
        p.captured, p.refunded, p.fee_millionths, p.fee_returned_millionths, p.attempt_number,
        p.channel_number, p.next_action, p.failure, p.authorize_time, p.capture_time,
        p.capture_before_time, p.update_time, p.version,
        case when p.state = 'AUTHORIZED' then p.capture_before_time end
    from jsonb_populate_recordset(null::payments, $2) p
    join claimed c on c.owner_id = p.merchant_id and c.object_id = p.payment_id
    returning merchant_id, payment_id
), changed as (
    update payments p set
        state = x.state,
        captured = x.captured,
        refunded = x.refunded,
        fee_millionths = x.fee_millionths,
        fee_returned_millionths = x.fee_returned_millionths,
        attempt_number = x.attempt_number,
        channel_number = x.channel_number,
        next_action = x.next_action,
        failure = x.failure,
        authorize_time = x.authorize_time,
        capture_time = x.capture_time,
        capture_before_time = x.capture_before_time,
        update_time = x.update_time,
        version = x.version,
        due_time = case
            when x.state = 'AUTHORIZED' then coalesce(p.due_time, x.capture_before_time)
        end
    -- The condition is always true. The planner takes it to leave one row in two hundred, expects
    -- few, and so looks each up by its key, whatever it thinks of the table's size.
    from jsonb_array_elements($3) item
    cross join lateral jsonb_populate_record(null::payments, item) x
    where jsonb_typeof(item) = 'object'
        and p.merchant_id = x.merchant_id
        and p.payment_id = x.payment_id
        and p.version = x.version - 1
    returning p.merchant_id, p.payment_id
), written as (
    select merchant_id, payment_id from opened
    union all
    select merchant_id, payment_id from changed
), operated as (
    insert into payment_operations as o (
        merchant_id, operation_id, payment_id, kind, idempotency_key, currency, amount, final,
        advanced, description, caller_id, create_time, state, failure, attempt_number,
        channel_number, under_review, update_time
    )
    select
        x.merchant_id, x.operation_id, x.payment_id, x.kind, x.idempotency_key, x.currency,
        x.amount, x.final, x.advanced, x.description, x.caller_id, x.create_time, x.state,
        x.failure, x.attempt_number, x.channel_number, x.under_review, x.update_time
    from jsonb_populate_recordset(null::payment_operations, $4) x
    join written w on w.merchant_id = x.merchant_id and w.payment_id = x.payment_id
    on conflict (merchant_id, operation_id) do update set
        state = excluded.state,
        failure = excluded.failure,
        attempt_number = excluded.attempt_number,
        channel_number = excluded.channel_number,
        under_review = excluded.under_review,
        update_time = excluded.update_time
), attempted as (
    insert into attempts as a (
        merchant_id, attempt_id, payment_id, operation_id, kind, channel, number, charge_number,
        currency, amount, create_time, state, due_time, tries, not_found_count, fenced, evidence
    )
    select
        x.merchant_id, x.attempt_id, x.payment_id, x.operation_id, x.kind, x.channel, x.number,
        x.charge_number, x.currency, x.amount, x.create_time, x.state,
        -- A lease runs by this database's clock: it comes as a span and ends from now on.
        coalesce(x.due_time, now() + (item ->> 'due_in')::interval),
        x.tries, x.not_found_count, x.fenced, x.evidence
    from jsonb_array_elements($5) item
    cross join lateral jsonb_populate_record(null::attempts, item) x
    join written w on w.merchant_id = x.merchant_id and w.payment_id = x.payment_id
    on conflict (merchant_id, attempt_id) do update set
        state = excluded.state,
        due_time = excluded.due_time,
        tries = excluded.tries,
        not_found_count = excluded.not_found_count,
        fenced = excluded.fenced,
        evidence = excluded.evidence
), told as (
    insert into events (
        merchant_id, event_id, payment_id, operation_id, order_id, type, state, currency, amount,
        captured, refunded, version, digest, digest_version, create_time
    )
    select
        x.merchant_id, x.event_id, x.payment_id, x.operation_id, x.order_id, x.type, x.state,
        x.currency, x.amount, x.captured, x.refunded, x.version, x.digest, x.digest_version,
        x.create_time
    from jsonb_populate_recordset(null::events, $6) x
    join written w on w.merchant_id = x.merchant_id and w.payment_id = x.payment_id
), booked as (
    insert into transfers (
        owner_id, entry_id, position, event, payment_id, operation_id, book, debit_code, debit_key,
        credit_code, credit_key, currency, amount, create_time
    )
    select
        x.owner_id, x.entry_id, x.position, x.event, x.payment_id, x.operation_id, x.book,
        x.debit_code, x.debit_key, x.credit_code, x.credit_key, x.currency, x.amount, x.create_time
    from jsonb_populate_recordset(null::transfers, $7) x
    join written w on w.merchant_id = x.owner_id and w.payment_id = x.payment_id
), reviewed as (
    insert into review_cases (
        owner_id, case_id, kind, subject, detail, payment_id, attempt_id, create_time, resolve_time,
        resolution, note
    )
    select
        x.owner_id, x.case_id, x.kind, x.subject, x.detail, x.payment_id, x.attempt_id,
        x.create_time, x.resolve_time, x.resolution, x.note
    from jsonb_populate_recordset(null::review_cases, $8) x
    join written w on w.merchant_id = x.owner_id and w.payment_id = x.payment_id
    on conflict (owner_id, kind, subject) do nothing
)
select merchant_id, payment_id from written;

-- name: insert_claim
-- Claim a key; nothing comes back where it stands for something already.
insert into operations (
    owner_id, idempotency_key, kind, fingerprint, fingerprint_version, object_id, refusal,
    refusal_message, caller_id, create_time
)
select
    owner_id, idempotency_key, kind, fingerprint, fingerprint_version, object_id, refusal,
    refusal_message, caller_id, create_time
from jsonb_populate_recordset(null::operations, $1)
on conflict (owner_id, idempotency_key) do nothing
returning object_id;

-- name: refuse_claim
-- Keep under a claimed key that the request was refused for ever.
update operations set refusal = $3, refusal_message = $4
where owner_id = $1 and idempotency_key = $2;

-- name: draw_budget
-- Take from the platform's budget, or give back a negative amount.
update own_funds set budget = budget - $2
where currency = $1 and budget >= $2;
