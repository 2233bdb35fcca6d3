-- Statements over the tables of channel_schema.sql.

-- name: insert_rule
insert into rules (topic, operation, matches, content, skip, remaining)
values (:topic, :operation, :matches, :content, :skip, :remaining);

-- name: last_rule
select last_insert_rowid() as id;

-- name: count_rules
select count(*) as count from rules;

-- name: rules_for
select id, matches, content, skip, remaining from rules
where topic = :topic and operation in (:operation, '*') order by id;

-- name: read_rules
select id, topic, operation, matches, content, skip, remaining from rules order by id;

-- name: skip_rule
update rules set skip = skip - 1 where id = :id;

-- name: use_rule
update rules set remaining = remaining - 1 where id = :id;

-- name: delete_rule
delete from rules where id = :id;

-- name: delete_rules
delete from rules;

-- name: see_field
insert into seen_fields (operation, place, name) values (:operation, :place, :name) on conflict do nothing;

-- name: count_seen_fields
select count(*) as count from seen_fields;

-- name: read_seen_fields
select operation, place, name from seen_fields order by operation, place, name;

-- name: set_switch
insert into switches (name, value) values (:name, :value) on conflict (name) do update set value = excluded.value;

-- name: read_switch
select value from switches where name = :name;
