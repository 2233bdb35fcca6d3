-- Statements over the tables of schema.sql.

-- name: insert_order
insert into orders (mer_id, order_id, txn_time, txn_type, txn_sub_type, way, state, amount, back_url, code, account,
    trace_no, expire_time, create_time, update_time, request, play, orig_seq, tn, query_id, settle_day, version)
values (:mer_id, :order_id, :txn_time, :txn_type, :txn_sub_type, :way, :state, :amount, :back_url, :code, :account,
    :trace_no, :expire_time, :create_time, :update_time, :request, :play, :orig_seq, :tn, :query_id, :settle_day,
    :version)
returning seq;

-- name: update_order
update orders set state = :state, code = :code, query_id = :query_id, settle_day = :settle_day,
    update_time = :update_time, version = :version
where seq = :seq and version = :old_version;

-- name: read_order
select * from orders where mer_id = :mer_id and order_id = :order_id and txn_time = :txn_time;

-- name: read_order_by_seq
select * from orders where seq = :seq;

-- name: read_order_by_query_id
select * from orders where mer_id = :mer_id and query_id = :query_id;

-- name: read_order_by_tn
select * from orders where tn = :tn;

-- name: find_order
select * from orders where order_id = :order_id order by seq desc limit 1;

-- name: live_followers
select * from orders as follower
where orig_seq = :seq and state != 'FAILED' and not exists (
    select 1 from orders as undo
    where undo.orig_seq = follower.seq and undo.txn_type = '33' and undo.state = 'SUCCEEDED')
order by seq;

-- name: insert_effect
insert into effects (kind, seq, charge_seq, mer_id, amount, settle_day, effect_time)
values (:kind, :seq, :charge_seq, :mer_id, :amount, :settle_day, :effect_time);

-- name: sum_effects
select kind, count(*) as count, sum(amount) as amount from effects where mer_id = :mer_id group by kind;

-- name: sum_effects_of_day
select kind, count(*) as count, sum(amount) as amount from effects
where mer_id = :mer_id and settle_day = :settle_day group by kind;

-- name: sum_effects_of_charge
select kind, sum(amount) as amount from effects where charge_seq = :seq group by kind;

-- name: read_movements
select kind, seq, charge_seq, amount from effects
where mer_id = :mer_id and settle_day = :settle_day order by effect_time, seq, kind;

-- name: insert_bill_fault
insert into bill_faults (mer_id, day, kind, number, amount) values (:mer_id, :day, :kind, :number, :amount);

-- name: read_bill_faults
select kind, number, amount from bill_faults where mer_id = :mer_id and day = :day order by seq;

-- name: page_of_orders
select * from orders where seq > :after order by seq limit :count_max;

-- name: count_orders
select count(*) as count from orders;
