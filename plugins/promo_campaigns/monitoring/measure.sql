-- count_unknown --
-- How many sends have no known outcome: they are kept by themselves.
select count(*) as sends from promo.unknown_send;

-- count_circuits --
-- How many receivers have an open circuit.
select count(*) as receivers from promo.receiver where open_until is not null;

-- count_events --
-- For each workflow that listens, how many events wait and for how long the oldest of them has.
select l.workflow, waiting.events, waiting.since,
       coalesce(extract(epoch from promo.clock() - waiting.since), 0)::float8 as seconds
from promo.event_listener l
cross join lateral (
  select count(*) as events, min(t.received_at) as since
  from promo.event_queue t where t.workflow = l.workflow and t.taken_at is null
) waiting
order by l.workflow;

-- measure_open_runs --
-- How many runs are open, and for how long nothing has moved in the one that has stood still the longest.
select count(*) as runs, coalesce(extract(epoch from promo.clock() - min(moved.at)), 0)::float8 as still_s
from promo.run r
cross join lateral (
  select greatest(r.opened_at, max(k.counted_at)) as at from promo.run_count k where k.run_id = r.run_id) moved
where r.closed_at is null;
