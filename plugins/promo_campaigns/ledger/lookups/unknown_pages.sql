-- list_unknown_page --
-- The next sends of unknown outcome of a run, with all that was tried. Each is looked up by itself (offset 0): in a join the
-- planner may go through a whole run for each of them.
with page as materialized (
  select run_id, contact_id from promo.unknown_send
  where run_id = %(run_id)s and contact_id > %(after)s order by contact_id limit %(limit)s
)
select p.contact_id, c.code, sent.since, sent.attempts
from page p
cross join lateral (
  select h.promo_code_id from promo.assignment h
  where h.run_id = p.run_id and h.contact_id = p.contact_id and h.state = 'unknown' offset 0) a
join promo.promo_code c on c.promo_code_id = a.promo_code_id
cross join lateral (
  select min(t.started_at) as since,
         jsonb_agg(jsonb_build_object('at', t.started_at, 'outcome', t.outcome, 'detail', t.detail) order by t.attempt_id) as attempts
  from promo.attempt t where t.run_id = p.run_id and t.contact_id = p.contact_id and t.purpose = 'message'
) sent
order by p.contact_id;

-- chosen_unknown --
-- Those of some contacts of a run whose send has an unknown outcome.
select contact_id from promo.unknown_send where run_id = %(run_id)s and contact_id = any(%(contact_ids)s) order by contact_id;

-- next_unknown --
-- The next contacts of a run whose send has an unknown outcome.
select contact_id from promo.unknown_send
where run_id = %(run_id)s and contact_id > %(after)s order by contact_id limit %(limit)s;
