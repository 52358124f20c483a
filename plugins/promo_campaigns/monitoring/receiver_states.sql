-- list_receivers --
-- What all workers know of each receiver: its circuit, and when its next turn is.
select coalesce(r.name, b.receiver) as name, coalesce(r.failures, 0) as failures, r.reason,
       nullif(r.open_until, 'infinity') as open_until, coalesce(r.open_until = 'infinity', false) as refuses,
nullif(b.next_at, '-infinity') as next_at
from promo.receiver r full join promo.rate_budget b on b.receiver = r.name
order by 1;

-- newest_failures --
-- Of the newest attempts those that came to something else than success, and whom they called.
with newest as materialized (
  select attempt_id, run_id, finished_at, outcome, detail, purpose, source from promo.attempt
  order by attempt_id desc limit %(looked_at)s
), failed as materialized (
  select * from newest where finished_at is not null and outcome is distinct from 'ok' and detail <> ''
  order by attempt_id desc limit %(limit)s
)
select f.finished_at as at, f.outcome, f.detail, f.purpose, f.source, r.run_key, r.workflow, r.definition
from failed f
cross join lateral (
  select o.run_key, o.workflow, o.spec - 'audience' as definition from promo.run o where o.run_id = f.run_id offset 0
) r
order by f.attempt_id desc;
