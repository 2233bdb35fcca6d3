-- Statements over the tables of schema.sql and payouts.sql.

-- name: insert_charge
insert into charges (number, channel_number, state, amount, currency, captured, refunded, capture,
    action_type, action_data, action_expire_time, decline_code, decline_message,
    create_time, update_time, version, request)
values (:number, :channel_number, :state, :amount, :currency, :captured, :refunded, :capture,
    :action_type, :action_data, :action_expire_time, :decline_code, :decline_message,
    :create_time, :update_time, :version, :request);

-- name: update_charge
update charges set state = :state, captured = :captured, refunded = :refunded,
    action_type = :action_type, action_data = :action_data, action_expire_time = :action_expire_time,
    decline_code = :decline_code, decline_message = :decline_message,
    update_time = :update_time, version = :version
where number = :number and version = :old_version;

-- name: read_charge
select number, channel_number, state, amount, currency, captured, refunded, capture,
    action_type, action_data, action_expire_time, decline_code, decline_message,
    create_time, update_time, version, request
from charges where number = :number;

-- name: insert_capture
insert into captures (number, channel_number, charge_number, state, amount, currency, final,
    decline_code, decline_message, create_time, update_time, version, request)
values (:number, :channel_number, :charge_number, :state, :amount, :currency, :final,
    :decline_code, :decline_message, :create_time, :update_time, :version, :request);

-- name: update_capture
update captures set state = :state, decline_code = :decline_code, decline_message = :decline_message,
    update_time = :update_time, version = :version
where number = :number and version = :old_version;

-- name: read_capture
select number, channel_number, charge_number, state, amount, currency, final,
    decline_code, decline_message, create_time, update_time, version, request
from captures where number = :number;

-- name: read_open_captures
select number, channel_number, charge_number, state, amount, currency, final,
    decline_code, decline_message, create_time, update_time, version, request
from captures where charge_number = :charge_number and state = 'PROCESSING' order by seq;

-- name: sum_captures
select coalesce(sum(amount), 0) as accepted,
    coalesce(sum(state = 'PROCESSING'), 0) as processing,
    coalesce(max(final), 0) as final,
    count(*) as count
from captures where charge_number = :charge_number and state <> 'DECLINED';

-- name: insert_refund
insert into refunds (number, channel_number, charge_number, state, amount, currency,
    decline_code, decline_message, create_time, update_time, version, request)
values (:number, :channel_number, :charge_number, :state, :amount, :currency,
    :decline_code, :decline_message, :create_time, :update_time, :version, :request);

-- name: update_refund
update refunds set state = :state, decline_code = :decline_code, decline_message = :decline_message,
    update_time = :update_time, version = :version
where number = :number and version = :old_version;

-- name: read_refund
select number, channel_number, charge_number, state, amount, currency,
    decline_code, decline_message, create_time, update_time, version, request
from refunds where number = :number;

-- name: sum_refunds
select coalesce(sum(amount), 0) as accepted
from refunds where charge_number = :charge_number and state <> 'DECLINED';

-- name: insert_payout
insert into payouts (number, channel_number, state, amount, currency,
    decline_code, decline_message, create_time, update_time, version, request)
values (:number, :channel_number, :state, :amount, :currency,
    :decline_code, :decline_message, :create_time, :update_time, :version, :request);

-- name: update_payout
update payouts set state = :state, decline_code = :decline_code, decline_message = :decline_message,
    update_time = :update_time, version = :version
where number = :number and version = :old_version;

-- name: read_payout
select number, channel_number, state, amount, currency,
    decline_code, decline_message, create_time, update_time, version, request
from payouts where number = :number;

-- name: insert_effect
insert into effects (kind, number, charge_number, amount, currency, effect_time)
values (:kind, :number, :charge_number, :amount, :currency, :effect_time);

-- name: insert_payout_effect
insert into payout_effects (number, amount, currency, effect_time)
values (:number, :amount, :currency, :effect_time);

-- name: page_of_charges
select charges.*, visits.posts,
    (select coalesce(sum(e.amount), 0) from effects as e
     where e.charge_number = charges.number and e.kind in ('charge', 'capture')) as effect_charged,
    (select coalesce(sum(e.amount), 0) from effects as e
     where e.charge_number = charges.number and e.kind = 'refund') as effect_refunded
from charges left join visits on visits.kind = 'charge' and visits.number = charges.number
where charges.seq > :after order by charges.seq limit :count_max;

-- name: page_of_captures
select captures.*, visits.posts,
    (select coalesce(sum(e.amount), 0) from effects as e
     where e.kind = 'capture' and e.number = captures.number) as effect_charged,
    0 as effect_refunded
from captures left join visits on visits.kind = 'capture' and visits.number = captures.number
where captures.seq > :after order by captures.seq limit :count_max;

-- name: page_of_refunds
select refunds.*, visits.posts,
    0 as effect_charged,
    (select coalesce(sum(e.amount), 0) from effects as e
     where e.kind = 'refund' and e.number = refunds.number) as effect_refunded
from refunds left join visits on visits.kind = 'refund' and visits.number = refunds.number
where refunds.seq > :after order by refunds.seq limit :count_max;

-- name: page_of_payouts
select payouts.*, visits.posts, coalesce(payout_effects.amount, 0) as effect_paid_out
from payouts left join visits on visits.kind = 'payout' and visits.number = payouts.number
    left join payout_effects on payout_effects.number = payouts.number
where payouts.seq > :after order by payouts.seq limit :count_max;

-- name: count_records
select (select count(*) from charges) as charges, (select count(*) from captures) as captures,
    (select count(*) from refunds) as refunds, (select count(*) from payouts) as payouts;

-- name: sum_effects
-- Summed in two halves of 32 bits: a total may be larger than sqlite's integers.
select currency, moved, sum(amount >> 32) as high, sum(amount & 4294967295) as low
from (
    select currency, case kind when 'refund' then 'refunded' else 'charged' end as moved, amount from effects
    union all
    select currency, 'paid_out' as moved, amount from payout_effects
)
group by currency, moved order by currency;
