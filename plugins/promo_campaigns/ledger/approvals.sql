-- read_approval --
-- What was said of a run, by whom and when, and whether anybody need be asked: not of one that is closed or too late.
select run_id, run_key, approval as state, approved_by, approved_at,
       closed_at is not null as closed, extract(epoch from send_by - promo.clock())::float8 as left_s
from promo.run where run_id = %(run_id)s;

-- decide --
-- Keeps what a person said of a run that waits for it; what was said before stands.
update promo.run set approval = %(state)s, approved_by = %(approved_by)s, approved_at = promo.clock()
where run_id = %(run_id)s and approval = 'awaited' returning run_id;

-- skip_refused --
-- Nobody of a run that was refused is given a code.
with decided as (
  update promo.assignment set state = 'skipped', reason = 'not approved'
  where run_id = %(run_id)s and state = 'pending'
  returning needs_code
)
/* fragment less_demand */;

-- count_left_out --
-- Whom the run is not going to reach, by reason.
select reason, count(*) as contacts from promo.assignment
where run_id = %(run_id)s and state in ('skipped', 'rejected', 'expired')
group by reason order by contacts desc, reason;
