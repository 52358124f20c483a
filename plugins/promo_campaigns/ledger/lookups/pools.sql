-- read_pools --
-- The stock of each type and discount, by the attributes that codes carry, with what runs out soon, and what open runs of this
-- pool alone have still to claim, from kept counts.
-- What runs out is counted by whole hours: all codes of a pool may run out in one.
with pool as materialized (
  select type, discount, attributes, sum(free)::bigint as unused, sum(issued)::bigint as issued, sum(retired)::bigint as retired,
         coalesce(sum(free) filter (where hour > promo.stock_hour(promo.clock() + interval '7 days')), 0)::bigint as after_7,
         coalesce(sum(free) filter (where hour > promo.stock_hour(promo.clock() + interval '30 days')), 0)::bigint as after_30
  from promo.code_stock group by type, discount, attributes
)
select pool.type, pool.discount, pool.attributes, pool.issued, pool.retired, valid.codes as free, pool.unused - valid.codes as expired,
       greatest(valid.codes - pool.after_7, 0) as expiring_in_7, greatest(valid.codes - pool.after_30, 0) as expiring_in_30,
       coalesce(demand.codes, 0) as reserved
from pool
cross join lateral promo.free_codes(pool.type, pool.discount, promo.clock(), pool.attributes) valid
cross join lateral (
  select sum(d.codes)::bigint as codes from promo.run r join promo.code_demand d on d.run_id = r.run_id
  where r.closed_at is null and r.code_type = pool.type and r.discount = pool.discount and r.pool_types is null
) demand
where pool.unused + pool.issued + pool.retired > 0
order by pool.type, pool.discount, pool.attributes;

-- read_burn --
-- How many codes of a pool were given in the runs of each day, of so many newest runs; of runs with a chain, those that are
-- closed, for which it was counted.
select (r.opened_at at time zone 'UTC')::date as day, sum(r.given)::bigint as given, count(*) as runs, min(r.opened_at) as since
from (
  select one.opened_at, k.given
  from (
    select run_id, opened_at from promo.run
    where code_type = %(type)s and discount = %(discount)s and opened_at > promo.clock() - make_interval(days => %(days)s)
      and pool_types is null
    order by opened_at desc limit %(limit)s
  ) one
  cross join lateral (
    select sum(assigned + sending + accepted + unknown + recorded)::bigint as given from promo.run_count c where c.run_id = one.run_id
  ) k
  union all
  select chain.opened_at, pool.given
  from (
    select opened_at, pool_types, pool_discounts, pool_given from promo.run
    where pool_types is not null and opened_at > promo.clock() - make_interval(days => %(days)s)
    order by opened_at desc limit %(limit)s
  ) chain
  cross join lateral unnest(chain.pool_types, chain.pool_discounts, chain.pool_given) pool (type, discount, given)
  where pool.type = %(type)s and pool.discount = %(discount)s and pool.given is not null
) r
group by 1 order by 1;
