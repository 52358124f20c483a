-- read_pools --
-- The stock of each type and discount with what runs out soon, what open runs have still to claim, and what was given in the
-- runs of a while, all from kept counts.
with pool as materialized (
  select type, discount, sum(free)::bigint as unused, sum(issued)::bigint as issued, sum(retired)::bigint as retired
  from promo.code_stock group by type, discount
)
select pool.type, pool.discount, pool.issued, pool.retired, valid.codes as free, pool.unused - valid.codes as expired,
       valid.codes - week.codes as expiring_in_7, valid.codes - month.codes as expiring_in_30,
       coalesce(demand.codes, 0) as reserved, used.given, used.days
from pool
cross join lateral promo.free_codes(pool.type, pool.discount, promo.clock()) valid
cross join lateral promo.free_codes(pool.type, pool.discount, promo.clock() + interval '7 days') week
cross join lateral promo.free_codes(pool.type, pool.discount, promo.clock() + interval '30 days') month
cross join lateral (
  select sum(d.codes)::bigint as codes from promo.run r join promo.code_demand d on d.run_id = r.run_id
  where r.closed_at is null and r.code_type = pool.type and r.discount = pool.discount
) demand
cross join lateral (
  select coalesce(sum(k.given), 0)::bigint as given, extract(epoch from promo.clock() - min(r.opened_at))::float8 / 86400 as days
  from promo.run r
  cross join lateral (
    select sum(assigned + sending + accepted + unknown + recorded)::bigint as given from promo.run_count c where c.run_id = r.run_id
  ) k
  where r.code_type = pool.type and r.discount = pool.discount and r.opened_at > promo.clock() - make_interval(days => %(days)s)
) used
where pool.unused + pool.issued + pool.retired > 0
order by pool.type, pool.discount;

-- read_burn --
-- How many codes of a pool were given in the runs of each day.
select (r.opened_at at time zone 'UTC')::date as day, sum(k.given)::bigint as given
from promo.run r
cross join lateral (
  select sum(assigned + sending + accepted + unknown + recorded)::bigint as given from promo.run_count c where c.run_id = r.run_id
) k
where r.code_type = %(type)s and r.discount = %(discount)s and r.opened_at > promo.clock() - make_interval(days => %(days)s)
group by 1 order by 1;
