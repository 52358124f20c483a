-- keep_values --
-- Freezes what each contact of a run that is being opened has, by which codes are given to it.
insert into promo.match_value (run_id, contact_id, attributes)
select a.run_id, a.contact_id, has.attributes
from promo.run r
join promo.assignment a on a.run_id = r.run_id
cross join lateral promo.contact_has(
  a.contact_id,
  (select v.value from promo.audience_value v where v.run_id = a.run_id and v.contact_id = a.contact_id),
  r.match_names, r.match_sources) has
where r.run_id = %(run_id)s and r.match_names is not null;

-- has_values --
-- Whether anything is kept for a run: its first contact is looked up, where the planner may read all runs for any of it.
select (select contact_id from promo.match_value where run_id = %(run_id)s order by contact_id limit 1) is not null as kept;

-- need_no_code --
-- Of a run that gives contacts again what they hold, no code is taken for those who hold one that carries what they have.
update promo.assignment a set needs_code = false
from promo.run r, promo.match_value m
where r.run_id = %(run_id)s and a.run_id = r.run_id and m.run_id = r.run_id and m.contact_id = a.contact_id
  and r.reuses and a.state = 'pending' and a.needs_code and m.attributes <> ''
  and exists (
    select from unnest(r.pool_types, r.pool_discounts) pool (type, discount)
    cross join lateral promo.code_to_reuse(
      a.contact_id, pool.type, pool.discount, promo.clock() + make_interval(days => r.days), m.attributes) held);

-- skip_short --
-- Of the run's contacts who have the same and wait for a code the last ones, in the order of contact ids, go without.
with without as (
  select w.run_id, w.contact_id
  from (
    select a.run_id, a.contact_id, m.attributes,
           row_number() over (partition by m.attributes order by a.contact_id desc) as place
    from promo.assignment a
    join promo.match_value m on m.run_id = a.run_id and m.contact_id = a.contact_id
    where a.run_id = %(run_id)s and a.state = 'pending' and a.needs_code
  ) w
  join unnest(%(attributes)s::text[], %(codes)s::bigint[]) short (attributes, codes)
    on short.attributes = w.attributes and w.place <= short.codes
), /* fragment ledger.go_without */
/* fragment ledger.less_demand */;
