-- count_given --
-- How many contacts of a run hold a code of each pool of its chain, and how many of them were sent it for sure; of one that is
-- archived, what was kept, for all who held a code then had been sent it. The limit makes it look each code up, as
-- `read_codes` does.
with held as (
  select p.type, p.discount, count(*) as held, count(*) filter (where a.state in ('accepted', 'recorded')) as given
  from promo.assignment a
  cross join lateral (
    select h.type, h.discount from promo.promo_code h where h.promo_code_id = a.promo_code_id limit 1) p
  where a.run_id = %(run_id)s and a.promo_code_id is not null
  group by p.type, p.discount
)
select pool.type, pool.discount,
       case when r.archived_at is null then coalesce(held.held, 0) else coalesce(r.pool_given[pool.place], 0) end as held,
       case when r.archived_at is null then coalesce(held.given, 0) else coalesce(r.pool_given[pool.place], 0) end as given
from promo.run r
cross join lateral unnest(r.pool_types, r.pool_discounts) with ordinality pool (type, discount, place)
left join held on held.type = pool.type and held.discount = pool.discount
where r.run_id = %(run_id)s
order by pool.place;

-- keep_given --
-- Keeps with a run that is closed what each of its pools gave, so that nobody counts it again.
update promo.run set pool_given = %(given)s::bigint[] where run_id = %(run_id)s;
