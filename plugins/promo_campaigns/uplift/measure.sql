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

-- redemptions --
-- Codes that were redeemed are conversions of who redeemed them; their value is what was paid in one currency.
select d.person_id as contact_id, d.redeemed_at as at, case when d.currency = %(event)s then d.amount end as value
from promo.redemption d
where d.person_id is not null
  and d.redeemed_at >= (select min(opened_at) from promo.run where run_id = any(%(run_ids)s))
  and d.redeemed_at < (select max(opened_at) from promo.run where run_id = any(%(run_ids)s)) + make_interval(secs => %(within_s)s)

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
                 and coalesce(a.reason, '') not in
                   ('no channel', 'unsubscribed', 'complained', 'bounced', 'unregistered', 'hold-out')) as intended,
         bool_or(a.state = 'skipped' and a.reason = 'hold-out') as held_out,
         bool_and(a.state in ('pending', 'assigned', 'sending')) as waiting
  from unnest(%(run_ids)s::bigint[]) as asked (run_id)
  -- Run by run, however many they are: of many small ones the planner would rather read all there ever were.
  cross join lateral (
    select h.contact_id, h.state, h.reason, r.opened_at
    from promo.run r join promo.assignment h on h.run_id = r.run_id
    where r.run_id = asked.run_id offset 0) a
  group by a.contact_id
), timeline as (
  select contact_id, since, treated, intended, held_out, waiting, null::timestamptz as at, null::numeric as value from person
  union all
  select c.contact_id, null, null, null, null, null, c.at, c.value from (
/* conversions */
  ) c
), dated as (
  -- Persons and conversions meet by sorting, not in a join: of a new run's persons the planner believes that they are few.
  select *, max(since) over (partition by contact_id) as opened from timeline
), told as (
  select contact_id, bool_or(treated) as treated, bool_or(intended) as intended, bool_or(held_out) as held_out,
         bool_or(waiting) as waiting,
         count(*) filter (where at >= opened and at < opened + make_interval(secs => %(within_s)s)) > 0 as converted,
         sum(value) filter (where at >= opened and at < opened + make_interval(secs => %(within_s)s)) as value
  from dated where opened is not null
  group by contact_id
)
select arm.name, count(*) as contacts, count(*) filter (where p.converted) as converted,
       sum(coalesce(p.value, 0))::float8 as value, var_samp(coalesce(p.value, 0))::float8 as variance
from told p
cross join lateral (values
  ('treated', p.treated and not p.held_out),
  ('intended', p.intended and not p.held_out),
  ('held_out', p.held_out and not p.intended),
  ('mixed', p.held_out and p.intended),
  ('waiting', p.waiting)) arm (name, is_in)
where arm.is_in
group by arm.name;
