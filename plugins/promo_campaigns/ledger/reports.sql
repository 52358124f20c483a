-- read_run --
-- What a report says of the run itself.
select run_key, workflow,
       jsonb_path_query_array(spec, '$.data_sources[*].name') as data_sources,
       coalesce(spec->>'transport', 'inbox') as transport, spec - 'audience' as definition, closed_at is null as is_open,
       archived_at is not null as is_archived,
       forecast, extract(epoch from coalesce(closed_at, promo.clock()) - opened_at)::float8 as seconds
from promo.run where run_id = %(run_id)s;

-- count_stock --
-- Codes of each of the run's pools that could be claimed for it now, and of these, those that could not in a week.
with pool as materialized (
  select p.place, p.type, p.discount, sum(now.codes)::bigint as now, sum(later.codes)::bigint as later
  from promo.run r
  cross join lateral unnest(coalesce(r.pool_types, array[r.code_type]), coalesce(r.pool_discounts, array[r.discount]))
    with ordinality p (type, discount, place)
  cross join lateral (
    select '' as attributes
    union
    select s.attributes from promo.code_stock s
    where r.match_names is not null and s.type = p.type and s.discount = p.discount) carried
  cross join lateral promo.free_codes(
    p.type, p.discount, promo.clock() + make_interval(days => r.days), carried.attributes) now
  cross join lateral promo.free_codes(
    p.type, p.discount, promo.clock() + make_interval(days => r.days + 7), carried.attributes) later
  where r.run_id = %(run_id)s
  group by p.place, p.type, p.discount
)
select type, discount, now as codes, now - later as expiring_soon from pool order by place;

-- count_states --
-- The run's assignments by state and reason, and how many of them were given a code that they held already.
select state::text as state, reason, count(*) as contacts, count(reused_at) as reused
from promo.assignment where run_id = %(run_id)s group by state, reason order by state, reason;

-- count_kept --
-- What is kept of the states of a run that is archived.
select n.state, 'archived' as reason, sum(n.contacts)::bigint as contacts, 0 as reused
from promo.run_count k
cross join lateral (values ('skipped', k.skipped), ('accepted', k.accepted), ('rejected', k.rejected), ('recorded', k.recorded),
                           ('expired', k.expired)) n (state, contacts)
where k.run_id = %(run_id)s group by n.state having sum(n.contacts) > 0 order by n.state;

-- read_receivers --
-- Which receivers are refusing or failing just now, why, and until when they are not called; null where no waiting helps.
select name, reason, nullif(open_until, 'infinity') as waits_until, open_until = 'infinity' as refuses
from promo.receiver where name = any(%(names)s) and reason is not null and open_until is not null order by name;
