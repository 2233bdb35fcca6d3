-- Work that a crash or an unknown answer left, and what a person must look at.
--
-- Work is taken by lease: a statement moves the due time of what it takes, and looks again at what
-- a rival may have taken meanwhile. So two workers never get the same, and a lease ends by itself.

-- name: lease_attempts
-- Take open attempts that are due, and keep other workers off them for a while.
with due as (
    select merchant_id, attempt_id
    from attempts
    where state = 'OPEN' and due_time <= now()
    order by due_time
    limit $1
)
update attempts a set due_time = now() + $2
from due d
where a.merchant_id = d.merchant_id
    and a.attempt_id = d.attempt_id
    and a.state = 'OPEN'
    and a.due_time <= now()
returning to_jsonb(a) as attempt;

-- name: postpone_attempt
-- Keep what was learned of an open attempt, and when it is due again, unless somebody learned more.
update attempts set
    tries = $3,
    not_found_count = $4,
    fenced = $5,
    due_time = now() + $6
where merchant_id = $1 and attempt_id = $2 and state = 'OPEN' and tries <= $3;

-- name: hurry_attempts
-- Let the open attempts of a payment be due soon, and leave alone what is due sooner anyway, and
-- what is so young that its sender may still hold it. The age is written so that no index can serve
-- it: before statistics are there, planners take two open ranges for a reason to leave the payment's.
update attempts set due_time = now() + $3
where merchant_id = $1
    and payment_id = $2
    and amount > 0
    and state = 'OPEN'
    and now() - create_time >= $4
    and due_time > now() + $3;

-- name: lease_expired_authorizations
-- Take authorised payments whose time to capture has passed, and keep other workers off them for a while.
with due as (
    select merchant_id, payment_id
    from payments
    where due_time <= now()
    order by due_time
    limit $1
)
update payments p set due_time = now() + $2
from due d
where p.merchant_id = d.merchant_id
    and p.payment_id = d.payment_id
    and p.due_time <= now()
returning p.merchant_id, p.payment_id;

-- name: open_review
-- Keep a review case unless there is one of its kind and subject.
insert into review_cases (
    owner_id, case_id, kind, subject, detail, payment_id, attempt_id, create_time, resolve_time,
    resolution, note
)
select
    owner_id, case_id, kind, subject, detail, payment_id, attempt_id, create_time, resolve_time,
    resolution, note
from jsonb_populate_recordset(null::review_cases, $1)
on conflict (owner_id, kind, subject) do nothing
returning case_id;

-- name: list_open_reviews
-- Review cases that wait for a person, oldest first.
select to_jsonb(r) as review
from review_cases r
where r.resolve_time is null
order by r.create_time, r.case_id
limit $1;

-- name: list_reviews
-- All review cases, oldest first.
select to_jsonb(r) as review
from review_cases r
order by r.create_time, r.case_id
limit $1;

-- name: find_review
-- One review case.
select to_jsonb(r) as review
from review_cases r
where r.case_id = $1;

-- name: settle_review
-- Close the review case of what became clear by itself.
update review_cases set resolve_time = now(), resolution = $4, note = ''
where owner_id = $1 and kind = $2 and subject = $3 and resolve_time is null
returning case_id;

-- name: resolve_review
-- Close a review case that is open.
update review_cases set resolve_time = $3, resolution = $4, note = $5
where owner_id = $1 and case_id = $2 and resolve_time is null
returning case_id;

-- name: open_attempts
-- How many attempts are open, and for how many seconds the oldest has been.
select
    count(*)::integer as open_attempts,
    coalesce(extract(epoch from now() - min(create_time)), 0)::double precision as oldest_age_s
from attempts
where state = 'OPEN' and due_time is not null;

-- name: open_reviews
-- How many review cases wait for a person, by kind.
select kind, count(*)::integer as cases
from review_cases
where resolve_time is null
group by kind;
