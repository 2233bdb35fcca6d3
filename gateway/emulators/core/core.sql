-- Statements over the tables of schema.sql.

-- name: claim_nonce
insert into nonces (nonce, expire_time) values (:nonce, :expire_time) on conflict do nothing;

-- name: forget_nonces
delete from nonces where nonce in
    (select nonce from nonces where expire_time < :now order by expire_time limit :count_max);

-- name: add_to_counter
insert into counters (topic, name, value) values (:topic, :name, :amount)
on conflict (topic, name) do update set value = value + excluded.value;

-- name: read_counters
select name, value from counters where topic = :topic order by name limit :count_max;

-- name: read_visit
select script, posts, fault_hits, forgets from visits where kind = :kind and number = :number;

-- name: record_post
insert into visits (kind, number, script, posts) values (:kind, :number, :script, 1)
on conflict (kind, number) do update set
    posts = posts + 1,
    script = case when :script_is_kept then script else excluded.script end;

-- name: record_fault
update visits set fault_hits = fault_hits + 1 where kind = :kind and number = :number;

-- name: record_forget
update visits set forgets = forgets + 1 where kind = :kind and number = :number;

-- name: insert_hit
insert into hits (number, kind, fault, hit_time) values (:number, :kind, :fault, :hit_time);

-- name: read_hits
select fault, kind, hit_time from hits where number = :number order by id limit :count_max;

-- name: count_hits
select count(*) as count from hits where number = :number;

-- name: set_timer
insert into timers (kind, number, purpose, due_time) values (:kind, :number, :purpose, :due_time)
on conflict (kind, number, purpose) do update set due_time = excluded.due_time;

-- name: clear_timers
delete from timers where kind = :kind and number = :number;

-- name: take_timer
delete from timers where kind = :kind and number = :number and purpose = :purpose and due_time <= :now;

-- name: postpone_timer
update timers set due_time = :due_time where kind = :kind and number = :number and purpose = :purpose;

-- name: due_timers
select kind, number, purpose from timers where due_time <= :now order by due_time limit :count_max;

-- name: next_timer
select min(due_time) as due_time from timers;

-- name: insert_notification
insert into outbox (kind, number, url, body, seal, fault, retried, follows, due_time)
values (:kind, :number, :url, :body, :seal, :fault, :retried, :follows, :due_time);

-- name: last_notification
select last_insert_rowid() as id;

-- name: read_notification
select id, kind, number, url, body, seal, fault, retried, attempts from outbox where id = :id;

-- name: untried_notifications
select id from outbox where kind = :kind and number = :number and attempts = 0 order by id;

-- name: due_notifications
select id, kind, number, url, body, seal, fault, retried, attempts from outbox as waiting
where due_time <= :now
  and not exists (select 1 from outbox as first where first.id = waiting.follows and first.attempts = 0)
order by due_time, id limit :count_max;

-- name: next_notification
select min(due_time) as due_time from outbox where due_time > :now;

-- name: delete_notification
delete from outbox where id = :id;

-- name: postpone_notification
update outbox set attempts = attempts + 1, due_time = :due_time where id = :id;
