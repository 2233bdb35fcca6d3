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

-- name: movements_of_span
-- What moved through a channel in a span of time, oldest first.
select kind, number, amount, currency, move_time
from movements
where channel = $1 and move_time >= $2 and move_time < $3
order by move_time, number;
