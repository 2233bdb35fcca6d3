-- Pages of payments and operations, newest first: what was made before a position, which is a time
-- and an id, and not before another time.
--
-- There is one statement per index that can begin a list, so that the database never has to guess
-- which of the filters is the narrow one.

-- name: find_payment_time
-- When a payment was made: its place in lists.
select create_time
from payments
where merchant_id = $1 and payment_id = $2;

-- name: find_operation_time
-- When an operation was made: its place in lists.
select create_time
from payment_operations
where merchant_id = $1 and operation_id = $2;

-- name: list_payments
-- A merchant's payments.
select to_jsonb(p) as payment,
    case
        when p.attempt_number <> '' then (
            select a.funding_source
            from attempts a
            where a.merchant_id = p.merchant_id and a.number = p.attempt_number and a.amount > 0
        )
    end as funding_source
from payments p
where p.merchant_id = $1 and p.amount > 0
    and (p.create_time, p.payment_id) < ($2, $3)
    and p.create_time >= $4
order by p.create_time desc, p.payment_id desc
limit $5;

-- name: list_payments_of_order
-- A merchant's payments of one order, of any state and channel where those are empty.
select to_jsonb(p) as payment,
    case
        when p.attempt_number <> '' then (
            select a.funding_source
            from attempts a
            where a.merchant_id = p.merchant_id and a.number = p.attempt_number and a.amount > 0
        )
    end as funding_source
from payments p
where p.merchant_id = $1 and p.amount > 0
    and (p.create_time, p.payment_id) < ($2, $3)
    and p.create_time >= $4
    and p.order_id = $6
    and ($7 = '' or p.state = $7)
    and ($8 = '' or p.channel = $8)
order by p.create_time desc, p.payment_id desc
limit $5;

-- name: list_payments_in_state
-- A merchant's payments in one state, through any channel where that is empty.
select to_jsonb(p) as payment,
    case
        when p.attempt_number <> '' then (
            select a.funding_source
            from attempts a
            where a.merchant_id = p.merchant_id and a.number = p.attempt_number and a.amount > 0
        )
    end as funding_source
from payments p
where p.merchant_id = $1 and p.amount > 0
    and (p.create_time, p.payment_id) < ($2, $3)
    and p.create_time >= $4
    and p.state = $6
    and ($7 = '' or p.channel = $7)
order by p.create_time desc, p.payment_id desc
limit $5;

-- name: list_payments_through_channel
-- A merchant's payments through one channel.
select to_jsonb(p) as payment,
    case
        when p.attempt_number <> '' then (
            select a.funding_source
            from attempts a
            where a.merchant_id = p.merchant_id and a.number = p.attempt_number and a.amount > 0
        )
    end as funding_source
from payments p
where p.merchant_id = $1 and p.amount > 0
    and (p.create_time, p.payment_id) < ($2, $3)
    and p.create_time >= $4
    and p.channel = $6
order by p.create_time desc, p.payment_id desc
limit $5;

-- name: list_operations
-- A merchant's operations of one kind.
select to_jsonb(o) as operation
from payment_operations o
where o.merchant_id = $1 and o.advanced >= 0
    and (o.create_time, o.operation_id) < ($2, $3)
    and o.create_time >= $4
    and o.kind = $6
order by o.create_time desc, o.operation_id desc
limit $5;

-- name: list_operations_of_payment
-- One payment's operations of one kind, in any state where that is empty.
select to_jsonb(o) as operation
from payment_operations o
where o.merchant_id = $1 and o.amount >= 0
    and (o.create_time, o.operation_id) < ($2, $3)
    and o.create_time >= $4
    and o.kind = $6
    and o.payment_id = $7
    and ($8 = '' or o.state = $8)
order by o.create_time desc, o.operation_id desc
limit $5;

-- name: list_operations_in_state
-- A merchant's operations of one kind in one state.
select to_jsonb(o) as operation
from payment_operations o
where o.merchant_id = $1 and o.advanced >= 0
    and (o.create_time, o.operation_id) < ($2, $3)
    and o.create_time >= $4
    and o.kind = $6
    and o.state = $7
order by o.create_time desc, o.operation_id desc
limit $5;
