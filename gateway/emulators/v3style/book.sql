-- Statements over the tables of schema.sql.

-- name: insert_order
insert into orders (mchid, number, kind, trade_type, state, total, appid, openid, contract_id, notify_url,
    transaction_id, credential, credential_expire_time, expire_time, create_time, update_time, success_time,
    request, play, version)
values (:mchid, :number, :kind, :trade_type, :state, :total, :appid, :openid, :contract_id, :notify_url,
    :transaction_id, :credential, :credential_expire_time, :expire_time, :create_time, :update_time, :success_time,
    :request, :play, :version)
returning seq;

-- name: update_order
update orders set state = :state, openid = :openid, transaction_id = :transaction_id, credential = :credential,
    credential_expire_time = :credential_expire_time, update_time = :update_time, success_time = :success_time,
    version = :version
where seq = :seq and version = :old_version;

-- name: read_order
select * from orders where mchid = :mchid and number = :number;

-- name: read_order_by_seq
select * from orders where seq = :seq;

-- name: read_order_by_transaction
select * from orders where mchid = :mchid and transaction_id = :transaction_id;

-- name: read_order_by_credential
select * from orders where credential = :credential;

-- name: find_order
select * from orders where number = :number order by seq limit 1;

-- name: insert_refund
insert into refunds (mchid, number, refund_id, order_seq, order_number, transaction_id, state, amount, total,
    notify_url, create_time, update_time, success_time, request, play, version)
values (:mchid, :number, :refund_id, :order_seq, :order_number, :transaction_id, :state, :amount, :total,
    :notify_url, :create_time, :update_time, :success_time, :request, :play, :version)
returning seq;

-- name: update_refund
update refunds set state = :state, update_time = :update_time, success_time = :success_time, version = :version
where seq = :seq and version = :old_version;

-- name: read_refund
select * from refunds where mchid = :mchid and number = :number;

-- name: read_refund_by_seq
select * from refunds where seq = :seq;

-- name: read_refund_by_id
select * from refunds where mchid = :mchid and refund_id = :refund_id;

-- name: read_refunds_of_order
select * from refunds where order_seq = :order_seq order by seq;

-- name: find_refund
select * from refunds where number = :number order by seq limit 1;

-- name: insert_contract
insert into contracts (mchid, appid, plan_id, code, contract_id, pre_entrustweb_id, state, openid, deductions,
    create_time, update_time, sign_time, terminate_time, terminated_by, remark, request, version)
values (:mchid, :appid, :plan_id, :code, :contract_id, :pre_entrustweb_id, :state, :openid, :deductions,
    :create_time, :update_time, :sign_time, :terminate_time, :terminated_by, :remark, :request, :version)
returning seq;

-- name: update_contract
update contracts set state = :state, openid = :openid, deductions = :deductions, update_time = :update_time,
    sign_time = :sign_time, terminate_time = :terminate_time, terminated_by = :terminated_by, remark = :remark,
    version = :version
where seq = :seq and version = :old_version;

-- name: read_contract
select * from contracts where mchid = :mchid and plan_id = :plan_id and code = :code;

-- name: read_contract_by_id
select * from contracts where mchid = :mchid and contract_id = :contract_id;

-- name: find_contract
select * from contracts where contract_id = :name or pre_entrustweb_id = :name;

-- name: insert_pre_notice
insert into pre_notices (contract_id, amount, open_time, close_time)
values (:contract_id, :amount, :open_time, :close_time);

-- name: read_pre_notices
select contract_id, amount, open_time, close_time from pre_notices
where contract_id = :contract_id and close_time > :now order by seq;

-- name: insert_effect
insert into effects (kind, mchid, number, order_seq, amount, effect_time)
values (:kind, :mchid, :number, :order_seq, :amount, :effect_time);

-- name: sum_effects
select kind, count(*) as count, sum(amount) as amount from effects
where mchid = :mchid and effect_time >= :from_time and effect_time < :to_time group by kind;

-- name: sum_effects_of_order
select kind, sum(amount) as amount from effects where order_seq = :order_seq group by kind;

-- name: read_movements
select effects.kind, effects.number, effects.amount, effects.effect_time, orders.seq as order_seq,
    refunds.seq as refund_seq
from effects join orders on orders.seq = effects.order_seq
    left join refunds on effects.kind = 'refund' and refunds.mchid = effects.mchid and refunds.number = effects.number
where effects.mchid = :mchid and effects.effect_time >= :from_time and effects.effect_time < :to_time
order by effects.effect_time, effects.order_seq, effects.kind, effects.number;

-- name: insert_bill_fault
insert into bill_faults (mchid, day, kind, number, amount) values (:mchid, :day, :kind, :number, :amount);

-- name: read_bill_faults
select kind, number, amount from bill_faults where mchid = :mchid and day = :day order by seq;

-- name: insert_bill_file
insert into bill_files (token, mchid, expire_time, gzip, content)
values (:token, :mchid, :expire_time, :gzip, :content);

-- name: take_bill_file
delete from bill_files where token = :token and mchid = :mchid and expire_time > :now returning gzip, content;

-- name: forget_bill_files
delete from bill_files where expire_time <= :now;

-- name: page_of_orders
select * from orders where seq > :after order by seq limit :count_max;

-- name: page_of_refunds
select * from refunds where seq > :after order by seq limit :count_max;

-- name: page_of_contracts
select * from contracts where seq > :after order by seq limit :count_max;

-- name: count_records
select (select count(*) from orders) as orders, (select count(*) from refunds) as refunds,
    (select count(*) from contracts) as contracts;
