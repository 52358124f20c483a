-- read_runs --
-- How many runs they are, and when the window of the last of them ends, if that is still to come.
select count(*) as runs,
       case when max(opened_at) + make_interval(secs => %(within_s)s) > promo.clock()
            then max(opened_at) + make_interval(secs => %(within_s)s) end as open_until
from promo.run where run_id = any(%(run_ids)s);

-- events --
-- Events of a type are conversions without a value; of these, those that came while the runs' windows were open.
select e.contact_id, e.received_at as at, null::numeric as value from promo.event e
where e.type = %(event)s
  and e.received_at >= (select min(opened_at) from promo.run where run_id = any(%(run_ids)s))
  and e.received_at < (select max(opened_at) from promo.run where run_id = any(%(run_ids)s)) + make_interval(secs => %(within_s)s)

-- read_columns --
-- What the author's SELECT yields.
select * from (
/* conversions */
) c limit 0

-- with_value --
-- The author's conversions, each with its value.
select contact_id::bigint, at::timestamptz, value::numeric from (
/* conversions */
) c

-- without_value --
-- The author's conversions.
select contact_id::bigint, at::timestamptz, null::numeric as value from (
/* conversions */
) c

-- count_arms --
-- Everybody in the runs' audiences who could be reached, once, by what was decided for them; with who of them converted,
-- from the opening of their first run on.
with person as (
  select a.contact_id, min(a.opened_at) as since,
         bool_or(a.state in ('accepted', 'recorded')) as treated,
         bool_or(a.state not in ('pending', 'assigned', 'sending')
                 and coalesce(a.reason, '') not in ('no channel', 'unsubscribed', 'hold-out')) as intended,
         bool_or(a.state = 'skipped' and a.reason = 'hold-out') as held_out,
         bool_and(a.state in ('pending', 'assigned', 'sending')) as waiting
  from unnest(%(run_ids)s::bigint[]) as asked (run_id)
  -- Run by run, however many they are: of many small ones the planner would rather read all there ever were.
  cross join lateral (
    select h.contact_id, h.state, h.reason, r.opened_at
    from promo.run r join promo.assignment h on h.run_id = r.run_id
    where r.run_id = asked.run_id offset 0) a
  group by a.contact_id
), converted as (
  select p.contact_id, sum(c.value) as value
  from person p
  join (
/* conversions */
  ) c on c.contact_id = p.contact_id and c.at >= p.since and c.at < p.since + make_interval(secs => %(within_s)s)
  group by p.contact_id
)
select arm.name, count(*) as contacts, count(c.contact_id) as converted,
       sum(coalesce(c.value, 0))::float8 as value, var_samp(coalesce(c.value, 0))::float8 as variance
from person p
left join converted c using (contact_id)
cross join lateral (values
  ('treated', p.treated and not p.held_out),
  ('intended', p.intended and not p.held_out),
  ('held_out', p.held_out and not p.intended),
  ('mixed', p.held_out and p.intended),
  ('waiting', p.waiting)) arm (name, is_in)
where arm.is_in
group by arm.name;
