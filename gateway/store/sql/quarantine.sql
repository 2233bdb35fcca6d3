-- What came in a channel's name and was not believed.

-- name: quarantine_again
-- Count what is kept already.
update quarantine set times = times + 1, last_time = now(), reason = $3
where digest = $1 and channel = $2
returning place;

-- name: quarantine
-- Keep it in the next place of the ring.
insert into quarantine (channel, reason, digest, body_bytes, excerpt)
values ($1, $2, $3, $4, $5)
on conflict (place) do update set
    channel = excluded.channel,
    reason = excluded.reason,
    digest = excluded.digest,
    body_bytes = excluded.body_bytes,
    excerpt = excluded.excerpt,
    times = 1,
    first_time = now(),
    last_time = now()
returning place;

-- name: list_quarantine
-- What is kept, newest first.
select channel, reason, digest, body_bytes, excerpt, times, first_time, last_time
from quarantine
order by last_time desc, place
limit $1;
