-- read_open_runs --
-- The runs that are not closed, and for how long nothing has moved in each: nobody was called, and no call was answered.
select r.run_id, r.run_key, r.workflow, r.approval is not distinct from 'awaited' as awaits_approval,
       moved.at as moved_at, greatest(0, extract(epoch from promo.clock() - moved.at))::float8 as still_s
from promo.run r
cross join lateral (
  select greatest(r.opened_at, r.approved_at, max(greatest(t.started_at, t.finished_at))) as at
  from promo.attempt t where t.run_id = r.run_id
) moved
where r.closed_at is null
order by r.run_id;

-- count_waiting --
-- How many contacts of a run wait who could be written to, now and since then: the others are in their quiet hours.
select count(*) as contacts
from promo.assignment a join promo.run r using (run_id)
where a.run_id = %(run_id)s
  and (a.state in ('pending', 'assigned', 'sending') or a.state = 'accepted' and r.records)
  and not promo.is_quiet(r.quiet_hours, coalesce(a.time_zone, r.time_zone), promo.clock())
  and not promo.is_quiet(r.quiet_hours, coalesce(a.time_zone, r.time_zone),
                         promo.clock() - make_interval(secs => %(still_s)s));
