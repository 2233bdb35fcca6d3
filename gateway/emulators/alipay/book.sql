-- Statements over the tables of schema.sql.

-- name: insert_code
insert into codes (app_id, number, state, qr_code, total, expire_time, create_time, update_time, notify_url,
    certified, request, play, version)
values (:app_id, :number, :state, :qr_code, :total, :expire_time, :create_time, :update_time, :notify_url,
    :certified, :request, :play, :version)
returning seq;

-- name: update_code
update codes set state = :state, qr_code = :qr_code, expire_time = :expire_time, update_time = :update_time,
    version = :version
where seq = :seq and version = :old_version;

-- name: code_by_number
select * from codes where app_id = :app_id and number = :name;

-- name: code_by_seq
select * from codes where seq = :seq;

-- name: code_by_qr
select * from codes where qr_code = :name;

-- name: insert_trade
insert into trades (app_id, number, trade_no, way, state, total, refunded, buyer_id, fund_channel, agreement_no,
    auth_no, expire_time, create_time, update_time, pay_time, refund_time, end_time, canceled, notify_url, certified,
    request, play, version)
values (:app_id, :number, :trade_no, :way, :state, :total, :refunded, :buyer_id, :fund_channel, :agreement_no,
    :auth_no, :expire_time, :create_time, :update_time, :pay_time, :refund_time, :end_time, :canceled, :notify_url,
    :certified, :request, :play, :version)
returning seq;

-- name: update_trade
update trades set state = :state, refunded = :refunded, buyer_id = :buyer_id, fund_channel = :fund_channel,
    update_time = :update_time, pay_time = :pay_time, refund_time = :refund_time, end_time = :end_time,
    canceled = :canceled, version = :version
where seq = :seq and version = :old_version;

-- name: trade_by_number
select * from trades where app_id = :app_id and number = :name;

-- name: trade_by_channel_number
select * from trades where app_id = :app_id and trade_no = :name;

-- name: trade_by_seq
select * from trades where seq = :seq;

-- name: insert_refund
insert into refunds (app_id, number, trade_seq, state, amount, create_time, update_time, success_time, notify_url,
    certified, request, play, version)
values (:app_id, :number, :trade_seq, :state, :amount, :create_time, :update_time, :success_time, :notify_url,
    :certified, :request, :play, :version)
returning seq;

-- name: update_refund
update refunds set state = :state, update_time = :update_time, success_time = :success_time, play = :play,
    version = :version
where seq = :seq and version = :old_version;

-- name: refund_by_seq
select * from refunds where seq = :seq;

-- name: refunds_of_trade
select * from refunds where trade_seq = :seq order by seq;

-- name: insert_authorization
insert into authorizations (app_id, number, auth_no, product_code, state, amount, paid, unfrozen, buyer_id,
    expire_time, create_time, update_time, notify_url, certified, request, play, version)
values (:app_id, :number, :auth_no, :product_code, :state, :amount, :paid, :unfrozen, :buyer_id,
    :expire_time, :create_time, :update_time, :notify_url, :certified, :request, :play, :version)
returning seq;

-- name: update_authorization
update authorizations set state = :state, paid = :paid, unfrozen = :unfrozen, update_time = :update_time,
    version = :version
where seq = :seq and version = :old_version;

-- name: authorization_by_number
select * from authorizations where app_id = :app_id and number = :name;

-- name: authorization_by_channel_number
select * from authorizations where app_id = :app_id and auth_no = :name;

-- name: authorization_by_seq
select * from authorizations where seq = :seq;

-- name: insert_operation
insert into operations (app_id, number, kind, auth_seq, operation_id, status, amount, remark, create_time, trans_time)
values (:app_id, :number, :kind, :auth_seq, :operation_id, :status, :amount, :remark, :create_time, :trans_time);

-- name: end_operation
update operations set status = :status, trans_time = :trans_time where auth_seq = :auth_seq and kind = 'FREEZE';

-- name: operations_of_authorization
select app_id, number, kind, auth_seq, operation_id, status, amount, remark, create_time, trans_time
from operations where auth_seq = :seq order by seq;

-- name: operation_by_number
select app_id, number, kind, auth_seq, operation_id, status, amount, remark, create_time, trans_time
from operations where app_id = :app_id and number = :name and kind <> 'PAY';

-- name: insert_agreement
insert into agreements (app_id, number, agreement_no, product_code, sign_scene, state, buyer_id, single_max, total_max,
    payments_max, deducted, payments, create_time, update_time, sign_time, end_time, notify_url, certified, request,
    play, version)
values (:app_id, :number, :agreement_no, :product_code, :sign_scene, :state, :buyer_id, :single_max, :total_max,
    :payments_max, :deducted, :payments, :create_time, :update_time, :sign_time, :end_time, :notify_url, :certified,
    :request, :play, :version)
returning seq;

-- name: update_agreement
update agreements set state = :state, buyer_id = :buyer_id, deducted = :deducted, payments = :payments,
    update_time = :update_time, sign_time = :sign_time, end_time = :end_time, version = :version
where seq = :seq and version = :old_version;

-- name: agreement_by_number
select * from agreements where app_id = :app_id and number = :name;

-- name: agreement_by_channel_number
select * from agreements where app_id = :app_id and agreement_no = :name;

-- name: find_code
select * from codes where number = :name order by seq limit 1;

-- name: find_trade
select * from trades where number = :name or trade_no = :name order by seq limit 1;

-- name: find_refund
select * from refunds where number = :name order by seq limit 1;

-- name: find_authorization
select * from authorizations where number = :name or auth_no = :name order by seq limit 1;

-- name: find_agreement
select * from agreements where number = :name or agreement_no = :name order by seq limit 1;

-- name: insert_effect
insert into effects (kind, owner_seq, number, app_id, amount, effect_time)
values (:kind, :owner_seq, :number, :app_id, :amount, :effect_time);

-- name: sum_effects
select kind, count(*) as count, sum(amount) as amount from effects
where app_id = :app_id and effect_time >= :from_time and effect_time < :to_time group by kind;

-- name: sum_effects_of_trade
select kind, sum(amount) as amount from effects
where owner_seq = :seq and kind in ('charge', 'refund', 'return') group by kind;

-- name: sum_effects_of_authorization
select kind, sum(amount) as amount from effects
where owner_seq = :seq and kind in ('freeze', 'unfreeze') group by kind;

-- name: movements
select kind, owner_seq, number, amount, effect_time from effects
where app_id = :app_id and effect_time >= :from_time and effect_time < :to_time
    and kind in ('charge', 'refund', 'return')
order by effect_time, owner_seq, kind, number;

-- name: insert_bill_fault
insert into bill_faults (app_id, day, kind, number, amount) values (:app_id, :day, :kind, :number, :amount);

-- name: bill_faults_of_day
select kind, number, amount from bill_faults where app_id = :app_id and day = :day order by seq;

-- name: insert_bill_file
insert into bill_files (file_id, expire_time, content) values (:file_id, :expire_time, :content);

-- name: bill_file
select content from bill_files where file_id = :file_id and expire_time > :now;

-- name: forget_bill_files
delete from bill_files where expire_time <= :now;

-- name: page_of_codes
select * from codes where seq > :after order by seq limit :count_max;

-- name: page_of_trades
select * from trades where seq > :after order by seq limit :count_max;

-- name: page_of_refunds
select * from refunds where seq > :after order by seq limit :count_max;

-- name: page_of_authorizations
select * from authorizations where seq > :after order by seq limit :count_max;

-- name: page_of_agreements
select * from agreements where seq > :after order by seq limit :count_max;

-- name: count_records
select (select count(*) from codes) as codes, (select count(*) from trades) as trades,
    (select count(*) from refunds) as refunds, (select count(*) from authorizations) as authorizations,
    (select count(*) from agreements) as agreements;
