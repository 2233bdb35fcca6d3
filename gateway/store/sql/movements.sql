-- Money that channels moved, as our rows have it, by the numbers under which channels know it.
--
-- A charge that is captured at once, a capture and a refund each move money under their own number.
-- A success that came after its payment had ended moved money too, though its attempt stays failed.

-- name: movements_of_numbers
-- What moved under the numbers given, as pairs of an owner's serial and an attempt.
select kind, number, amount, currency, move_time
from unnest($2::bigint[], $3::uuid[]) as n (serial, attempt_id)
join (
    select merchant_id, serial from merchants
    union all
    select owner_id, serial from wallet_owners
) o using (serial)
join movements m using (merchant_id, attempt_id)
where m.channel = $1;

-- name: captures_of_numbers
-- What was captured of the charges given, as pairs of an owner's serial and an attempt, under the
-- charges' numbers.
select m.kind, a.charge_number as number, m.amount, m.currency, m.move_time
from unnest($2::bigint[], $3::uuid[]) as n (serial, attempt_id)
join (
    select merchant_id, serial from merchants
    union all
    select owner_id, serial from wallet_owners
) o using (serial)
join attempts c using (merchant_id, attempt_id)
join attempts a
    on a.merchant_id = c.merchant_id and a.payment_id = c.payment_id and a.kind = 'CAPTURE'
    and a.amount > 0
join movements m on m.merchant_id = a.merchant_id and m.attempt_id = a.attempt_id
where m.channel = $1 and c.kind = 'CHARGE';

-- name: movements_of_span
-- What moved through a channel in a span of time, oldest first; captures under the charges' numbers
-- if that is wanted.
select
    m.kind,
    case when $4 and a.kind = 'CAPTURE' then a.charge_number else m.number end as number,
    m.amount,
    m.currency,
    m.move_time
from movements m
join attempts a using (merchant_id, attempt_id)
where m.channel = $1 and m.move_time >= $2 and m.move_time < $3
order by m.move_time, m.number;
