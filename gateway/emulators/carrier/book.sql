-- Statements over the tables of schema.sql.

-- name: insert_payment
insert into payments (client, payment_id, kind, state, phone, correlator, reference, amount, currency, merchant,
    server_reference, sink, sink_token, sink_expire_s, sink_gone, validation, authorization_id, code, attempts,
    expire_time, confirm_time, create_time, update_time, success_time, denial, request, play, listed, skew, version)
values (:client, :payment_id, :kind, :state, :phone, :correlator, :reference, :amount, :currency, :merchant,
    :server_reference, :sink, :sink_token, :sink_expire_s, :sink_gone, :validation, :authorization_id, :code, :attempts,
    :expire_time, :confirm_time, :create_time, :update_time, :success_time, :denial, :request, :play, :listed, :skew,
    :version)
returning seq;

-- name: update_payment
update payments set state = :state, sink_gone = :sink_gone, validation = :validation,
    authorization_id = :authorization_id, code = :code, attempts = :attempts, confirm_time = :confirm_time,
    update_time = :update_time, success_time = :success_time, denial = :denial, play = :play, listed = :listed,
    skew = :skew, version = :version
where seq = :seq and version = :old_version;

-- name: read_payment
select * from payments where payment_id = :number;

-- name: read_payment_by_seq
select * from payments where seq = :seq;

-- name: read_payment_by_correlator
select * from payments where client = :client and correlator = :correlator;

-- name: read_payment_by_reference
select * from payments where client = :client and reference = :reference order by seq limit 1;

-- name: find_payment
select * from payments where payment_id = :name or correlator = :name order by seq limit 1;

-- name: insert_refund
insert into refunds (client, refund_id, payment_seq, payment_id, type, state, correlator, reference, amount, currency,
    merchant, sink, sink_token, sink_expire_s, sink_gone, create_time, update_time, success_time, denial, request,
    play, listed, skew, version)
values (:client, :refund_id, :payment_seq, :payment_id, :type, :state, :correlator, :reference, :amount, :currency,
    :merchant, :sink, :sink_token, :sink_expire_s, :sink_gone, :create_time, :update_time, :success_time, :denial,
    :request, :play, :listed, :skew, :version)
returning seq;

-- name: update_refund
update refunds set state = :state, sink_gone = :sink_gone, update_time = :update_time, success_time = :success_time,
    denial = :denial, listed = :listed, skew = :skew, version = :version
where seq = :seq and version = :old_version;

-- name: read_refund
select * from refunds where refund_id = :number;

-- name: read_refund_by_seq
select * from refunds where seq = :seq;

-- name: read_refund_by_correlator
select * from refunds where client = :client and correlator = :correlator;

-- name: read_refund_by_reference
select * from refunds where client = :client and reference = :reference order by seq limit 1;

-- name: read_refunds_of_payment
select * from refunds where payment_seq = :payment_seq order by seq;

-- name: find_refund
select * from refunds where refund_id = :name or correlator = :name order by seq limit 1;

-- name: count_listed_payments
select count(*) as count from payments
where client = :client and listed = 1 and create_time between :from_time and :to_time
    and (:phone is null or phone = :phone) and (:merchant is null or merchant = :merchant)
    and (:states is null or state in (select value from json_each(:states)));

-- name: list_payments_asc
select * from payments
where client = :client and listed = 1 and create_time between :from_time and :to_time
    and (:phone is null or phone = :phone) and (:merchant is null or merchant = :merchant)
    and (:states is null or state in (select value from json_each(:states)))
order by create_time, seq limit :count_max offset :skip;

-- name: list_payments_desc
select * from payments
where client = :client and listed = 1 and create_time between :from_time and :to_time
    and (:phone is null or phone = :phone) and (:merchant is null or merchant = :merchant)
    and (:states is null or state in (select value from json_each(:states)))
order by create_time desc, seq desc limit :count_max offset :skip;

-- name: count_listed_refunds
select count(*) as count from refunds
where payment_seq = :payment_seq and listed = 1 and create_time between :from_time and :to_time
    and (:merchant is null or merchant = :merchant)
    and (:states is null or state in (select value from json_each(:states)));

-- name: list_refunds_asc
select * from refunds
where payment_seq = :payment_seq and listed = 1 and create_time between :from_time and :to_time
    and (:merchant is null or merchant = :merchant)
    and (:states is null or state in (select value from json_each(:states)))
order by create_time, seq limit :count_max offset :skip;

-- name: list_refunds_desc
select * from refunds
where payment_seq = :payment_seq and listed = 1 and create_time between :from_time and :to_time
    and (:merchant is null or merchant = :merchant)
    and (:states is null or state in (select value from json_each(:states)))
order by create_time desc, seq desc limit :count_max offset :skip;

-- name: insert_effect
insert into effects (kind, number, client, payment_seq, correlator, amount, currency, effect_time)
values (:kind, :number, :client, :payment_seq, :correlator, :amount, :currency, :effect_time);

-- name: sum_effects
select kind, currency, count(*) as count, sum(amount) as amount from effects
where client = :client and effect_time >= :from_time and effect_time < :to_time
group by kind, currency order by kind, currency;

-- name: sum_effects_of_payment
select kind, sum(amount) as amount from effects where payment_seq = :payment_seq group by kind;

-- name: read_movements
select effects.kind, effects.number, payments.payment_id, effects.correlator, effects.amount, effects.currency,
    effects.effect_time
from effects join payments on payments.seq = effects.payment_seq
where effects.client = :client and effects.effect_time >= :from_time and effects.effect_time < :to_time
order by effects.effect_time, effects.number limit :count_max;

-- name: put_subscriber
insert into subscribers (phone, kind, payment_max, spending_limit)
values (:phone, :kind, :payment_max, :spending_limit)
on conflict (phone) do update set kind = excluded.kind, payment_max = excluded.payment_max,
    spending_limit = excluded.spending_limit;

-- name: read_subscriber
select * from subscribers where phone = :phone;

-- name: read_subscribers
select * from subscribers order by phone limit :count_max;

-- name: sum_spent
select coalesce(sum(amount), 0) as amount from payments
where phone = :phone and currency = :currency and create_time >= :from_time
    and kind <> 'PHANTOM' and state not in ('denied', 'cancelled');

-- name: insert_token
insert into tokens (digest, client, scopes, phone, expire_s)
values (:digest, :client, :scopes, :phone, :expire_s);

-- name: read_token
select client, scopes, phone from tokens where digest = :digest and expire_s > :now_s;

-- name: forget_tokens
delete from tokens where expire_s <= :now_s;

-- name: bound_tokens
delete from tokens where seq <= (select max(seq) from tokens) - :count_max;

-- name: expire_tokens
delete from tokens;

-- name: page_of_payments
select * from payments where seq > :after order by seq limit :count_max;

-- name: page_of_refunds
select * from refunds where seq > :after order by seq limit :count_max;

-- name: count_records
select (select count(*) from payments) as payments, (select count(*) from refunds) as refunds;
