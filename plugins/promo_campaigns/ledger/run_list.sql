-- list_runs --
-- The runs opened before one, newest first.
with page as materialized (
  select * from promo.run where run_id < %(before)s order by run_id desc limit %(limit)s
)
/* fragment listed */;

-- list_runs_of_workflow --
-- Of those the ones of a workflow.
with page as materialized (
  select * from promo.run where workflow = %(workflow)s and run_id < %(before)s order by run_id desc limit %(limit)s
)
/* fragment listed */;

-- newest_of_workflows --
-- The newest run of each of some workflows.
with page as materialized (
  select newest.* from unnest(%(workflows)s::text[]) as named (workflow)
  cross join lateral (
    select * from promo.run r where r.workflow = named.workflow order by r.run_id desc limit 1) newest
)
/* fragment listed */;

-- list_closed --
-- The closed runs opened before one, newest first; those that were cancelled are not among them.
with page as materialized (
  select * from promo.run where run_id < %(before)s and closed_at is not null and halt is distinct from 'cancelled'
  order by run_id desc limit %(limit)s
)
/* fragment listed */;

-- list_closed_of_workflow --
-- Of those the ones of a workflow.
with page as materialized (
  select * from promo.run
  where workflow = %(workflow)s and run_id < %(before)s and closed_at is not null and halt is distinct from 'cancelled'
  order by run_id desc limit %(limit)s
)
/* fragment listed */;

-- list_cancelled --
-- The runs that were cancelled, newest first. Persons cancel runs, so these are few, and so are those of a workflow.
with page as materialized (
  select * from promo.run
  where halt is not null and halt = 'cancelled' and run_id < %(before)s and workflow = coalesce(%(workflow)s, workflow)
  order by run_id desc limit %(limit)s
)
/* fragment listed */;

-- list_open --
-- The open runs in a state, newest first. All that are open are looked at, which are few.
with under_way as materialized (
  select * from promo.run where closed_at is null
), page as materialized (
  select * from under_way r
  where run_id < %(before)s and workflow = coalesce(%(workflow)s, workflow) and promo.run_stands(run_id, halt, closed_at, approval) = %(state)s
  order by run_id desc limit %(limit)s
)
/* fragment listed */;

-- list_stuck --
-- The open runs in which nothing has moved for so long and nobody waits for a good reason: a halt, an approval, or quiet
-- hours, which are over for somebody who waits as long as that; nor for the end of the wait behind a first share.
with under_way as materialized (
  select r.* from promo.run r
  cross join lateral (select max(k.counted_at) as at from promo.run_count k where k.run_id = r.run_id) moved
  where r.closed_at is null and r.halt is distinct from 'paused' and r.approval is distinct from 'awaited'
    and greatest(r.opened_at, moved.at) < promo.clock() - %(still)s
    and (r.let_go_at is not null or r.first_ended_at + r.then_wait < promo.clock() - %(still)s) is distinct from false
    and promo.run_stands(r.run_id, r.halt, r.closed_at, r.approval) <> 'restored'
    and not exists (select from promo.sending_stop)
), page as materialized (
  select u.* from under_way u
  where u.quiet_hours is null
    or not exists (
      select from promo.assignment a where a.run_id = u.run_id and a.state in ('pending', 'assigned'))
    or exists (
      select from promo.assignment a
      where a.run_id = u.run_id and a.state in ('pending', 'assigned')
        and not promo.is_quiet(u.quiet_hours, a.time_zone, promo.clock())
        and not promo.is_quiet(u.quiet_hours, a.time_zone, promo.clock() - %(still)s))
)
/* fragment listed */;

-- read_line --
-- One run.
with page as materialized (
  select * from promo.run where run_id = %(run_id)s
)
/* fragment listed */;

-- find_keys --
-- Run keys that begin with a text, the first few; byte by byte, so that an index answers whatever the database's order is.
select run_key from promo.run
where run_key collate "C" >= %(start)s and run_key collate "C" < %(start)s || chr(1114111)
order by run_key collate "C" limit %(limit)s;

-- newest_keys --
-- The keys of the newest runs.
select run_key from promo.run order by run_id desc limit %(limit)s;

-- list_runs_of_workflows --
-- The runs of some workflows opened before one, newest first: the newest of each, then the newest of all.
with page as materialized (
  select newest.* from unnest(%(workflows)s::text[]) w (workflow)
  cross join lateral (
    select * from promo.run r where r.workflow = w.workflow and r.run_id < %(before)s
    order by r.run_id desc limit %(limit)s) newest
  order by newest.run_id desc limit %(limit)s
)
/* fragment listed */;

-- list_under_way --
-- The runs that are not closed, newest first, as many as are looked at on one page.
with page as materialized (
  select * from promo.run where closed_at is null order by run_id desc limit %(limit)s
)
/* fragment listed */;
