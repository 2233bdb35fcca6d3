-- What the database and its server say of themselves.

-- name: deployment
-- Which database this is, and its key for tokens.
select deployment_id, token_key from deployment where singleton;

-- name: server_facts
-- What bounds and drives everything else.
select
    current_setting('server_version') as version,
    current_setting('server_version_num')::integer as version_number,
    current_setting('max_connections')::integer
        - current_setting('superuser_reserved_connections')::integer
        - current_setting('reserved_connections')::integer as connections_max,
    (select sum(numbackends) from pg_stat_database)::integer as connections_used,
    now() as read_time;

-- name: timeouts
-- What bounds our sessions; '0' is no bound.
select name, current_setting(name) as value
from unnest(array[
    'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'
]) as t (name);

-- name: ping
-- Whether statements are answered.
select 1;

-- name: role_powers
-- What the current role may do that the gateway must not be able to.
select
    current_user as role,
    coalesce((select rolsuper from pg_roles where rolname = current_user), false) as superuser,
    (
        select coalesce(array_agg(c.relname::text order by c.relname), '{}')
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = current_schema() and c.relkind in ('r', 'p')
            and pg_has_role(current_user, c.relowner, 'MEMBER')
    ) as owned,
    (
        select coalesce(array_agg(p.power || ' rows of ' || t.name order by t.name, p.power), '{}')
        from unnest($1::text[]) as t (name)
        cross join (values ('delete'), ('truncate'), ('update')) as p (power)
        where to_regclass(t.name) is not null and case p.power
            when 'update' then has_any_column_privilege(to_regclass(t.name), 'update')
            else has_table_privilege(to_regclass(t.name), p.power)
        end
    ) as powers;
