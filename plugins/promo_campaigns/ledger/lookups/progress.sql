-- list_workflows --
-- The workflows that have runs: the index is stepped through from one to the next.
with recursive known (workflow) as (
  (select workflow from promo.run order by workflow limit 1)
  union all
  select (select r.workflow from promo.run r where r.workflow > k.workflow order by r.workflow limit 1)
  from known k where k.workflow is not null
)
select workflow from known where workflow is not null;

-- read_states --
-- How many contacts of a run are in each state, as they are kept.
select sum(pending)::bigint as pending, sum(skipped)::bigint as skipped, sum(assigned)::bigint as assigned,
       sum(sending)::bigint as sending, sum(accepted)::bigint as accepted, sum(rejected)::bigint as rejected,
       sum(unknown)::bigint as unknown, sum(recorded)::bigint as recorded, sum(expired)::bigint as expired
from promo.run_count where run_id = %(run_id)s;

-- read_rate --
-- How many contacts of a run came to an outcome in a while up to now, and how long that while was at most.
select coalesce(sum(k.skipped + k.accepted + k.rejected + k.unknown + k.recorded + k.expired), 0)::bigint as outcomes,
       least(%(seconds)s, extract(epoch from promo.clock() - max(r.opened_at)))::float8 as seconds
from promo.run r
left join promo.run_count k on k.run_id = r.run_id and k.counted_at > promo.clock() - make_interval(secs => %(seconds)s)
where r.run_id = %(run_id)s;

-- read_facts --
-- What a run is, and what it waits for.
select r.run_key, r.workflow, r.spec - 'audience' as definition, r.mode, r.send_by, r.records, r.approval, r.halt, r.halted_at, r.time_zone,
       case when r.closed_at is null and promo.is_quiet(r.quiet_hours, r.time_zone, promo.clock())
            then promo.opens_at(r.quiet_hours, r.time_zone, promo.clock(), interval '1 minute') end as quiet_until
from promo.run r where r.run_id = %(run_id)s;

-- read_alarms --
-- What somebody was told of low stock, the newest first.
select subject, told_at from promo.alert where kind = 'low_stock' order by told_at desc limit %(limit)s;

-- read_name --
-- What a run is called, whose it is and where it stands.
select run_id, run_key, workflow, closed_at, halt, mode from promo.run where run_id = %(run_id)s;

-- read_ids --
-- The runs of a key and of those below it, which a stream of events opens, newest first.
select run_id, workflow from promo.run
where run_key = %(key)s
   or (run_key collate "C" >= %(key)s || '/' and run_key collate "C" < %(key)s || '0')
order by run_id desc limit %(limit)s;
