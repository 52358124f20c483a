-- create_staging --
-- Make the table that one file is staged in; it is gone with the transaction.
create temporary table staged_send (
  line          bigint  primary key,
  run_key       text,
  workflow      text,
  given_id      bigint,
  external_id   text,
  code          text    not null,
  sent_at       timestamptz,
  accepted      boolean not null,
  key           text    collate "C" generated always as (promo.code_key(code)) stored,
  run_id        bigint,
  contact_id    bigint,
  promo_code_id bigint,
  problem       text
) on commit drop;

-- fill_staging --
-- Take the rows of a file, in the order of told_file.ToldSend.
copy pg_temp.staged_send (line, run_key, workflow, given_id, external_id, code, sent_at, accepted) from stdin;

-- tune_load --
-- Let this transaction sort in memory.
select set_config('work_mem', '64MB', true);

-- analyze_staging --
-- Tell the planner how large the file is.
analyze pg_temp.staged_send;

-- find_people --
-- Whom and which code each row means. An external id is told first: ids of contacts that were added since are forgotten.
update pg_temp.staged_send t
set contact_id = case when t.external_id is not null
                      then (select c.contact_id from promo.contact c where c.external_id = t.external_id)
                      else (select c.contact_id from promo.contact c where c.contact_id = t.given_id) end,
    promo_code_id = (select p.promo_code_id from promo.promo_code p
                     where promo.code_key(p.code) collate "C" = t.key and not p.twin);

-- find_runs --
-- Which run a row means that names none: the one that waits for a decision and has the contact, if there is one only.
update pg_temp.staged_send t set run_key = found.run_key
from (
  select m.line, min(r.run_key) as run_key
  from pg_temp.staged_send m
  join promo.assignment a on a.contact_id = m.contact_id
  join promo.restored_run x on x.run_id = a.run_id and x.decided_at is null
  join promo.run r on r.run_id = a.run_id
  where m.run_key is null and (m.workflow is null or r.workflow = m.workflow)
  group by m.line having count(*) = 1
) found
where t.line = found.line;

-- name_runs --
-- Which of the runs that the rows name the store knows.
update pg_temp.staged_send t set run_id = r.run_id from promo.run r where r.run_key = t.run_key;

-- find_problems --
-- What speaks against a row: what it names is not known, or the ledger or another row says otherwise.
with decided as materialized (
  select t.line,
    case
      when t.contact_id is null then 'there is no such contact; load it, and reconcile the file again'
      when t.promo_code_id is null and (r.run_id is null or f.code is null)
        then 'there is no such code; load its code file, and reconcile the file again'
      when t.run_key is null then 'it names no run, and the contact waits in none or in several; add run_key'
      when t.promo_code_id is not null and t.first_id <> t.last_id then 'the file gives the code to several contacts'
      when t.first_key <> t.last_key then 'the file gives the contact several codes of the run'
      when p.held_by <> t.contact_id then 'the code is another contact''s'
      when known.promo_code_id is distinct from t.promo_code_id and known.contact_id is not null
        then 'it was told before that the contact has another code of the run'
      when r.run_id is not null and a.contact_id is null then 'the contact is not in the run'
      when r.run_id is not null and p.promo_code_id is not null and (p.type, p.discount) not in (
          select * from unnest(coalesce(r.pool_types, array[r.code_type]), coalesce(r.pool_discounts, array[r.discount])))
        then 'the code is of no pool of the run'
      when p.promo_code_id is not null and a.promo_code_id <> p.promo_code_id then 'the contact holds another code of the run'
      when r.run_id is not null and not r.reuses and p.held_by = t.contact_id and a.promo_code_id is distinct from p.promo_code_id
        then 'the contact holds the code from another run'
    end as problem
  from (
    select m.*, min(m.contact_id) over of_code as first_id, max(m.contact_id) over of_code as last_id,
           min(m.key) over of_contact as first_key, max(m.key) over of_contact as last_key
    from pg_temp.staged_send m
    window of_code as (partition by m.key), of_contact as (partition by m.run_key, m.contact_id)
  ) t
  left join promo.run r on r.run_id = t.run_id
  left join promo.assignment a on a.run_id = t.run_id and a.contact_id = t.contact_id
  left join promo.promo_code p on p.promo_code_id = t.promo_code_id
  left join promo.restored_send known on known.run_key = t.run_key and known.contact_id = t.contact_id
  left join lateral (
    select r.spec->'fallback'->>'code' as code
    where promo.code_key(r.spec->'fallback'->>'code') collate "C" = t.key) f on true
)
update pg_temp.staged_send t set problem = decided.problem
from decided where decided.line = t.line and decided.problem is not null;

-- find_returns --
-- Who held a code when the backup was taken, and gave it back since: it was sent to somebody else, or another one of the run to
-- them. Not if that is known of them already, or if a worker had begun to send to them before.
select a.run_id, a.contact_id
from (
  select t.run_id, t.contact_id from pg_temp.staged_send t where t.problem = 'the contact holds another code of the run'
  union
  select h.run_id, h.contact_id from pg_temp.staged_send t
  join promo.promo_code p on p.promo_code_id = t.promo_code_id
  join promo.assignment h on h.contact_id = p.held_by and h.promo_code_id = p.promo_code_id
  where t.problem = 'the code is another contact''s'
) held
join promo.restored_run x on x.run_id = held.run_id and x.decided_at is null
join promo.run r on r.run_id = held.run_id
join promo.assignment a on a.run_id = held.run_id and a.contact_id = held.contact_id
where a.state = 'unknown'
  and not exists (
    select from promo.attempt t
    where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = 'message' and t.lease_token > 0
      and t.outcome is distinct from 'refused')
  and not exists (
    select from promo.restored_send k
    where k.run_key = r.run_key and k.contact_id = a.contact_id and k.promo_code_id = a.promo_code_id)
order by a.run_id, a.contact_id for update of a;

-- return_told --
-- Their codes go back, as they did before, and they wait for others.
with decided as materialized (
  select a.run_id, a.contact_id, a.promo_code_id, true as gives_back,
         promo.was_seen(a.run_id, a.contact_id, a.promo_code_id) as seen
  from promo.assignment a
  where a.run_id = %(run_id)s and a.contact_id = any(%(contact_ids)s) and a.state = 'assigned'
), /* fragment ledger.given_back */, /* fragment ledger.waits_again */;

-- forget_contradictions --
-- Rows that spoke against those codes are looked at once more.
update pg_temp.staged_send set problem = null
where problem in ('the contact holds another code of the run', 'the code is another contact''s');

-- withdraw_told --
-- Codes that somebody was told, and that no run of the store can hold for them, leave the pool for good.
update promo.promo_code p set retired = true, seen_at = promo.clock(), waits_until = null
from pg_temp.staged_send t
where p.promo_code_id = t.promo_code_id and p.issued_at is null and p.seen_at is null
  and (t.problem is not null or t.run_id is null);

-- keep_told --
-- Keep what was told and nothing speaks against, also of runs that the store does not know.
insert into promo.restored_send as known (run_key, contact_id, promo_code_id, restore_id, sent_at, accepted)
select distinct on (t.run_key, t.contact_id)
       t.run_key, t.contact_id, t.promo_code_id, %(restore_id)s, least(t.sent_at, promo.clock()), t.accepted
from pg_temp.staged_send t where t.problem is null
order by t.run_key, t.contact_id, t.accepted desc, t.line
on conflict (run_key, contact_id) do update
  set accepted = true, sent_at = coalesce(excluded.sent_at, known.sent_at), restore_id = excluded.restore_id
  where excluded.accepted and not known.accepted;

-- told_runs --
-- The runs of the store of which something was told.
select distinct run_id from pg_temp.staged_send where problem is null and run_id is not null order by run_id;

-- count_staged --
-- How many rows there were, and how many of them are of runs that the store does not know.
select count(*) as rows, count(*) filter (where problem is null) as told,
       count(*) filter (where problem is null and run_id is null) as forgotten
from pg_temp.staged_send;

-- list_problems --
-- The first rows that something speaks against, with how many have the same against them.
select line, problem, count(*) over (partition by problem) as total
from pg_temp.staged_send where problem is not null order by line limit %(limit)s;

-- has_told --
-- Whether receivers told anything of a run, and after which restore: what they leave open is as of that.
select r.spec, s.restored_to, s.said_at, s.claim_id
from promo.run r
join promo.restored_send t on t.run_key = r.run_key
join promo.store_restore s on s.restore_id = t.restore_id
where r.run_id = %(run_id)s
order by s.restore_id desc limit 1;

-- reopen_told --
-- Contacts who were sent to, and whom the run had passed over as far as the store knows, wait again for the code they have.
update promo.assignment a set state = 'pending', reason = null, needs_code = false
from (
  select a.run_id, a.contact_id
  /* fragment told_of_run */
    and t.accepted and a.state in ('skipped', 'rejected', 'expired')
) told
where a.run_id = told.run_id and a.contact_id = told.contact_id;

-- give_told --
-- Contacts who wait are given the code that they were told to have.
with due as materialized (
  select told.run_id, told.contact_id, p.promo_code_id, told.at, p.issued_at is not null as again
  from (
    select a.run_id, a.contact_id, t.promo_code_id, coalesce(t.sent_at, %(said_at)s) as at, r.reuses
    /* fragment told_of_run */
      and a.state = 'pending'
    for update of a
  ) told
  join promo.promo_code p on p.promo_code_id = told.promo_code_id
  where p.issued_at is null or p.held_by = told.contact_id and told.reuses
), issued as (
  update promo.promo_code p
  set issued_at = coalesce(p.issued_at, due.at), held_by = due.contact_id, again = p.again + due.again::integer,
      waits_until = null
  from due where p.promo_code_id = due.promo_code_id
), decided as (
  update promo.assignment a
  set state = 'assigned', promo_code_id = due.promo_code_id, reused_at = case when due.again then due.at end,
      claim_id = %(claim_id)s
  from due where a.run_id = due.run_id and a.contact_id = due.contact_id
  returning a.needs_code
)
/* fragment ledger.less_demand */;

-- told_of_fallback --
-- Contacts who wait and were told to have the run's fallback code.
select a.contact_id
/* fragment told_of_run */
  and a.state = 'pending' and t.promo_code_id is null
order by a.contact_id;

-- intend_told --
-- Contacts who hold the code that they were told to have may have been sent to.
with gone as materialized (
  select a.run_id, a.contact_id, a.promo_code_id, coalesce(t.sent_at, %(restored_to)s) as at
  /* fragment told_of_run */
    and a.state = 'assigned' and (a.promo_code_id = t.promo_code_id or t.promo_code_id is null)
  for update of a
), /* fragment taken_for_sent */;

-- told_accepted --
-- The next contacts of unknown outcome whose message a receiver took.
select a.contact_id
/* fragment told_of_run */
  and a.state = 'unknown' and t.accepted and (a.promo_code_id = t.promo_code_id or t.promo_code_id is null)
  and a.contact_id > %(after)s
order by a.contact_id limit %(limit)s;

-- skip_told --
-- Who was sent to and cannot hold the code here is sent nothing more.
with decided as (
  update promo.assignment a set state = 'skipped', reason = 'sent before a restore'
  from (
    select a.run_id, a.contact_id
    /* fragment told_of_run */
      and t.accepted and a.state = 'pending'
  ) told
  where a.run_id = told.run_id and a.contact_id = told.contact_id
  returning a.needs_code
)
/* fragment ledger.less_demand */;

-- let_go_told --
-- A run that was told to have gone beyond its first share was let go.
update promo.run o set let_go_at = promo.clock()
where o.run_id = %(run_id)s and o.start_with is not null and o.let_go_at is null and exists (
  select
  /* fragment told_of_run */
    and a.promo_code_id is not null
    and not exists (select from promo.first_share f where f.run_id = a.run_id and f.contact_id = a.contact_id));
