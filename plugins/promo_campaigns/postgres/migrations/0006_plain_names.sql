-- Names that say what they are: the resend counter, the slots of a rate budget, outcomes that are recorded. No row is read.

-- part: locked on promo.assignment, promo.answer --
alter table promo.assignment rename column generation to resend_counter;
alter table promo.answer rename column generation to resend_counter;
drop view promo.unknown_send_shown;
create view promo.unknown_send_shown as
select r.run_key, u.run_id, u.contact_id, a.resend_counter, p.code, sent.first_attempt, sent.attempts
from promo.unknown_send u
cross join lateral (
  select h.resend_counter, h.promo_code_id from promo.assignment h
  where h.run_id = u.run_id and h.contact_id = u.contact_id and h.state = 'unknown' offset 0) a
join promo.run r on r.run_id = u.run_id
join promo.promo_code p on p.promo_code_id = a.promo_code_id
cross join lateral (
  select min(t.started_at) as first_attempt, count(*) as attempts from promo.attempt t
  where t.run_id = u.run_id and t.contact_id = u.contact_id and t.purpose = 'message'
) sent
where sent.attempts > 0;
comment on column promo.answer.resend_counter is 'The assignment''s counter when it was asked; for a contact that is sent to anew it is asked anew.';
drop function promo.is_answered(bigint, bigint, bigint, smallint, smallint);
create function promo.is_answered(
  run_id bigint, contact_id bigint, promo_code_id bigint, resend_counter smallint, source smallint
) returns boolean
  language sql stable
  return exists (
    select from promo.answer w
    where w.run_id = is_answered.run_id and w.contact_id = is_answered.contact_id and w.source = is_answered.source
      and w.resend_counter = is_answered.resend_counter
      and (w.promo_code_id is null or w.promo_code_id = is_answered.promo_code_id));

-- part: locked on promo.rate_budget --
alter table promo.rate_budget rename column seats to slots;
comment on column promo.rate_budget.next_at is 'When the next token is due that no worker has leased; a Retry-After moves it.';
comment on column promo.rate_budget.slots is
  'Calls that may be under way: by worker, how many slots it holds and wants, and when they become free if it is killed.';

-- part: locked on promo.attempt --
alter trigger attempt_settled_once on promo.attempt rename to attempt_recorded_once;

-- part: locked on promo.audit --
alter trigger audit_settled_once on promo.audit rename to audit_recorded_once;
comment on table promo.audit is 'Who exported codes, erased a contact or held sending up: written before it begins, its end recorded once. Append-only.';

-- part: locked --
comment on table promo.code_stock is
  'How many codes there are of a pool, by the hour in which they run out: the sum of its rows. A statement that changes codes adds
a row, so that nobody waits for anybody; compact_stock makes one row of many.';
comment on column promo.run.mode is 'What running it again does once it is closed: send only to contacts that were not reached, repair profiles only, or nothing.';
comment on table promo.code_demand is
  'How many codes a run that is open has still to claim: the sum of its rows, and the count of its pending contacts that
need a code. A claim adds a row, so that nobody waits for anybody; a run that is closed has none.';

-- part: locked --
create or replace function promo.keep_evidence() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  raise exception 'table %.% keeps evidence: rows are added and their outcome recorded once, never changed or removed',
    tg_table_schema, tg_table_name
    using errcode = 'check_violation', constraint = 'attempt_append_only';
end $$;

-- part: locked --
create or replace function promo.count_assignments() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
declare
  runs bigint[];
  states promo.assignment_state[];
  counts bigint[];
begin
  -- An insert has no rows of before, and a statement that names them cannot run there.
  if tg_op = 'INSERT' then
    select array_agg(run_id), array_agg(state), array_agg(n) into runs, states, counts
    from (select run_id, state, count(*) as n from added group by 1, 2) changed;
  else
    select array_agg(run_id), array_agg(state), array_agg(n) into runs, states, counts
    from (
      select run_id, state, sum(n)::bigint as n
      from (
        select run_id, state, -count(*) as n from gone group by 1, 2
        union all
        select run_id, state, count(*) from added group by 1, 2
      ) both_sides
      group by 1, 2 having sum(n) <> 0
    ) changed;
  end if;
  insert into promo.run_count
    (run_id, pending, skipped, assigned, sending, accepted, rejected, unknown, recorded, expired)
  select run_id, coalesce(sum(n) filter (where state = 'pending'), 0), coalesce(sum(n) filter (where state = 'skipped'), 0),
         coalesce(sum(n) filter (where state = 'assigned'), 0), coalesce(sum(n) filter (where state = 'sending'), 0),
         coalesce(sum(n) filter (where state = 'accepted'), 0), coalesce(sum(n) filter (where state = 'rejected'), 0),
         coalesce(sum(n) filter (where state = 'unknown'), 0), coalesce(sum(n) filter (where state = 'recorded'), 0),
         coalesce(sum(n) filter (where state = 'expired'), 0)
  from unnest(runs, states, counts) as changed (run_id, state, n)
  group by run_id;
  return null;
end $$;

-- part: locked --
create or replace function promo.check_assignment_transition() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  -- A late ok for a send of unknown outcome that was to be made again.
  if (old.state, new.state) = ('assigned', 'accepted') and exists (
       select from promo.attempt t
       where t.run_id = new.run_id and t.contact_id = new.contact_id and t.purpose = 'message' and t.outcome = 'ok')
  then
    return new;
  end if;
  raise exception 'assignment (run %, contact %) may not go from % to %', old.run_id, old.contact_id, old.state, new.state
    using errcode = 'check_violation', constraint = 'assignment_transition';
end $$;
